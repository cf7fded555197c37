package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/forecast"
	"sluice/cmd/internal/report"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// rehearsed is how many seeds are taken for measuring prompts.
const rehearsed = 20

func newPlanCommand(a *app) *cobra.Command {
	var p place
	cmd := &cobra.Command{
		Use:   "plan RECIPE",
		Short: "Tell what a run will take: stages, calls, tokens, money, time, disk",
		Long: `plan reads the source once and tells what a run of the recipe will take. No network is asked and nothing is written: prompts are
rendered for a few real seeds to learn how long they are, and answers are taken to be about as long as what they rewrite.
The worst case is every answer as long as max_tokens allows and every misfit asked again; no filter is expected to drop
anything. sluice preview measures instead of estimating.`,
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.load(args[0], p)
			if err != nil {
				return err
			}
			ctx, _, stop := a.listen(cmd.Context(), pipeline.NewHalt())
			defer stop()
			return interrupted(ctx, a.plan(ctx, args[0], r))
		},
	}
	p.flags(cmd)
	return cmd
}

func (a *app) plan(ctx context.Context, path string, r *pipeline.Recipe) error {
	s, err := r.Survey(ctx, rehearsed)
	if err != nil {
		return err
	}
	asked, unmeasured := forecast.Rehearse(ctx, r, s)
	if err := ctx.Err(); err != nil {
		return err
	}
	p := forecast.New(r, s, asked)
	var b strings.Builder
	planHead(&b, path, r, s)
	if err := planStages(&b, r, p); err != nil {
		return err
	}
	if err := planModels(&b, r, p); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\ndisk: about %s for %s rows of the dataset", size(p.Bytes), about(p.Rows))
	if p.Answers > 0 {
		fmt.Fprintf(&b, ", %s for answers in the store (180 MB more while it is open)", size(p.Answers))
	}
	b.WriteString("\n")
	planTraining(&b, path, r, p)
	if unmeasured != nil {
		fmt.Fprintf(&b, "not measured: %v\n", unmeasured)
	}
	_, err = io.WriteString(a.stdout, b.String())
	return err
}

// planTraining tells of the training at the end; what it needs of memory and time depends on tokens, which are counted once there are rows.
func planTraining(b *strings.Builder, path string, r *pipeline.Recipe, p *forecast.Plan) {
	if r.Train == nil {
		return
	}
	c, err := trainConfig(r, "")
	if err != nil {
		return // the recipe would not have been read
	}
	fmt.Fprintf(b, "\ntraining: %s, into %s\n", c.String(), shortest(c.Out))
	switch steps, tokens := c.Length(p.Rows); {
	case steps == 0:
		fmt.Fprintf(b, "  on about %s rows\n", about(p.Rows))
	case c.Steps > 0:
		fmt.Fprintf(b, "  %s steps, %s tokens\n", about(float64(steps)), about(float64(tokens)))
	default:
		fmt.Fprintf(b, "  about %s steps, at most %s tokens, if all rows are accepted\n", about(float64(steps)), about(float64(tokens)))
	}
	fmt.Fprintf(b, "  sluice train %s --plan tells memory, time and energy once the dataset is there\n", path)
}

// planHead tells of the dataset and the source.
func planHead(b *strings.Builder, path string, r *pipeline.Recipe, s *pipeline.Survey) {
	fmt.Fprintf(b, "recipe: %s\ndataset: %s, %s\n", path, shortest(r.Dataset), standing(r))
	fmt.Fprintf(b, "source: %s seeds", humanize.Comma(s.Total))
	if labels := len(s.Labels); labels > 1 || labels == 1 && s.Labels[0] != "" {
		fmt.Fprintf(b, " of %d labels", labels)
	}
	if s.Held > 0 {
		fmt.Fprintf(b, ", %s more held out", humanize.Comma(s.Held))
	}
	if s.Bad > 0 {
		fmt.Fprintf(b, ", %s rows that cannot be read", humanize.Comma(s.Bad))
	}
	b.WriteString("\n")
	var parts []string
	for i, l := range s.Labels {
		if i == 12 {
			parts = append(parts, fmt.Sprintf("… %d more", len(s.Labels)-i))
			break
		}
		if l != "" {
			parts = append(parts, fmt.Sprintf("%s %s", l, humanize.Comma(s.Seeds[l])))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "  %s\n", strings.Join(parts, ", "))
	}
	if t := r.Target; t != nil {
		fmt.Fprintf(b, "target: %s accepted made rows; seeds are visited again until it is met\n", humanize.Comma(t.Accepted))
	}
}

