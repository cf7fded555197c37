package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/pipeline/state"
	"sluice/trainer"
)

// Exit codes. What can be resumed goes on with the same command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitRecipe      = 2
	exitInterrupted = 3
	exitBudget      = 4
	exitLocked      = 5
	exitAudit       = 6
	exitBatch       = 7
	exitUnavailable = 8
	exitFailures    = 9
	exitUnmet       = 10
	exitAtOnce      = 130
)

// exitTexts is the table of exit codes as it is printed.
var exitTexts = []struct {
	code int
	text string
}{
	{exitDone, "done"},
	{exitFailed, "failed: a bad key, an unknown model, a full disk, a bug"},
	{exitRecipe, "the recipe or the command line is wrong, or the recipe differs from the dataset's"},
	{exitInterrupted, "interrupted: what was whole is sealed, the same command goes on"},
	{exitBudget, "the budget is reached: the same command goes on with a higher one"},
	{exitLocked, "another run holds the lock of the dataset, the store or the model (--wait waits for it)"},
	{exitAudit, "an audit, a verification or a lift check fell below its floor"},
	{exitBatch, "waiting for a provider's batch: the same command asks for it again"},
	{exitUnavailable, "the provider is unavailable or the quota used up: the same command goes on"},
	{exitFailures, "more rows failed than the recipe tolerates; what is good is sealed"},
	{exitUnmet, "the target ended unmet; what was accepted is sealed"},
	{exitAtOnce, "a second signal: left at once, nothing sealed is harmed"},
}

func exitCodes() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitTexts {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.text)
	}
	return strings.TrimRight(b.String(), "\n")
}

func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodes()}
}

// exitError is an error that knows its exit code and remedy: for commands whose errors have no type of their own.
type exitError struct {
	code int
	hint string
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// exit tells what went wrong and returns the exit code.
func (a *app) exit(err error) int {
	if err == nil {
		return exitDone
	}
	code, hint := verdict(err)
	if problems, ok := errors.AsType[pipeline.Problems](err); ok {
		for i := range problems {
			fmt.Fprintf(a.stderr, "sluice: error: %s\n", problems[i].String())
		}
		return code
	}
	fmt.Fprintf(a.stderr, "sluice: error: %v\n", err)
	if hint != "" {
		fmt.Fprintf(a.stderr, "sluice: hint: %s\n", hint)
	}
	return code
}

// verdict is the exit code of an error and the remedy, where one is known.
func verdict(err error) (code int, hint string) {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code, e.hint
	}
	if e, ok := errors.AsType[*usageError](err); ok {
		return exitRecipe, e.hint
	}
	if _, ok := errors.AsType[pipeline.Problems](err); ok {
		return exitRecipe, ""
	}
	if _, ok := errors.AsType[*pipeline.ChangedError](err); ok {
		return exitRecipe, "--new builds the dataset anew beside it and swaps when it is sealed; stored answers are not paid again"
	}
	if e, ok := errors.AsType[*pipeline.LockedError](err); ok {
		hint := "--wait 10m waits for it to end"
		if e.What == "store" {
			hint += "; recipes with stores of their own run side by side"
		}
		return exitLocked, hint
	}
	if _, ok := errors.AsType[*trainer.ChangedError](err); ok {
		return exitRecipe, "change them back, give another folder with --out, or `sluice train RECIPE --new` trains anew; the old model stays until the new one is whole"
	}
	if _, ok := errors.AsType[*pipeline.HopelessError](err); ok {
		return exitFailures, "sluice show --rejects shows the rows and their causes; what was sealed stays"
	}
	if _, ok := errors.AsType[*pipeline.TolerateError](err); ok {
		return exitFailures, "sluice show --rejects shows the rows and their causes; `tolerate:` sets how many may fail"
	}
	if _, ok := errors.AsType[*pipeline.UnmetError](err); ok {
		return exitUnmet, "what was accepted is sealed; the summary shows where rows were lost"
	}
	if e, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return exitFailed, e.Hint()
	}
	for _, known := range []struct {
		err  error
		code int
		hint string
	}{
		{pipeline.ErrInterrupted, exitInterrupted, "the same command goes on where it stopped"},
		{llm.ErrBudget, exitBudget, "raise `budget:` in the recipe and run the same command again"},
		{llm.ErrUnavailable, exitUnavailable, "the same command goes on once the provider answers; `patience:` of the model sets how long a run waits"},
		{llm.ErrAuth, exitFailed, "the key is read from the variable that `key_env:` of the model names"},
		{llm.ErrUnknownModel, exitFailed, "sluice check --probe lists what the endpoint knows"},
		{llm.ErrBadRequest, exitFailed, "sluice check --probe shows what the endpoint takes"},
		{syscall.ENOSPC, exitFailed, "make room on that disk and run the same command again: what is sealed stays"},
		{state.ErrFull, exitFailed, "make room on that disk, or move the store with --state, and run the same command again"},
	} {
		if errors.Is(err, known.err) {
			return known.code, known.hint
		}
	}
	return exitFailed, ""
}

// noRecipe makes a recipe that cannot be opened a mistake of the command line.
func noRecipe(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return &usageError{err, "name the recipe's file: sluice run recipe.yaml"}
	}
	return err
}
