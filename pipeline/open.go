package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"sluice/pipeline/state"
	"sluice/schemas"
)

// openDataset reads the manifest of the dataset, or makes a new one, and removes what a crash left behind.
func (j *job) openDataset() error {
	print := j.r.Fingerprint()
	if j.o.New {
		if err := j.openNew(print); err != nil {
			return err
		}
	}
	man, err := schemas.ReadManifest(j.root)
	switch {
	case errors.Is(err, schemas.ErrNoManifest):
		return j.create(print)
	case err != nil:
		return err
	case man.Fingerprint != print.Hash:
		return &ChangedError{Dataset: j.root, Diff: Diff(man.Recipe, print.Lines)}
	}
	j.man = man
	j.unsealed()
	if man.Complete { // what comes now is another run, not the rest of the last
		c, err := parseCursor(man.Cursor)
		if err != nil {
			return err
		}
		man.Epoch = c.Next
	}
	return j.sweep()
}

// unsealed lets a dataset without a sealed row have the schema that its source has now: the source may have been empty before.
func (j *job) unsealed() {
	if begun(j.root, j.man) {
		return
	}
	j.man.Schema, j.man.Seeds = *j.r.Schema, j.r.seeds
}

// begun reports whether the dataset in dir, with manifest m, has a sealed row: also in a phase before the last.
func begun(dir string, m *schemas.Manifest) bool {
	spools, _ := fs.Glob(os.DirFS(dir), path.Join(schemas.PhasesDir, "*", schemas.ManifestFile)) // well formed, whatever marks of a pattern dir holds
	return len(spools)+len(m.Segments) > 0
}

// openNew turns the run to <dataset>.new. What an interrupted --new of the same recipe has made there is continued.
func (j *job) openNew(print Fingerprint) error {
	if _, err := schemas.ReadManifest(j.root); errors.Is(err, schemas.ErrNoManifest) {
		j.o.New = false // there is nothing to replace
		return nil
	}
	j.root += newSuffix
	man, err := schemas.ReadManifest(j.root)
	if err == nil && man.Fingerprint == print.Hash {
		return nil
	}
	return j.o.FS.RemoveAll(j.root)
}

// create makes the folder of a new dataset. Its manifest comes first on disk: what is spent from now on is booked on its id.
func (j *job) create(print Fingerprint) error {
	if entries, err := os.ReadDir(j.root); err == nil && len(entries) > 0 && !leftover(entries) {
		return fmt.Errorf("%s is not empty and holds no %s: choose another folder for the dataset", j.root, schemas.ManifestFile)
	}
	if err := j.o.FS.MkdirAll(j.root); err != nil {
		return err
	}
	if err := schemas.WriteFile(j.o.FS, filepath.Join(j.root, schemas.RecipeFile), j.r.Raw); err != nil {
		return err
	}
	j.man = &schemas.Manifest{
		Version: schemas.ManifestVersion, Dataset: newToken(), Fingerprint: print.Hash, Recipe: print.Lines,
		Schema: *j.r.Schema, Seeds: j.r.seeds, Versions: map[string]string{"sluice": j.o.Version},
	}
	return j.man.Write(j.o.FS, j.root)
}

// leftover reports whether a folder without a manifest holds only what a crash before the first manifest leaves.
func leftover(entries []os.DirEntry) bool {
	return !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		switch e.Name() {
		case schemas.RecipeFile, schemas.RecipeFile + ".tmp", schemas.ManifestFile + ".tmp":
			return false
		}
		return true
	})
}

// sweep removes files that no manifest lists, if those that are listed are there.
func (j *job) sweep() error {
	keep := map[string]bool{}
	note := func(m *schemas.Manifest) error {
		for s := range m.All() {
			for _, f := range s.Files {
				keep[f.Path] = true
			}
		}
		return j.whole(m)
	}
	if err := note(j.man); err != nil {
		return err
	}
	dirs, err := fs.Glob(os.DirFS(j.root), path.Join(schemas.PhasesDir, "*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		m, err := schemas.ReadManifest(filepath.Join(j.root, filepath.FromSlash(dir)))
		if err == nil {
			err = note(m)
		}
		if err != nil && !errors.Is(err, schemas.ErrNoManifest) {
			return err
		}
	}
	return sweep(j.o.FS, j.root, keep)
}

// resume returns the cursor at which a phase continues. A partial last segment is taken out of its manifest (in memory: on disk it
// stays listed until it is replaced); stale are its files.
func resume(m *schemas.Manifest) (cur Cursor, stale []string, err error) {
	n := len(m.Segments)
	if n == 0 || !m.Segments[n-1].Partial {
		cur, err = parseCursor(m.Cursor)
		return cur, nil, err
	}
	last := m.Segments[n-1]
	for _, f := range last.Files {
		stale = append(stale, f.Path)
	}
	m.Segments = m.Segments[:n-1]
	cur, err = parseCursor(last.Start)
	return cur, stale, err
}

// tokens lists the segments whose claims count: all sealed ones but partial ones, which are made anew.
func (j *job) tokens() ([]string, error) {
	var out []string
	add := func(m *schemas.Manifest) {
		for _, s := range m.Segments {
			if !s.Partial {
				out = append(out, s.Token)
			}
		}
	}
	phases := len(split(j.r.Stages))
	for i := range phases - 1 {
		m, err := schemas.ReadManifest(j.manifestDir(i, phases))
		if errors.Is(err, schemas.ErrNoManifest) {
			continue
		}
		if err != nil {
			return nil, err
		}
		add(m)
	}
	add(j.man)
	return out, nil
}

// openState opens the store, settles what killed runs may have paid for, and opens the claims.
func (j *job) openState() error {
	var err error
	if j.store, err = j.o.OpenStore(j.r.State, j.r.Ledger.Fsync == "each", j.o.Wait); err != nil {
		return err
	}
	if j.book, err = state.NewLedger(j.store); err != nil {
		return errors.Join(err, j.store.Close())
	}
	n, err := j.book.Settle(j.man.Dataset)
	if err != nil {
		return errors.Join(err, j.store.Close())
	}
	if n > 0 {
		j.o.Events.notice(fmt.Sprintf("%d requests had left when an earlier run was killed: they may have been paid without an answer, and their worst cost counts as spent", n))
	}
	if err := j.recall(); err != nil {
		return errors.Join(err, j.store.Close())
	}
	tokens, err := j.tokens()
	if err == nil {
		j.index, err = j.o.OpenIndex(j.store, Claims{
			Dataset: j.man.Dataset, Path: j.root, Epoch: fmt.Sprint(j.man.Epoch), Tokens: tokens})
	}
	if err == nil {
		err = j.rebuild(tokens)
	}
	if err != nil {
		return errors.Join(err, j.store.Close())
	}
	return nil
}
