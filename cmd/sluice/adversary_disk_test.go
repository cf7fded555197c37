package main

import (
	"os"
	"sync"
	"time"

	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// Disks and stores that fail. Every durable operation asks a verdict first: what it says is what the operation comes to.

// verdictOf decides about a durable operation: nil lets it happen. It is called by one operation at a time.
type verdictOf func(op, name string) error

// ill is a world in which durable operations fail as fate says.
type ill struct {
	mu   sync.Mutex
	fate verdictOf
	open map[string]*illFile // what may be lost when the machine dies
	dead error
}

func newIll(fate verdictOf) *ill { return &ill{fate: fate, open: map[string]*illFile{}} }

func (i *ill) ask(op, name string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead != nil {
		return i.dead
	}
	return i.fate(op, name)
}

// die makes every later operation fail and halves what was not synced. It is called by a fate.
func (i *ill) die(err error) error {
	i.dead = err
	for _, f := range i.open {
		os.Truncate(f.name, f.synced+(f.total-f.synced)/2)
	}
	return err
}

// infect lets a run write to the ill disk and to a store that fails alike.
func (i *ill) infect(o pipeline.Options) pipeline.Options {
	healthy := o.OpenStore
	o.FS = illFS{schemas.Disk, i}
	o.OpenStore = func(dir string, fsync bool, wait time.Duration) (state.Store, error) {
		s, err := healthy(dir, fsync, wait)
		return illStore{s, i}, err
	}
	return o
}

type illFS struct {
	schemas.FS
	i *ill
}

func (d illFS) Create(name string) (schemas.File, error) {
	if err := d.i.ask("create", name); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(name)
	if err != nil {
		return nil, err
	}
	x := &illFile{File: f, i: d.i, name: name}
	d.i.mu.Lock()
	d.i.open[name] = x
	d.i.mu.Unlock()
	return x, nil
}

func (d illFS) Rename(from, to string) error {
	if err := d.i.ask("rename", to); err != nil {
		return err
	}
	return d.FS.Rename(from, to)
}

func (d illFS) Remove(name string) error {
	if err := d.i.ask("remove", name); err != nil {
		return err
	}
	return d.FS.Remove(name)
}

func (d illFS) RemoveAll(name string) error {
	if err := d.i.ask("remove", name); err != nil {
		return err
	}
	return d.FS.RemoveAll(name)
}

func (d illFS) MkdirAll(name string) error {
	if err := d.i.ask("mkdir", name); err != nil {
		return err
	}
	return d.FS.MkdirAll(name)
}

func (d illFS) SyncDir(name string) error {
	if err := d.i.ask("syncdir", name); err != nil {
		return err
	}
	return d.FS.SyncDir(name)
}

type illFile struct {
	schemas.File
	i             *ill
	name          string
	synced, total int64
}

// Write stores half of what a full disk refuses, as real ones do.
func (f *illFile) Write(b []byte) (int, error) {
	if err := f.i.ask("write", f.name); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		f.grow(n)
		return n, err
	}
	n, err := f.File.Write(b)
	f.grow(n)
	return n, err
}

func (f *illFile) grow(n int) {
	f.i.mu.Lock()
	f.total += int64(n)
	f.i.mu.Unlock()
}

func (f *illFile) Sync() error {
	if err := f.i.ask("sync", f.name); err != nil {
		return err
	}
	f.i.mu.Lock()
	f.synced = f.total
	f.i.mu.Unlock()
	return f.File.Sync()
}

func (f *illFile) Close() error {
	f.i.mu.Lock()
	if f.synced == f.total {
		delete(f.i.open, f.name)
	}
	f.i.mu.Unlock()
	return f.File.Close()
}

type illStore struct {
	state.Store
	i *ill
}

func (s illStore) Write(ops []state.Op) error {
	if err := s.i.ask("store", ""); err != nil {
		return err
	}
	return s.Store.Write(ops)
}

func (s illStore) Sync() error { return s.i.ask("store-sync", "") }
