package generators

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// SelfInstruct asks a model for new tasks after the example of seeds. A prompt shows eight tasks and asks for n new ones; in chat records a
// task is the first user message and the model also writes the answer, else it is the text. A task that breaks a rule is a
// failure, counted by its reason:
//
//	too_short, too_long   not more than 3 words, or more than max_words
//	unsuitable            needs what a language model has not: image, graph, file, map, draw, plot, go to; or starts with a punctuation mark
//	too_similar           ROUGE-L above max_rouge with a seed of the pool or with an earlier task of the same answer
//
// Source: Wang et al.: Self-Instruct, 2022 (arXiv 2212.10560), with its sampling (temperature 0.7, top_p 0.5, presence penalty 2). It shows
// 6 human and 2 model-made tasks; here all are human, because what other workers have made by now depends on timing and the output must
// not. It compares with all that was made so far; here earlier tasks of other requests are left to dedup. Refused tasks
// are counted as dropped and land in the rejects.
//
// A prompt of your own sees the record's fields, n, demos (a list of texts), chat (whether answers are wanted) and fence.
type SelfInstruct struct {
	Asking   `yaml:",inline"`
	Samples  int     `yaml:"samples"`   // requests per seed
	N        int     `yaml:"n"`         // tasks asked for in one request
	Demos    int     `yaml:"demos"`     // tasks shown, the seed among them
	MaxRouge float64 `yaml:"max_rouge"` // ROUGE-L from which a task counts as a repeat; 1: never
	MaxWords int     `yaml:"max_words"` // longest task; default 150

	env    *pipeline.Env
	ask    *asker
	schema *llm.Schema
	chat   bool
	all    []int32    // indexes of the pool
	pool   [][]string // tokens of its tasks
}

// Check finds wrong templates and numbers.
func (s *SelfInstruct) Check(c pipeline.CheckEnv) error {
	var err error
	if c.Schema != nil && c.Schema.Kind == schemas.Preference {
		err = errors.New("it makes tasks, and these records are preferences")
	}
	return errors.Join(err, s.check(c, "selfinstruct", "n", "demos", "chat", "fence"), samplesIn(s.Samples, maxSamples),
		atLeast("n", s.N, 1), atLeast("demos", s.Demos, 1), atLeast("max_words", s.MaxWords, 0), between("max_rouge", &s.MaxRouge, 0, 1))
}

// NeedsPool: demonstrations come from it, and tasks are compared with it.
func (s *SelfInstruct) NeedsPool() bool { return true }

// Forecast returns the requests per seed and the tasks they give.
func (s *SelfInstruct) Forecast() (requests, made float64) {
	return float64(s.Samples), float64(s.Samples * s.N)
}

// Open finds the model, parses the templates and cuts the pool into tokens.
func (s *SelfInstruct) Open(_ context.Context, env *pipeline.Env) (err error) {
	s.env = env
	if s.ask, err = s.open(env, "selfinstruct"); err != nil {
		return err
	}
	q := &s.ask.base
	if q.Temperature == nil && q.TopP == nil {
		temperature, topP := 0.7, 0.5
		q.Temperature, q.TopP, q.Extra = &temperature, &topP, map[string]any{"presence_penalty": 2}
	}
	if s.MaxWords == 0 {
		s.MaxWords = 150
	}
	s.chat = env.Schema != nil && env.Schema.Kind == schemas.Chat
	item := `{"type":"object","properties":{"task":{"type":"string","minLength":1}},"required":["task"],"additionalProperties":false}`
	if s.chat {
		item = `{"type":"object","properties":{"task":{"type":"string","minLength":1},"answer":{"type":"string","minLength":1}},"required":["task","answer"],"additionalProperties":false}`
	}
	s.schema = listAnswer("tasks", item, s.N)
	for i, r := range env.Pool.Seeds {
		s.all = append(s.all, int32(i))
		s.pool = append(s.pool, tokenize(task(r)))
	}
	return nil
}

