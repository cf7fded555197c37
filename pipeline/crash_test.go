package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/pipeline/state"
	"sluice/schemas"
)

var errCrash = errors.New("the machine died")

// mortal lets the first left durable operations through, of files and store alike. Then the machine dies: that
// operation and all later ones fail, and what was written to a file without a sync is half there.
type mortal struct {
	left int
	dead bool
	open map[string]*mortalFile
}

func (m *mortal) step() error {
	if m.left--; m.left < 0 && !m.dead {
		m.dead = true
		for _, f := range m.open {
			f.lose()
		}
	}
	if m.dead {
		return errCrash
	}
	return nil
}

type mortalFS struct {
	schemas.FS
	m *mortal
}

type mortalFile struct {
	schemas.File
	m             *mortal
	name          string
	synced, total int64
}

func (f *mortalFile) lose() { os.Truncate(f.name, f.synced+(f.total-f.synced)/2) }

func (f *mortalFile) Write(b []byte) (int, error) {
	if f.m.dead {
		return 0, errCrash
	}
	n, err := f.File.Write(b)
	f.total += int64(n)
	return n, err
}

func (f *mortalFile) Sync() error {
	if err := f.m.step(); err != nil {
		return err
	}
	f.synced = f.total
	return f.File.Sync()
}

func (f *mortalFile) Close() error {
	if f.synced == f.total {
		delete(f.m.open, f.name)
	}
	return f.File.Close()
}

func (d mortalFS) Create(name string) (schemas.File, error) {
	if err := d.m.step(); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(name)
	if err != nil {
		return nil, err
	}
	mf := &mortalFile{File: f, m: d.m, name: name}
	d.m.open[name] = mf
	return mf, nil
}

func (d mortalFS) Rename(from, to string) error {
	if err := d.m.step(); err != nil {
		return err
	}
	return d.FS.Rename(from, to)
}

func (d mortalFS) Remove(name string) error {
	if err := d.m.step(); err != nil {
		return err
	}
	return d.FS.Remove(name)
}

func (d mortalFS) RemoveAll(name string) error {
	if err := d.m.step(); err != nil {
		return err
	}
	return d.FS.RemoveAll(name)
}

func (d mortalFS) MkdirAll(name string) error {
	if err := d.m.step(); err != nil {
		return err
	}
	return d.FS.MkdirAll(name)
}

func (d mortalFS) SyncDir(name string) error {
	if err := d.m.step(); err != nil {
		return err
	}
	return d.FS.SyncDir(name)
}

type mortalStore struct {
	state.Store
	m *mortal
}

func (s mortalStore) Write(ops []state.Op) error {
	if err := s.m.step(); err != nil {
		return err
	}
	return s.Store.Write(ops)
}

func (s mortalStore) Sync() error  { return s.m.step() }
func (s mortalStore) Close() error { return nil }

// mortalIndex dies before or after the claims of a seal are stored.
type mortalIndex struct {
	Index
	m *mortal
}

func (x mortalIndex) Seal(token string, last int64) error {
	if err := x.m.step(); err != nil {
		return err
	}
	if err := x.Index.Seal(token, last); err != nil {
		return err
	}
	return x.m.step()
}

func (w *world) mortal(m *mortal) Options {
	o := w.options()
	o.FS = mortalFS{schemas.Disk, m}
	o.OpenStore = func(string, bool, time.Duration) (state.Store, error) { return mortalStore{w.store, m}, nil }
	o.OpenIndex = func(_ state.Store, c Claims) (Index, error) {
		return mortalIndex{openMemoryIndex(&w.claims, c.Tokens), m}, nil
	}
	return o
}

// stride is how many operations lie between two crashes that are tried: every one when time allows.
func stride() int {
	if os.Getenv("SLUICE_LONG") != "" {
		return 1
	}
	return 4
}

// A crash at durable operations in turn, then the same command again: the bytes of an undisturbed run.
func TestCrashAtEveryOperation(t *testing.T) {
	for name, recipe := range map[string]string{"plain": workers(plainRecipe, 1), "phased": phasedRecipe, "learned": learnedRecipe, "target": targetRecipe} {
		if testing.Short() && name != "phased" {
			continue
		}
		clean := newWorld(t, 60, recipe)
		clean.mustRun()
		want := clean.bytes()
		crashes := 0
		for k := 0; ; k += stride() {
			w := newWorld(t, 60, recipe)
			m := &mortal{left: k, open: map[string]*mortalFile{}}
			_, err := w.run(w.mortal(m))
			if err == nil {
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("%s, operation %d: %v", name, k, err)
			}
			crashes += stride()
			w.mustRun()
			sameFiles(t, fmt.Sprintf("%s, crash at operation %d", name, k), w.bytes(), want)
			if t.Failed() {
				return
			}
		}
		if crashes < 20 {
			t.Errorf("%s: only %d operations to crash at", name, crashes)
		}
	}
}

// The same for --new: at no time is there neither the old dataset nor the new one.
func TestCrashWhileReplacing(t *testing.T) {
	changed := strings.Replace(workers(plainRecipe, 1), "number 13", "number 14", 1)
	clean := newWorld(t, 40, changed)
	clean.mustRun()
	want := clean.bytes()
	for k := 0; ; k += stride() {
		w := newWorld(t, 40, workers(plainRecipe, 1))
		w.mustRun()
		w.recipe = changed
		m := &mortal{left: k, open: map[string]*mortalFile{}}
		o := w.mortal(m)
		o.New = true
		_, err := w.run(o)
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("operation %d: %v", k, err)
		}
		if err := FinishSwap(schemas.Disk, filepath.Join(w.dir, "out")); err != nil {
			t.Fatalf("operation %d: %v", k, err)
		}
		if _, err := schemas.ReadManifest(filepath.Join(w.dir, "out")); err != nil {
			t.Fatalf("crash at operation %d left no dataset: %v", k, err)
		}
		o = w.options()
		o.New = true
		if _, err := w.run(o); err != nil {
			t.Fatalf("operation %d: %v", k, err)
		}
		sameFiles(t, fmt.Sprintf("--new, crash at operation %d", k), w.bytes(), want)
		if t.Failed() {
			return
		}
	}
}