// standing says what a run would do to the dataset as it is.
func standing(r *pipeline.Recipe) string {
	m, err := schemas.ReadManifest(r.Dataset)
	switch {
	case errors.Is(err, schemas.ErrNoManifest):
		return "new"
	case err != nil:
		return err.Error()
	case m.Fingerprint != r.Fingerprint().Hash:
		return "made by another recipe: run needs --new"
	case m.Complete:
		return "complete: a run adds what the sources have gained since"
	}
	return "begun: a run goes on with it"
}

func planStages(b *strings.Builder, r *pipeline.Recipe, p *forecast.Plan) error {
	t := &report.Table{Left: []int{5}}
	t.Row("", "acts on", "calls", "makes", "out", "")
	at := 0
	phases := r.Phases()
	for i, stages := range phases {
		if len(phases) > 1 {
			t.Row(fmt.Sprintf("phase %d of %d", i+1, len(phases)))
		}
		for _, st := range stages {
			s := p.Steps[at]
			note := ""
			if _, fits := st.Component.(pipeline.Fitter); fits {
				note = "  sees all rows before it judges one"
				if st.Role == pipeline.Generators {
					note = "  learns from all seeds before it makes a row"
				}
			}
			t.Row("  "+s.ID, about(s.Acts), some(s.Requests), some(s.Made), about(s.Out), note)
			at++
		}
	}
	fmt.Fprintf(b, "\nstages, as if nothing were dropped:\n")
	return t.Write(b, "")
}

func planModels(b *strings.Builder, r *pipeline.Recipe, p *forecast.Plan) error {
	if len(p.Models) == 0 {
		b.WriteString("\nno model is asked: nothing is spent\n")
		return nil
	}
	t := &report.Table{Left: []int{5}}
	t.Row("model", "calls", "tokens in", "tokens out", "money", "")
	var expected, worst llm.Money
	unknown := false
	for _, m := range p.Models {
		for i, l := range []forecast.Load{m.Expected, m.Worst} {
			name, note := m.Name, "  expected"
			if i == 1 {
				name, note = "", "  at worst"
			}
			t.Row(name, about(l.Requests), about(l.Prompt), about(l.Completion), priced(&m, l.Money), note)
		}
		unknown = unknown || m.Paid && !m.Spec.Price.Known()
		expected += m.Expected.Money
		worst += m.Worst.Money
	}
	b.WriteString("\n")
	if err := t.Write(b, ""); err != nil {
		return err
	}
	if unknown {
		b.WriteString("a price is unknown: give models.NAME.price {input, output} per million tokens to see and cap the money\n")
	}
	if limit, ok := r.Budget.Money(); ok {
		fmt.Fprintf(b, "budget: %s; expected %s, at worst %s", limit, expected, worst)
		if expected > limit {
			b.WriteString(": the run will stop at the cap and can go on with a higher one")
		}
		b.WriteString("\n")
	}
	for _, m := range p.Models {
		if d := m.AtLimits(m.Expected); d > 0 {
			fmt.Fprintf(b, "time: %s at the limits declared for %s\n", d, m.Name)
		} else if m.Paid {
			fmt.Fprintf(b, "time: %s declares no limits; %s if each answer takes 2 s with %.0f in flight\n", m.Name, m.At(m.Expected, 2*time.Second), m.InFlight)
		}
		if env := m.Spec.KeyEnv; env != "" && os.Getenv(env) == "" {
			fmt.Fprintf(b, "key: %s is not set: model %s cannot be asked yet\n", env, m.Name)
		}
	}
	return nil
}

func priced(m *forecast.Model, money llm.Money) string {
	switch {
	case !m.Paid:
		return "free"
	case !m.Spec.Price.Known():
		return "unknown"
	}
	return money.String()
}

// about writes a number that is an estimate: whole, with commas.
func about(x float64) string {
	if x < 0 || x > math.MaxInt64/2 {
		return "?"
	}
	return humanize.Comma(int64(math.Round(x)))
}

func some(x float64) string {
	if x == 0 {
		return ""
	}
	return about(x)
}

func size(bytes float64) string { return humanize.Bytes(uint64(max(bytes, 0))) }
