package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sluice/pipeline/state"
)

// stateFlags are the flags of state and of all its subcommands.
type stateFlags struct {
	at    string
	wait  time.Duration
	json  bool
	force bool
}

func newStateCommand(a *app) *cobra.Command {
	f := &stateFlags{}
	info := func(cmd *cobra.Command, _ []string) error { return a.stateInfo(cmd.Context(), f) }
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into the store of answers and claims, copy, shrink or check it",
		Long: `state looks after the store that recipes share: the paid answers of models, what was spent, the requests that killed runs left
behind, and the claims of deduplication. Without a subcommand it tells what is in it.

--state names the folder of a store, or a recipe whose store is meant. One process at a time has a store open: while a run is at
work, the exit code is 5, or --wait waits for it to end.`,
		Example: `  sluice state --state out/state
  sluice state settle --state recipe.yaml
  sluice state backup state.bak --state out/state
  sluice state restore state.bak --state new/state`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("sluice state does not know %q", args[0]), "it knows info, backup FILE, restore FILE, compact, verify and settle"}
			}
			return nil
		},
		RunE: info,
	}
	cmd.PersistentFlags().StringVar(&f.at, "state", "", "`folder` of the store, or a recipe that names it")
	tell := &cobra.Command{Use: "info", Short: "Tell what is in the store", Args: exactly(), RunE: info}
	backup := &cobra.Command{
		Use: "backup FILE", Short: "Write a copy of all that is in the store; - is stdout", Args: exactly("file"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.stateBackup(cmd.Context(), args[0], f) },
	}
	restore := &cobra.Command{
		Use: "restore FILE", Short: "Make a new store of a copy; - is stdin", Args: exactly("file"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.stateRestore(cmd.Context(), args[0], f) },
	}
	compact := &cobra.Command{
		Use: "compact", Short: "Give back the space of what was deleted", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.stateCompact(cmd.Context(), f) },
	}
	verify := &cobra.Command{
		Use: "verify", Short: "Read everything in the store and check its checksums", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.stateVerify(cmd.Context(), f) },
	}
	settle := &cobra.Command{
		Use: "settle", Short: "Book what killed runs may have paid, at its worst cost", Args: exactly(),
		Long: `settle takes the requests that killed runs had under way, of which nobody knows whether they were paid, and books each once at the
most it can have cost. Until then they count against the budget just the same; a run settles those of its dataset by itself.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.stateSettle(cmd.Context(), f) },
	}
	backup.Flags().BoolVar(&f.force, "force", false, "overwrite the file")
	for _, c := range []*cobra.Command{cmd, tell, settle} {
		c.Flags().BoolVar(&f.json, "json", false, "one JSON object")
	}
	for _, c := range []*cobra.Command{cmd, tell, backup, compact, verify, settle} {
		c.Flags().DurationVar(&f.wait, "wait", 0, "how long to wait for a run to let go of the store")
	}
	cmd.AddCommand(tell, backup, restore, compact, verify, settle)
	return cmd
}

// stateFolder is the folder that --state means: itself, or the store of a recipe.
func (a *app) stateFolder(at string) (string, error) {
	if at == "" {
		return "", &usageError{errors.New("which store? --state is missing"), "name its folder or a recipe: sluice state --state recipe.yaml"}
	}
	st, err := os.Stat(at)
	if err != nil || st.IsDir() {
		return at, nil
	}
	f, err := recipeFolders(at)
	if err == nil && (f.State != "" || f.Dataset != "") {
		dir := filepath.Dir(at)
		if f.State == "" {
			return filepath.Join(filepath.Dir(inFolder(dir, f.Dataset)), "state"), nil
		}
		return inFolder(dir, f.State), nil
	}
	r, err := a.load(at, place{}) // its variables, or all that is wrong with it
	if err != nil {
		return "", err
	}
	return r.State, nil
}

// isStore reports whether dir holds a store: opening one where there is none would make it.
func isStore(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "MANIFEST"))
	return err == nil
}

// withStore opens the store, calls f, and closes it whatever f says.
func (a *app) withStore(ctx context.Context, f *stateFlags, do func(dir string, s state.Store, l *state.Ledger) error) (err error) {
	dir, err := a.stateFolder(f.at)
	if err != nil {
		return err
	}
	if !isStore(dir) {
		return noStore(dir)
	}
	s, err := openStore(ctx, dir, false, f.wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := state.NewLedger(s)
	if err != nil {
		return &exitError{exitFailed, "sluice state verify tells more; restore it from a copy, or name another store", err}
	}
	return do(dir, s, l)
}

func noStore(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return &usageError{fmt.Errorf("%s: there is no such folder", dir), "the first run makes it; `state:` of the recipe names it"}
	}
	return &usageError{fmt.Errorf("%s is no store", dir), "name the folder that `state:` of the recipe names"}
}

// folderSize is the bytes of all files below dir; of a store that is closed.
func folderSize(dir string) (size int64) {
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // what went away while we looked takes no room
		}
		if i, err := e.Info(); err == nil {
			size += i.Size()
		}
		return nil
	})
	return size
}
