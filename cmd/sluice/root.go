package main

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/logs"
)

// app is what all commands share.
type app struct {
	stdout io.Writer      // data
	stderr *logs.Redactor // talk, without secrets
	screen io.Writer      // what stderr writes to

	trains atomic.Bool // a signal would stop a training, not a run
}

func newApp(stdout, stderr io.Writer) *app {
	return &app{stdout: stdout, stderr: logs.NewRedactor(stderr), screen: stderr}
}

// commands are the subcommands, in the order of the help page: each is one file.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newRunCommand(a),
		newCheckCommand(a),
		newPlanCommand(a),
		newPreviewCommand(a),
		newShowCommand(a),
		newWhyCommand(a),
		newVerifyCommand(a),
		newExportCommand(a),
		newTrainCommand(a),
		newMixCommand(a),
		newEvalCommand(a),
		newTokenizerCommand(a),
		newEmbedCommand(a),
		newGenerateCommand(a),
		newConvertCommand(a),
		newStateCommand(a),
		newListCommand(a),
		newSchemaCommand(a),
		newFakeLLMCommand(a),
		newVersionCommand(a),
	}
}

// newRoot puts the command tree together.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Make, curate and use training data for language models",
		Long: `sluice makes, curates and uses training data for language models.

One recipe (YAML) says the whole job: seed rows, stages, dataset. A run can be stopped at any time, by Ctrl-C or
by a crash: the same command goes on, and nothing is paid twice. Rows are data and go to stdout or into the
dataset; everything else is said on stderr.

` + exitCodes(),
		Example: `  sluice check recipe.yaml        # everything wrong with it, without asking any network
  sluice preview recipe.yaml      # ten rows for real, and what the whole would cost
  sluice run recipe.yaml          # make the dataset, go on with it, or add new seeds to it`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := "sluice --help lists the commands"
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "did you mean " + strings.Join(near, " or ") + "?"
			}
			return &usageError{fmt.Errorf("unknown command %q", args[0]), hint}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err, cmd.CommandPath() + " --help lists the flags"}
	})
	root.AddCommand(commands(a)...)
	root.AddCommand(newExitCodesTopic())
	return root
}

// usageError is a mistake on the command line.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// exactly wants the named arguments, no fewer and no more.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < len(names):
			return &usageError{fmt.Errorf("%s needs a %s", cmd.CommandPath(), names[len(args)]), hint}
		case len(args) > len(names):
			return &usageError{fmt.Errorf("%s does not know what to do with %q", cmd.CommandPath(), args[len(names)]), hint}
		}
		return nil
	}
}

// noArguments is for commands whose flags say everything.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "usage: " + cmd.UseLine()
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return &usageError{fmt.Errorf("%s does not know what to do with %q", cmd.CommandPath(), args[0]), hint}
}

// recipeFiles completes the names of recipes in a shell.
func recipeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}
