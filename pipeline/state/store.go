// Package state keeps what must outlive a run: paid answers, spend, and the keys of deduplication.
//
// [Store] is an ordered map of bytes in five methods. [Badger] keeps it in a folder, [Memory] in RAM; one
// conformance test holds for both, and tests wrap either to fail or crash at any write. [Ledger] is the book of answers and
// money over a Store. What it is not: it knows no request, no price and no record, and it never reaches the network.
//
// Layout of a store (integers in keys are big endian):
//
//	a key:32                       answers under a request's key, oldest first (codec.go)
//	i id:8                         intent: a request that may be under way
//	d id:8                         intent of a killed run, settled at its worst cost
//	s dataset 0 model 0 stage      spend so far
//	n                              upper bound of the ids given out
//	x …                            pages of deduplication keys: see package dedup/index
//
// Files: store.go the interface; badger.go, space_*.go and memory.go the two kinds; backup.go copies of either; ledger.go the
// book, commit.go its group commit, settle.go what killed runs left, spend.go sums, codec.go bytes; info.go looks and verifies.
package state

import (
	"errors"
	"iter"
)

// Store is an ordered map of bytes to bytes. All methods may be called concurrently, Close after all others have
// returned. Slices given to a Store are not changed by it, and must not be changed by the caller before the call returns.
type Store interface {
	// Get returns a copy of the value of key, or [ErrNotFound].
	Get(key []byte) ([]byte, error)
	// Scan yields the entries whose key begins with prefix, in ascending order of keys, as they stood when the
	// loop began. An error ends it.
	Scan(prefix []byte) iter.Seq2[Entry, error]
	// Write applies ops in order and returns when they would survive kill -9. Up to [Atomic] of them are applied all or
	// none; more are applied in groups of so many, of which a crash or an error leaves the first few.
	Write(ops []Op) error
	// Sync returns when all that was written would survive loss of power.
	Sync() error
	// Close syncs and lets go of the store.
	Close() error
}

// Atomic is how many operations [Store.Write] applies all or none.
const Atomic = 1000

// ErrNotFound says that a store has no such key.
var ErrNotFound = errors.New("key not found")

// ErrLocked says that another process has the state folder open.
var ErrLocked = errors.New("in use by another process")

// ErrFull says that the disk of the state folder has no room for more.
var ErrFull = errors.New("no space left for the state folder")

// Op sets a key, or deletes it; deleting a key that is not there is no error.
type Op struct {
	Key, Value []byte
	Delete     bool
}

// Entry is one entry of a [Store.Scan]. Its key is valid until the next entry.
type Entry struct {
	Key   []byte
	value func() ([]byte, error)
}

// NewEntry returns an entry whose value is fetched only when it is asked for.
func NewEntry(key []byte, value func() ([]byte, error)) Entry { return Entry{key, value} }

// Value returns a copy of the entry's value.
func (e Entry) Value() ([]byte, error) { return e.value() }
