package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/training"
	"sluice/trainer"
	"sluice/trainer/mix"
)

func newMixCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mix",
		Short: "See how the data of a training are mixed",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMixPlanCommand(a))
	return cmd
}

// mixFlags are the flags of mix plan.
type mixFlags struct {
	trainFlags
	mixers      []string
	all, asJSON bool
}

func newMixPlanCommand(a *app) *cobra.Command {
	f := &mixFlags{}
	cmd := &cobra.Command{
		Use:   "plan RECIPE",
		Short: "Tell how often each domain will be trained on, and why",
		Long: `plan opens the data that the section train of a recipe names and tells what its mixer would do with them: the share of every domain, how
many examples of it are picked, how often it is gone through, where the cap on repetition stops it, and why. Nothing is trained.

Mixers that learn from small trainings (regmix, law) tell which ones they need; sluice train makes them and keeps their results, and from
then on their choice is told. --mixer shows other mixers in place of the recipe's, with their usual settings; several, or --all, side by
side, with ! where the cap stops a domain.`,
		Example: `  sluice mix plan recipe.yaml
  sluice mix plan recipe.yaml --mixer uniform,temperature,unimax
  sluice mix plan recipe.yaml --all --json`,
		Args:              exactly("recipe"),
		ValidArgsFunction: recipeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return a.planMix(ctx, args[0], f)
		},
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVarP(&f.out, "out", "o", "", "`folder` of the model, in place of the recipe's")
	fs.StringSliceVar(&f.mixers, "mixer", nil, "`mixers` to show in place of the recipe's")
	fs.BoolVar(&f.all, "all", false, "show all mixers")
	fs.BoolVar(&f.asJSON, "json", false, "JSON")
	cmd.RegisterFlagCompletionFunc("mixer", cobra.FixedCompletions(mix.Catalog.Names(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// planMix is `sluice mix plan`.
func (a *app) planMix(ctx context.Context, path string, f *mixFlags) error {
	names := f.mixers
	for _, n := range names {
		if err := oneOf("mixer", n, mix.Catalog.Names()); err != nil {
			return err
		}
	}
	if f.all && names != nil {
		return &usageError{errors.New("--mixer and --all: use one of them"), ""}
	}
	if f.all {
		names = mix.Catalog.Names()
	}
	r, c, err := a.trainRecipe(path, &f.trainFlags)
	if err != nil {
		return err
	}
	slices.Sort(names)
	p, err := trainer.PlanMix(ctx, c, trainer.Options{Dir: c.Out}, slices.Compact(names)...)
	if err != nil {
		return trainError(r, err)
	}
	if f.asJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(p)
	}
	return training.WriteMixPlan(a.stdout, p)
}
