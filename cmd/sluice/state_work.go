package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/export"
	"sluice/cmd/internal/terminal"
	"sluice/dedup/index"
	"sluice/pipeline/llm"
	"sluice/pipeline/state"
)

// stateBackup is `sluice state backup`.
func (a *app) stateBackup(ctx context.Context, to string, f *stateFlags) error {
	return a.withStore(ctx, f, func(dir string, s state.Store, _ *state.Ledger) error {
		if to == "-" {
			if terminal.Is(a.stdout) {
				return &usageError{errors.New("a copy of a store is nothing for a terminal"), "name a file, or send it down a pipe"}
			}
			return state.Backup(s, a.stdout)
		}
		file, err := export.Create(to, f.force)
		if err != nil {
			return exportError(err)
		}
		if err := state.Backup(s, file); err != nil {
			file.Abort()
			return err
		}
		if err := file.Commit(); err != nil {
			return exportError(err)
		}
		size := int64(0)
		if st, err := os.Stat(to); err == nil {
			size = st.Size()
		}
		_, err = fmt.Fprintf(a.stdout, "%s: a copy of %s, %s\n", to, shortest(dir), humanize.Bytes(uint64(size)))
		return err
	})
}

// stateRestore is `sluice state restore`. The store is made beside its name and takes it when all is in it: a damaged copy leaves
// nothing behind.
func (a *app) stateRestore(ctx context.Context, from string, f *stateFlags) (err error) {
	dir, err := a.stateFolder(f.at)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return &usageError{fmt.Errorf("%s is not empty", dir), "restore makes a new store: name a folder that is not there, or move this one away"}
	}
	in := io.Reader(os.Stdin)
	if from != "-" {
		file, err := os.Open(from)
		if err != nil {
			return &usageError{err, "name the file that sluice state backup has written"}
		}
		defer file.Close()
		in = file
	}
	made := filepath.Clean(dir) + ".restoring"
	if err := os.RemoveAll(made); err != nil { // left by one that was killed
		return err
	}
	s, err := openStore(ctx, made, false, 0)
	if err != nil {
		return err
	}
	err = errors.Join(state.Restore(s, in), s.Close())
	if err == nil {
		if err = os.Remove(dir); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(made, dir)
	}
	if err != nil {
		os.RemoveAll(made)
		return &exitError{exitFailed, "nothing was made in " + shortest(dir), err}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: restored from %s, %s\n", shortest(dir), from, humanize.Bytes(uint64(folderSize(dir))))
	return err
}

// stateCompact is `sluice state compact`.
func (a *app) stateCompact(ctx context.Context, f *stateFlags) error {
	dir, err := a.stateFolder(f.at)
	if err != nil {
		return err
	}
	before := folderSize(dir)
	err = a.withStore(ctx, f, func(_ string, s state.Store, _ *state.Ledger) error {
		c, ok := s.(interface{ Compact() error })
		if !ok {
			return fmt.Errorf("%s cannot be compacted", dir)
		}
		return c.Compact()
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s on disk, %s before\n", shortest(dir), humanize.Bytes(uint64(folderSize(dir))), humanize.Bytes(uint64(before)))
	return err
}

// stateVerify is `sluice state verify`.
func (a *app) stateVerify(ctx context.Context, f *stateFlags) error {
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
	var faults []string
	l, err := state.NewLedger(s)
	if err != nil {
		faults = append(faults, err.Error())
	} else {
		faults = faultLines(l.Verify())
	}
	faults = append(faults, faultLines(index.Verify(s))...)
	if err := s.Close(); err != nil {
		return err
	}
	for _, fault := range faults {
		if _, err := fmt.Fprintf(a.stdout, "fault: %s\n", terminal.Escape(fault)); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(a.stdout, "checked %s: tables, answers, requests, spend, claims\n", shortest(dir)); err != nil {
		return err
	}
	if n := len(faults); n > 0 {
		return &exitError{exitAudit, "restore it from a copy (sluice state restore); claims alone are built again from the datasets, answers would be paid again",
			fmt.Errorf("%s is damaged: %s", shortest(dir), plurals(n, "fault", "faults"))}
	}
	_, err = fmt.Fprintf(a.stdout, "%s is whole\n", shortest(dir))
	return err
}

// faultLines are the errors that were joined, one a line.
func faultLines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// stateSettle is `sluice state settle`.
func (a *app) stateSettle(ctx context.Context, f *stateFlags) error {
	var sums []unanswered
	err := a.withStore(ctx, f, func(dir string, _ state.Store, l *state.Ledger) error {
		left, err := l.Leftover("")
		if err != nil {
			return err
		}
		sums = sumIntents(left, neighbours(dir))
		_, err = l.Settle("")
		return err
	})
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(a.stdout, struct {
			Settled []unanswered `json:"settled"`
		}{sums})
	}
	var n int64
	var cost llm.Money
	for _, u := range sums {
		n += u.Requests
		cost += u.Cost
	}
	if n == 0 {
		_, err := fmt.Fprintln(a.stdout, "nothing to settle: no killed run has left a request")
		return err
	}
	return printUnanswered(a.stdout, fmt.Sprintf("settled %s, %s at worst", plurals(int(n), "request", "requests"), cost), sums)
}
