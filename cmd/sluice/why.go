package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/rows"
	"sluice/cmd/internal/story"
	"sluice/cmd/internal/terminal"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// whyFlags are the flags of why.
type whyFlags struct {
	dataset, state string
	json           bool
}

func newWhyCommand(a *app) *cobra.Command {
	f := &whyFlags{}
	cmd := &cobra.Command{
		Use:   "why ID",
		Short: "Tell the story of one row: its seed, its stages, its prompt and answer",
		Long: `why tells how a row came to be and what became of it: its text and scores, the stages it passed and the one that took it
out, the rows it was made from back to its seed, the row it repeats, and, where a model was asked, the prompt and the answer with its
time, tokens and price. The beginning of an id will do if no other row's begins so; sluice show prints ids.

Prompts and answers are in the store of answers. It is looked for where the dataset's recipe names it; --state names it otherwise.
Without it, or while a run holds it, the rest of the story is told.`,
		Example:           "  sluice why 9f3ac0d1 --dataset out/support\n  cd out/support && sluice why 9f3ac0d1",
		Args:              exactly("row id"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(_ *cobra.Command, args []string) error { return a.why(args[0], f) },
	}
	cmd.Flags().StringVar(&f.dataset, "dataset", ".", "`folder` of the dataset")
	cmd.Flags().StringVar(&f.state, "state", "", "`folder` of the store of answers, in place of the recipe's")
	cmd.Flags().BoolVar(&f.json, "json", false, "one JSON object")
	return cmd
}

// why is `sluice why`.
func (a *app) why(id string, f *whyFlags) error {
	d, err := openDataset(f.dataset)
	if err != nil {
		if e, ok := errors.AsType[*usageError](err); ok && f.dataset == "." {
			e.hint = "name the dataset: sluice why " + terminal.Escape(id) + " --dataset DIR"
		}
		return err
	}
	found, err := story.Resolve(d, id)
	if e, ok := errors.AsType[*story.Ambiguous](err); ok {
		hint := "give more of it:"
		for _, id := range e.IDs {
			hint += " " + id.String()[:min(32, len(e.Prefix)+6)]
		}
		return &usageError{err, hint}
	}
	if err != nil {
		return noSuchRow(d, err)
	}
	s, err := story.Tell(d, found)
	if err != nil {
		return noSuchRow(d, err)
	}
	asked, note, hint := a.exchanges(d, s, f.state)
	if f.json {
		err = s.JSON(terminal.JSON(a.stdout), asked)
	} else {
		_, err = io.WriteString(a.stdout, s.Text(terminal.Width(a.stdout), asked))
	}
	if err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintf(a.stderr, "sluice: note: %s\n", note)
	}
	if hint != "" {
		fmt.Fprintf(a.stderr, "sluice: hint: %s\n", hint)
	}
	return nil
}

// noSuchRow tells an id that is not there from a dataset that cannot be read.
func noSuchRow(d *schemas.Dataset, err error) error {
	switch {
	case errors.Is(err, story.ErrNoID):
		return &usageError{err, "sluice show " + shortest(d.Dir) + " prints ids"}
	case errors.Is(err, story.ErrNotFound):
		return &exitError{exitFailed, "sluice show " + shortest(d.Dir) + " prints ids; seeds that the sink does not keep are in no file", err}
	}
	return vanished(d, err)
}

// exchanges reads prompts and answers from the store; note and hint say why they are not there.
func (a *app) exchanges(d *schemas.Dataset, s *story.Story, dir string) (asked map[schemas.ID][]story.Exchange, note, hint string) {
	sources := s.Sources()
	if len(sources) == 0 {
		return nil, "", ""
	}
	const named = "name the store with --state DIR"
	if dir == "" {
		f, err := recipeFolders(filepath.Join(d.Dir, schemas.RecipeFile))
		if err != nil {
			return nil, "prompt and answer are in a store that is not known: " + err.Error(), named
		}
		if dir = stateOf(d.Dir, f); dir == "" {
			return nil, "prompt and answer are in a store that is not known: the recipe names it by a path that cannot be followed from here", named
		}
	}
	if !isStore(dir) {
		return nil, fmt.Sprintf("prompt and answer are not shown: there is no store in %s", shortest(dir)), named
	}
	store, err := state.OpenBadger(dir, state.Options{})
	if errors.Is(err, state.ErrLocked) {
		return nil, fmt.Sprintf("prompt and answer are not shown: the store %s is in use by another process", shortest(dir)), "ask again when that has ended"
	}
	if err != nil {
		return nil, "prompt and answer are not shown: " + err.Error(), ""
	}
	defer store.Close()
	ledger, err := state.NewLedger(store)
	if err != nil {
		return nil, "prompt and answer are not shown: " + err.Error(), "sluice state verify --state " + shortest(dir)
	}
	asked = map[schemas.ID][]story.Exchange{}
	for _, from := range sources {
		xs, err := story.Exchanges(ledger, from.Key)
		switch {
		case err != nil:
			note, hint = fmt.Sprintf("the answer behind %s cannot be read: %v", rows.Short(from.ID), err), "sluice state verify --state "+shortest(dir)
		case len(xs) == 0:
			note, hint = fmt.Sprintf("the answer behind %s is not in the store %s", rows.Short(from.ID), shortest(dir)), "--state names another store"
		}
		asked[from.ID] = xs
	}
	return asked, note, hint
}
