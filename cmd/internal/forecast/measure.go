package forecast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// defaultAnswer is the longest answer where neither stage nor model says: the default of max_tokens.
const defaultAnswer = 2048

// Asked is what one model was asked by one stage about a few seeds, by a rehearsal: the stage has rendered its real prompts, and
// the model echo has answered in place of the real one.
type Asked struct {
	Model      string
	Records    int     // seeds
	Requests   int     // for all of them
	Structured int     // of them, those that want JSON: a misfit is asked again once
	Prompt     float64 // mean tokens of a prompt
	Answer     float64 // mean tokens of echo's answer, about as long as what it was about
	Most       float64 // mean of the most tokens an answer may have
}

// Rehearse lets every stage that asks models work on the sample of s, and tells what was asked, by stage. No request
// leaves and nothing is stored. A stage that cannot be rehearsed is in failed.
func Rehearse(ctx context.Context, r *pipeline.Recipe, s *pipeline.Survey) (asked map[string][]Asked, failed error) {
	asked = map[string][]Asked{}
	echoes := map[string]llm.Spec{}
	for name, spec := range r.Models {
		echoes[name] = llm.Spec{Provider: llm.Echo, MaxTokens: spec.MaxTokens}
	}
	models, err := llm.NewModels(echoes, llm.Options{})
	if err != nil {
		return nil, err
	}
	defer models.Close()
	var errs []error
	for i := range r.Stages {
		st := &r.Stages[i]
		if m, ok := st.Component.(pipeline.Modeler); !ok || len(m.Models()) == 0 {
			continue
		}
		heard := &ears{spec: r.Models, by: map[string]*Asked{}}
		env := &pipeline.Env{Seed: r.Seed, Stage: st.ID, Dir: r.Dir, Schema: r.Schema, Pool: s.Pool,
			Model: func(name string) (llm.Model, error) {
				m, err := models.Model(name, st.ID)
				return &listener{Model: m, name: name, to: heard}, err
			}}
		if err := rehearse(ctx, st, env, s.Sample); err != nil {
			errs = append(errs, fmt.Errorf("%s: its prompts could not be rendered ahead: %w", st.ID, err))
		}
		asked[st.ID] = heard.sum(len(s.Sample))
	}
	return asked, errors.Join(errs...)
}

// rehearse opens a component and lets it work on each of seeds.
func rehearse(ctx context.Context, st *pipeline.StageSpec, env *pipeline.Env, seeds []*schemas.Record) (err error) {
	defer func() {
		if p := recover(); p != nil { // a component on data it was not made for must not end a forecast
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if c, ok := st.Component.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	if o, ok := st.Component.(pipeline.Opener); ok {
		if err := o.Open(ctx, env); err != nil {
			return err
		}
	}
	if f, ok := st.Component.(pipeline.Fitter); ok {
		if err := f.Fit(ctx, all(seeds)); err != nil {
			return err
		}
	}
	for _, seed := range seeds {
		var err error
		switch c := st.Component.(type) {
		case pipeline.Generator:
			_, err = c.Generate(ctx, seed)
		case pipeline.Filter:
			_, err = c.Judge(ctx, seed)
		case pipeline.Deduper:
			_, err = c.Keys(ctx, seed)
		}
		if _, lost := errors.AsType[*schemas.Failure](err); err != nil && !lost {
			return err
		}
	}
	return nil
}

func all(rs []*schemas.Record) iter.Seq2[*schemas.Record, error] {
	return func(yield func(*schemas.Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// listener notes what a model is asked.
type listener struct {
	llm.Model
	name string
	to   *ears
}

func (l *listener) Ask(ctx context.Context, q llm.Request) (llm.Answer, error) {
	a, err := l.Model.Ask(ctx, q)
	l.to.note(l.name, &q, a.Usage)
	return a, err
}

type ears struct {
	spec map[string]llm.Spec
	mu   sync.Mutex
	by   map[string]*Asked // sums, until sum makes means of them
}

func (e *ears) note(model string, q *llm.Request, u llm.Usage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.by[model]
	if a == nil {
		a = &Asked{Model: model}
		e.by[model] = a
	}
	most := q.MaxTokens
	if most == 0 {
		most = e.spec[model].MaxTokens
	}
	if most == 0 {
		most = defaultAnswer
	}
	a.Requests++
	a.Prompt += float64(u.Prompt)
	a.Answer += float64(min(u.Completion, int64(most)))
	a.Most += float64(most * max(q.N, 1))
	if q.Schema != nil {
		a.Structured++
	}
}

func (e *ears) sum(records int) []Asked {
	var out []Asked
	for _, a := range e.by {
		n := float64(a.Requests)
		a.Records, a.Prompt, a.Answer, a.Most = records, a.Prompt/n, a.Answer/n, a.Most/n
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Asked) int { return cmp.Compare(a.Model, b.Model) })
	return out
}
