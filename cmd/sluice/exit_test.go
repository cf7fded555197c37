package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sluice/pipeline"
	"sluice/pipeline/llm"
)

// Every way a run can end has its code, however deep the error is wrapped and whatever else went wrong beside it.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		hint string
	}{
		{errors.New("anything"), exitFailed, ""},
		{&usageError{errors.New("x"), "do y"}, exitRecipe, "do y"},
		{pipeline.Problems{{Message: "x"}}, exitRecipe, ""},
		{&pipeline.ChangedError{}, exitRecipe, "--new"},
		{pipeline.ErrInterrupted, exitInterrupted, "same command"},
		{llm.ErrBudget, exitBudget, "budget:"},
		{&pipeline.LockedError{What: "dataset"}, exitLocked, "--wait"},
		{&pipeline.LockedError{What: "store"}, exitLocked, "stores of their own"},
		{&exitError{code: exitAudit, hint: "look", err: errors.New("x")}, exitAudit, "look"},
		{llm.ErrUnavailable, exitUnavailable, "same command"},
		{&llm.Error{Kind: llm.Quota}, exitUnavailable, "same command"},
		{&llm.Error{Kind: llm.Auth}, exitFailed, "key_env"},
		{&llm.Error{Kind: llm.UnknownModel}, exitFailed, "--probe"},
		{&pipeline.HopelessError{}, exitFailures, "rejects"},
		{&pipeline.TolerateError{}, exitFailures, "tolerate"},
		{&pipeline.UnmetError{}, exitUnmet, "sealed"},
	} {
		for _, err := range []error{c.err, fmt.Errorf("filters/judge: %w", c.err), errors.Join(c.err, errors.New("close the store"))} {
			code, hint := verdict(err)
			if code != c.code || !strings.Contains(hint, c.hint) {
				t.Errorf("%T %v: exit code %d, hint %q; want %d and %q", c.err, err, code, hint, c.code, c.hint)
			}
		}
	}
}

func TestExitTextsAreComplete(t *testing.T) {
	for _, code := range []int{exitDone, exitFailed, exitRecipe, exitInterrupted, exitBudget, exitLocked, exitAudit, exitBatch,
		exitUnavailable, exitFailures, exitUnmet, exitAtOnce} {
		if !strings.Contains(exitCodes(), fmt.Sprintf("\n  %3d  ", code)) {
			t.Errorf("exit code %d is not documented", code)
		}
	}
}

// Nothing is said on stdout when something goes wrong, and every problem of a recipe is an error of its own.
func TestErrorsAreTalk(t *testing.T) {
	var out, talk bytes.Buffer
	if code := run([]string{"check", "no/such/recipe.yaml"}, &out, &talk); code != exitRecipe || out.Len() > 0 {
		t.Errorf("exit code %d, stdout %q", code, out.String())
	}
	talk.Reset()
	a := newApp(&out, &talk)
	a.exit(pipeline.Problems{{File: "r.yaml", Line: 3, Column: 1, Message: "one"}, {File: "r.yaml", Message: "two", Hint: "do this"}})
	if want := "sluice: error: r.yaml:3:1: one\nsluice: error: r.yaml: two\n  hint: do this\n"; talk.String() != want {
		t.Errorf("got %q, want %q", talk.String(), want)
	}
}
