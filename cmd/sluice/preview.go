package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/forecast"
	"sluice/cmd/internal/report"
	"sluice/pipeline"
	"sluice/pipeline/llm"
)

func newPreviewCommand(a *app) *cobra.Command {
	var p place
	var n int
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "preview RECIPE",
		Short: "Take ten seeds through a recipe for real, and tell what the whole would take",
		Long: `preview takes a few seeds, drawn from the whole source, through the real stages of the recipe and shows what became of each: rows
that would be in the dataset (+) and rows that would not (-), with the stage and the reason. Nothing is sealed, the dataset is
not touched. Models are really asked; their answers land in the ledger, so that a run does not pay them again. Rows are
deduplicated among themselves, and a stage that must see all rows judges by these few.

Then it tells what the whole will come to, with an interval that holds 80 % of what other such samples would say.`,
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 {
				return &usageError{fmt.Errorf("-n %d: a preview takes 1 seed or more", n), ""}
			}
			r, err := a.load(args[0], p)
			if err != nil {
				return err
			}
			halt := pipeline.NewHalt()
			ctx, begun, stop := a.listen(cmd.Context(), halt)
			defer stop()
			o := options(ctx, r, false, wait)
			o.Halt = halt
			begun.Store(len(r.Models) > 0) // requests that have left are waited for: they are paid
			t, err := pipeline.Preview(ctx, r, o, n)
			if err != nil {
				return interrupted(ctx, err)
			}
			return a.previewed(r, t)
		},
	}
	p.flags(cmd)
	cmd.Flags().IntVarP(&n, "rows", "n", 10, "how many seeds to take")
	cmd.Flags().DurationVar(&wait, "wait", 0, "how long to wait for another run to let go of the store")
	return cmd
}

// previewed shows what became of the seeds, and what that makes of the whole.
func (a *app) previewed(r *pipeline.Recipe, t *pipeline.Tried) error {
	if err := report.Rows(a.stdout, t); err != nil {
		return err
	}
	var b strings.Builder
	sum, err := report.Sum(t.Counts)
	if err != nil {
		return err
	}
	fmt.Fprintf(&b, "%s seeds + %s made = %s accepted + %s dropped + %s failed\n", about(float64(sum.Read)), about(float64(sum.Made)),
		about(float64(sum.Accepted)), about(float64(sum.Dropped)), about(float64(sum.Failed)))
	for _, id := range t.Fitted {
		fmt.Fprintf(&b, "%s judged by these rows alone: in the run it will judge by all\n", id)
	}
	if m := &t.Models; m.Sum.Requests > 0 || m.CachedAnswers > 0 {
		fmt.Fprintf(&b, "asked: %s requests, %s tokens, %s %s; %s answers were in the ledger already\n", about(float64(m.Sum.Requests)),
			about(float64(m.Sum.Tokens())), llm.Money(m.Sum.Cost), m.Currency, about(float64(m.CachedAnswers)))
	}
	whole(&b, r, t)
	_, err = io.WriteString(a.stdout, b.String())
	return err
}

// whole tells what the run will come to.
func whole(b *strings.Builder, r *pipeline.Recipe, t *pipeline.Tried) {
	if len(t.Survey.Sample) == 0 {
		b.WriteString("the source has no seeds\n")
		return
	}
	wanted := 0.0
	if r.Target != nil {
		wanted = float64(r.Target.Accepted)
	}
	seeds := float64(t.Survey.Total)
	w := forecast.Extrapolate(forecast.Outcomes(t), seeds, wanted)
	fmt.Fprintf(b, "\nthe whole, from %d of %s seeds (80 %% interval):\n", len(t.Survey.Sample), about(seeds))
	if w.Unreachable {
		b.WriteString("  no made row was accepted: the target is out of reach as it is\n")
		return
	}
	between := func(i forecast.Interval, f func(float64) string) string {
		return fmt.Sprintf("%s  (%s to %s)", f(i.Mid), f(i.Low), f(i.High))
	}
	if wanted > 0 {
		fmt.Fprintf(b, "  visits of seeds  %s\n", between(w.Visits, about))
	}
	fmt.Fprintf(b, "  rows accepted    %s, of them made %s\n", between(w.Rows, about), about(w.Made.Mid))
	if w.Tokens.Mid == 0 {
		return
	}
	fmt.Fprintf(b, "  tokens           %s\n", between(w.Tokens, about))
	if unpriced(r) {
		b.WriteString("  money            unknown: give models.NAME.price {input, output} per million tokens\n")
	} else {
		fmt.Fprintf(b, "  money            %s %s\n", between(w.Cost, func(x float64) string { return llm.Money(x).String() }), t.Models.Currency)
		if limit, ok := r.Budget.Money(); ok && w.Cost.Mid > float64(limit) {
			fmt.Fprintf(b, "  the budget of %s will stop the run before its end\n", limit)
		}
	}
	pace(b, r, t, w)
}

func unpriced(r *pipeline.Recipe) bool {
	return slices.ContainsFunc(used(r), func(name string) bool {
		m := r.Models[name]
		return (m.Provider == "" || m.Provider == llm.OpenAI) && !m.Price.Known()
	})
}

// pace tells how long the whole takes: at the speed of the preview with all workers busy, or by the declared limits if they
// are slower.
func pace(b *strings.Builder, r *pipeline.Recipe, t *pipeline.Tried, w forecast.Whole) {
	fresh := float64(t.Models.Sum.Requests)
	if fresh == 0 {
		return // all came from the ledger: nothing was timed
	}
	times := w.Visits.Mid / float64(len(t.Survey.Sample))
	busy := 0.0
	for _, s := range r.Stages {
		if m, ok := s.Component.(pipeline.Modeler); ok && len(m.Models()) > 0 {
			busy = max(busy, float64(forecast.Workers(&s)))
		}
	}
	d := time.Duration(float64(t.Took) * times * min(fresh, busy) / max(busy, 1))
	for _, name := range used(r) {
		m := forecast.Model{Spec: r.Models[name]}
		d = max(d, m.AtLimits(forecast.Load{Requests: fresh * times, Prompt: w.Tokens.Mid}))
	}
	fmt.Fprintf(b, "  time             about %s\n", max(d.Round(time.Second), time.Second))
}