// task is what a record asks for: its first user message, or its text.
func task(r *schemas.Record) string {
	for _, m := range r.Messages {
		if m.Role == "user" {
			return m.Content
		}
	}
	return r.Content()
}

// Generate returns the tasks of all requests; those that break a rule, and requests without tasks, carry a failure.
func (s *SelfInstruct) Generate(ctx context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	var out []*schemas.Record
	for i := range s.Samples {
		a, err := s.ask.ask(ctx, s.vars(seed, i), s.schema, roundAttempt(seed, i))
		var list []any
		if err == nil {
			list, err = tasksOf(a, s.N)
		}
		if err != nil {
			made, err := s.ask.failed(seed.Child(s.env.Stage, seed.Origin.Round, i*s.N), a, err)
			if err != nil {
				return nil, err
			}
			out = append(out, made...)
			continue
		}
		var kept [][]string
		for j, e := range list {
			r := seed.Child(s.env.Stage, seed.Origin.Round, i*s.N+j)
			s.ask.book(r, a, j, len(list))
			m, _ := e.(map[string]any)
			text, ok := m["task"].(string)
			text, err := usable(text, ok)
			answer, _ := m["answer"].(string)
			if s.chat {
				r.Messages = []schemas.Message{{Role: "user", Content: text}, {Role: "assistant", Content: answer}}
			} else {
				r.Text = text
			}
			tokens := tokenize(text)
			switch f, _ := errors.AsType[*schemas.Failure](err); {
			case f != nil:
				r.Failure = f
			case s.chat && strings.TrimSpace(answer) == "":
				r.Failure = schemas.Fail("empty", "the task has no answer")
			default:
				r.Failure = s.refuse(text, tokens, kept)
			}
			if r.Failure == nil {
				kept = append(kept, tokens)
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *SelfInstruct) vars(seed *schemas.Record, sample int) map[string]any {
	demos := append([]*schemas.Record{seed}, demo(s.env.Pool, s.all, s.Demos-1, seed.ID, draw(s.env.Seed, s.env.Stage, seed, sample))...)
	texts := make([]string, len(demos))
	for i, d := range demos {
		texts[i] = task(d)
	}
	v := expr.Vars(seed)
	v["n"], v["demos"], v["chat"], v["fence"] = s.N, texts, s.chat, fence(texts...)
	return v
}

func tasksOf(a llm.Answer, n int) ([]any, error) {
	m, err := object(a)
	if err != nil {
		return nil, err
	}
	list, _ := m["tasks"].([]any)
	if len(list) == 0 {
		return nil, schemas.Fail("empty", "tasks is missing or empty")
	}
	return list[:min(n, len(list))], nil
}

var unsuitable = map[string]bool{"image": true, "images": true, "graph": true, "graphs": true, "picture": true, "pictures": true,
	"file": true, "files": true, "map": true, "maps": true, "draw": true, "plot": true}

// refuse returns why a task is no good, or nil.
func (s *SelfInstruct) refuse(text string, tokens []string, kept [][]string) *schemas.Failure {
	n := len(strings.Fields(text))
	if n <= 3 {
		return schemas.Refuse("too_short", "%d words", n)
	}
	if n > s.MaxWords {
		return schemas.Refuse("too_long", "%d words", n)
	}
	if first, _ := utf8.DecodeRuneInString(text); unicode.IsPunct(first) {
		return schemas.Refuse("unsuitable", "it starts with %c", first)
	}
	for i, t := range tokens {
		if unsuitable[t] || t == "go" && i+1 < len(tokens) && tokens[i+1] == "to" {
			return schemas.Refuse("unsuitable", "it needs more than words: %s", t)
		}
	}
	for _, list := range [][][]string{s.pool, kept} {
		for _, other := range list {
			if rougeBound(tokens, other) <= s.MaxRouge {
				continue
			}
			if v := rougeL(tokens, other); v > s.MaxRouge {
				return schemas.Refuse("too_similar", "ROUGE-L %.2f with %q", v, strings.Join(other, " "))
			}
		}
	}
	return nil
}
