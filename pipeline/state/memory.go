package state

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Memory is a [Store] in RAM, for tests and for runs that need not outlive the process.
type Memory struct {
	mu     sync.RWMutex
	values map[string][]byte
	closed bool
}

var errClosed = errors.New("store is closed")

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{values: make(map[string][]byte)} }

// Get implements [Store].
func (m *Memory) Get(key []byte) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, errClosed
	}
	v, ok := m.values[string(key)]
	if !ok {
		return nil, ErrNotFound
	}
	return slices.Clone(v), nil
}

// Scan implements [Store]. It sorts the keys below prefix, so it costs time in proportion to the whole store.
func (m *Memory) Scan(prefix []byte) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		type pair struct {
			key   string
			value []byte
		}
		var found []pair
		m.mu.RLock()
		closed := m.closed
		for k, v := range m.values {
			if strings.HasPrefix(k, string(prefix)) {
				found = append(found, pair{k, v})
			}
		}
		m.mu.RUnlock()
		if closed {
			yield(Entry{}, errClosed)
			return
		}
		slices.SortFunc(found, func(a, b pair) int { return strings.Compare(a.key, b.key) })
		for _, p := range found {
			value := func() ([]byte, error) { return slices.Clone(p.value), nil }
			if !yield(NewEntry([]byte(p.key), value), nil) {
				return
			}
		}
	}
}

// Write implements [Store].
func (m *Memory) Write(ops []Op) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	for _, o := range ops {
		if o.Delete {
			delete(m.values, string(o.Key))
			continue
		}
		m.values[string(o.Key)] = bytes.Clone(o.Value)
	}
	return nil
}

// Sync implements [Store].
func (m *Memory) Sync() error { return nil }

// Close implements [Store].
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Clone returns a copy that stands where m stands now: what a crash at this moment would leave.
func (m *Memory) Clone() *Memory {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c := NewMemory()
	for k, v := range m.values {
		c.values[k] = v // values are never changed in place
	}
	return c
}
