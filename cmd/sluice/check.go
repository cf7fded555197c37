package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/report"
	"sluice/pipeline"
	"sluice/pipeline/llm"
)

func newCheckCommand(a *app) *cobra.Command {
	var p place
	var probe bool
	cmd := &cobra.Command{
		Use:   "check RECIPE",
		Short: "Find everything wrong with a recipe, without asking any network",
		Long: `check reads a recipe as run would: its keys, components, templates, files, columns, models, budget and training. All that is wrong
is told at once, each with line, column and remedy where one is known; then the exit code is 2. No network is asked and
nothing is written.

With --probe, each model that a stage uses is then asked what it can do: at most seven tiny requests each, which cost
next to nothing and are not stored. A model that does not answer makes the exit code that a run would end with.`,
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.trains = true
			r, err := a.load(args[0], p)
			if err != nil {
				return err
			}
			var does []string
			if r.Schema != nil {
				does = append(does, fmt.Sprintf("%s on %s rows, %s", plurals(len(r.Stages), "stage", "stages"), r.Schema.Kind, modelsUsed(r)))
			}
			if r.Train != nil {
				does = append(does, trains(r))
			}
			fmt.Fprintf(a.stdout, "%s is fine: %s\n", args[0], strings.Join(does, ", then "))
			for _, name := range used(r) {
				if env := r.Models[name].KeyEnv; env != "" && os.Getenv(env) == "" {
					fmt.Fprintf(a.stderr, "sluice: note: %s is not set: model %s has no key yet\n", env, name)
				}
			}
			if !probe {
				return nil
			}
			return a.probe(cmd.Context(), r)
		},
	}
	p.flags(cmd)
	cmd.Flags().BoolVar(&probe, "probe", false, "ask every model what it can do")
	return cmd
}

// used are the models that stages ask, sorted.
func used(r *pipeline.Recipe) []string {
	names := map[string]bool{}
	for _, s := range r.Stages {
		if m, ok := s.Component.(pipeline.Modeler); ok {
			for _, name := range m.Models() {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func modelsUsed(r *pipeline.Recipe) string {
	if names := used(r); len(names) > 0 {
		return "asking " + strings.Join(names, ", ")
	}
	return "asking no model"
}

// trains says what a recipe trains.
func trains(r *pipeline.Recipe) string {
	c, err := trainConfig(r, "")
	if err != nil {
		return "" // the recipe would not have been read
	}
	return "training: " + c.String()
}

// probe asks the models that stages use what they can do. All are asked, whatever one says.
func (a *app) probe(ctx context.Context, r *pipeline.Recipe) error {
	halt := pipeline.NewHalt()
	ctx, _, stop := a.listen(ctx, halt)
	defer stop()
	models, err := llm.NewModels(r.Models, llm.Options{Budget: r.Budget, Dir: r.Dir, Env: os.Getenv, Stop: halt.Done()})
	if err != nil {
		return err
	}
	defer models.Close()
	t := &report.Table{Left: []int{1, 2, 3}}
	var errs []error
	for _, name := range used(r) {
		found, err := models.Probe(ctx, name)
		for _, f := range found {
			verdict := "yes"
			if !f.Works {
				verdict = "no"
			}
			t.Row(name, f.What, verdict, f.Detail)
		}
		if err != nil {
			t.Row(name, "chat", "no", "see the error")
			errs = append(errs, fmt.Errorf("model %s: %w", name, err))
		}
	}
	if err := t.Write(a.stdout, "  "); err != nil {
		return err
	}
	return interrupted(ctx, errors.Join(errs...))
}
