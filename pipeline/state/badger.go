package state

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/ristretto/v2/z"
)

// Badger is a [Store] in a folder. One process at a time may have a folder open.
type Badger struct {
	db    *badger.DB
	dir   string
	owing atomic.Int64 // bytes written since room on the disk was last looked at

	touched  atomic.Int64 // bytes of values read and written since the last trim
	trimming atomic.Bool
	trims    sync.WaitGroup
}

// touch counts n bytes of mapped files as used, and lets go of them once there are many.
func (b *Badger) touch(n int) {
	if b.touched.Add(int64(n)) < recheck || !b.trimming.CompareAndSwap(false, true) {
		return
	}
	b.touched.Store(0)
	b.trims.Go(func() {
		trim(b.dir)
		b.trimming.Store(false)
	})
}

// Options say how a folder is opened. The zero value suits up to some ten million keys: about 180 MB of disk while open.
type Options struct {
	Large    bool // larger tables and caches, for indexes of hundreds of millions of keys; more memory and disk while open
	SyncEach bool // Write returns only when the disk has the data: slower, for machines that lose power
}

// spare is the room on the disk below which nothing more is written. The store writes into mapped files: where the disk
// has no page left for them the process would be killed by a signal, not told by an error.
const spare = 96 << 20

// recheck is how many bytes may be written between two looks at the room on the disk, and used between two trims.
const recheck = 4 << 20

// OpenBadger opens the store in dir and makes it if it is not there. The error is [ErrLocked] where another process has it.
func OpenBadger(dir string, o Options) (*Badger, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if err := hasRoom(dir, spare); err != nil {
		return nil, err
	}
	db, err := badger.Open(settings(dir, o))
	if err != nil && strings.Contains(err.Error(), z.NewFile.Error()) {
		if err := removeUnborn(dir); err != nil {
			return nil, fmt.Errorf("open state folder %s: %w", dir, err)
		}
		db, err = badger.Open(settings(dir, o))
	}
	if err != nil {
		if strings.Contains(err.Error(), "Another process is using") {
			return nil, fmt.Errorf("state folder %s is %w", dir, ErrLocked)
		}
		return nil, fmt.Errorf("open state folder %s: %w", dir, err)
	}
	return &Badger{db: db, dir: dir}, nil
}

// removeUnborn removes log files that a kill left between their creation and their first byte: Badger (4.9.6) takes an
// existing log of no bytes for a new one, and refuses to open. It is called after an Open that failed so, which held the lock of the folder.
func removeUnborn(dir string) error {
	for _, pattern := range []string{"*.vlog", "*.mem"} {
		names, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			name = filepath.Join(dir, name)
			if info, err := os.Stat(name); err == nil && info.Size() == 0 {
				if err := os.Remove(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// settings are the measured ones: without conflict detection and metrics, since one process writes; without compression,
// since answers and key pages do not compress well and compression needs large caches; values from 256 bytes on apart from the keys, so
// that small tables of keys do: a table is made in full when the store is opened.
func settings(dir string, o Options) badger.Options {
	b := badger.DefaultOptions(dir).
		WithLogger(nil).
		WithDetectConflicts(false).
		WithMetricsEnabled(false).
		WithNumVersionsToKeep(1).
		WithCompression(options.None).
		WithNumCompactors(2).
		WithValueThreshold(threshold).
		WithSyncWrites(o.SyncEach)
	if o.Large {
		return b.WithMemTableSize(64 << 20).WithNumMemtables(5).WithValueLogFileSize(256 << 20).
			WithBlockCacheSize(64 << 20).WithIndexCacheSize(32 << 20)
	}
	return b.WithMemTableSize(4 << 20).WithNumMemtables(2).WithValueLogFileSize(64 << 20).
		WithBlockCacheSize(16 << 20).WithIndexCacheSize(16 << 20)
}

// threshold is the size in bytes from which a value lies in the value log. A transaction of [Atomic] operations with keys below
// 300 bytes then stays below its limit, 15 % of a table of 4 MiB.
const threshold = 256

// maxValue is the largest value: one file of the value log must hold it.
const maxValue = 60 << 20

// Get implements [Store].
func (b *Badger) Get(key []byte) (value []byte, err error) {
	err = b.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return ErrNotFound
		}
		if err != nil {
			return b.wrap("read", err)
		}
		value, err = item.ValueCopy(nil)
		b.touch(len(value))
		return b.wrap("read", err)
	})
	return value, err
}

// Scan implements [Store].
func (b *Badger) Scan(prefix []byte) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		txn := b.db.NewTransaction(false)
		defer txn.Discard()
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			value := func() ([]byte, error) {
				v, err := item.ValueCopy(nil)
				b.touch(len(v))
				return v, b.wrap("read", err)
			}
			if !yield(NewEntry(item.Key(), value), nil) {
				return
			}
		}
	}
}

// Write implements [Store].
func (b *Badger) Write(ops []Op) error {
	for len(ops) > 0 {
		n := min(len(ops), Atomic)
		if err := b.write(ops[:n]); err != nil {
			return err
		}
		ops = ops[n:]
	}
	return nil
}

func (b *Badger) write(ops []Op) error {
	size := 0
	for _, o := range ops {
		size += len(o.Key) + len(o.Value)
		if len(o.Value) > maxValue {
			return fmt.Errorf("state folder %s: a value of %d bytes is over the limit of %d", b.dir, len(o.Value), maxValue)
		}
	}
	if b.owing.Add(int64(size)) > recheck {
		if err := hasRoom(b.dir, spare+2*uint64(size)); err != nil {
			return err
		}
		b.owing.Store(0)
	}
	b.touch(size)
	txn := b.db.NewTransaction(true)
	defer txn.Discard()
	for _, o := range ops {
		var err error
		if o.Delete {
			err = txn.Delete(o.Key)
		} else {
			err = txn.SetEntry(&badger.Entry{Key: o.Key, Value: o.Value})
		}
		if err != nil {
			return b.wrap("write", err)
		}
	}
	return b.wrap("write", txn.Commit())
}

// Sync implements [Store].
func (b *Badger) Sync() error { return b.wrap("sync", b.db.Sync()) }

// Close implements [Store].
func (b *Badger) Close() error {
	b.trims.Wait()
	return b.wrap("close", b.db.Close())
}

// Compact merges the tables and rewrites value files of which at least half is garbage.
func (b *Badger) Compact() error {
	if err := b.db.Flatten(2); err != nil {
		return b.wrap("compact", err)
	}
	return b.Reclaim()
}

// Reclaim removes value files whose content has mostly been deleted. It is cheap where there are none.
func (b *Badger) Reclaim() error {
	for {
		err := b.db.RunValueLogGC(0.5)
		if errors.Is(err, badger.ErrNoRewrite) || errors.Is(err, badger.ErrRejected) {
			return nil
		}
		if err != nil {
			return b.wrap("reclaim", err)
		}
	}
}

// VerifyTables checks the checksums of all tables of keys; values carry their own.
func (b *Badger) VerifyTables() error { return b.wrap("verify", b.db.VerifyChecksum()) }

// Size returns the bytes of all files in the folder. While it is open, files made ahead count in full.
func (b *Badger) Size() (int64, error) {
	var size int64
	err := filepath.WalkDir(b.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // compacted away meanwhile
		}
		if err != nil {
			return err
		}
		size += blocks(info)
		return nil
	})
	return size, b.wrap("size", err)
}

func (b *Badger) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("state folder %s: %s: %w", b.dir, what, err)
}

var (
	_ Store = (*Badger)(nil)
	_ Store = (*Memory)(nil)
)
