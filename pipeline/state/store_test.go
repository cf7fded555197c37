package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stores runs a law against both kinds of store. reopen closes the store and opens what it left.
func stores(t *testing.T, law func(t *testing.T, s Store, reopen func(Store) Store)) {
	t.Run("memory", func(t *testing.T) {
		law(t, NewMemory(), func(s Store) Store { return s.(*Memory).Clone() })
	})
	t.Run("badger", func(t *testing.T) {
		dir := t.TempDir()
		var last *Badger
		open := func() Store {
			b, err := OpenBadger(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			last = b
			return b
		}
		t.Cleanup(func() { last.Close() })
		law(t, open(), func(s Store) Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open()
		})
	})
}

func set(k, v string) Op { return Op{Key: []byte(k), Value: []byte(v)} }
func del(k string) Op    { return Op{Key: []byte(k), Delete: true} }

func dump(t *testing.T, s Store, prefix string) string {
	t.Helper()
	var b strings.Builder
	for e, err := range s.Scan([]byte(prefix)) {
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Value()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s=%s ", e.Key, v)
	}
	return b.String()
}

func TestStoreConformance(t *testing.T) {
	stores(t, func(t *testing.T, s Store, reopen func(Store) Store) {
		if _, err := s.Get([]byte("a")); !errors.Is(err, ErrNotFound) {
			t.Fatalf("Get of nothing: %v, want ErrNotFound", err)
		}
		buf := []byte("v1")
		if err := s.Write([]Op{{Key: []byte("b1"), Value: buf}, set("a", ""), set("b", "2"), set("b\xff", "3"), set("c", "4"), del("nothing")}); err != nil {
			t.Fatal(err)
		}
		copy(buf, "xx") // a store keeps no slice of its caller
		if got, want := dump(t, s, ""), "a= b=2 b1=v1 b\xff=3 c=4 "; got != want {
			t.Fatalf("all entries %q, want %q", got, want)
		}
		if got, want := dump(t, s, "b"), "b=2 b1=v1 b\xff=3 "; got != want {
			t.Fatalf("entries below b %q, want %q", got, want)
		}
		v, err := s.Get([]byte("b1"))
		if err != nil || string(v) != "v1" {
			t.Fatalf("Get = %q, %v", v, err)
		}
		v[0] = '!' // nor does it hand out its own
		if v, _ := s.Get([]byte("b1")); string(v) != "v1" {
			t.Fatalf("a caller changed the store through Get: %q", v)
		}
		// Operations apply in order within one write.
		if err := s.Write([]Op{set("d", "1"), del("d"), set("c", "5"), set("c", "6"), del("b")}); err != nil {
			t.Fatal(err)
		}
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		s = reopen(s)
		if got, want := dump(t, s, ""), "a= b1=v1 b\xff=3 c=6 "; got != want {
			t.Fatalf("after reopening %q, want %q", got, want)
		}
	})
}

func TestScanSeesOneMoment(t *testing.T) {
	stores(t, func(t *testing.T, s Store, _ func(Store) Store) {
		if err := s.Write([]Op{set("k1", "1"), set("k2", "2")}); err != nil {
			t.Fatal(err)
		}
		n := 0
		for e, err := range s.Scan([]byte("k")) {
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Write([]Op{set("k2", "new"), set("k3", "3"), del("k1")}); err != nil {
				t.Fatal(err)
			}
			if v, err := e.Value(); err != nil || !bytes.Equal(v, []byte{e.Key[1]}) {
				t.Fatalf("%s = %q, %v: the scan saw a later write", e.Key, v, err)
			}
			n++
		}
		if n != 2 {
			t.Fatalf("scan yielded %d entries, want the 2 that were there", n)
		}
	})
}

func TestWriteOfAnySize(t *testing.T) {
	stores(t, func(t *testing.T, s Store, reopen func(Store) Store) {
		var ops []Op
		big := strings.Repeat("x", 5000) // lies apart from its key
		for i := range 3*Atomic + 17 {
			ops = append(ops, set(fmt.Sprintf("k%06d", i), big[:i%7*800]))
		}
		if err := s.Write(ops); err != nil {
			t.Fatal(err)
		}
		full := make([]Op, Atomic) // the largest write that is all or none, at the largest inline values
		for i := range full {
			full[i] = set(fmt.Sprintf("l%06d", i)+strings.Repeat("k", 200), big[:threshold])
		}
		if err := s.Write(full); err != nil {
			t.Fatal(err)
		}
		s = reopen(s)
		i := 0
		for e, err := range s.Scan([]byte("k")) {
			if err != nil {
				t.Fatal(err)
			}
			if v, err := e.Value(); err != nil || len(v) != i%7*800 {
				t.Fatalf("%s: %d bytes, %v", e.Key, len(v), err)
			}
			i++
		}
		if i != len(ops) {
			t.Fatalf("%d entries, want %d", i, len(ops))
		}
	})
}

func TestSecondOpenIsLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	b, err := OpenBadger(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, err = OpenBadger(dir, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("second open: %v, want ErrLocked that names %s", err, dir)
	}
}

func TestOpenErrorsNameTheFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBadger(file, Options{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("opening a file: %v, want an error that names it", err)
	}
	b, err := OpenBadger(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Write([]Op{{Key: []byte("k"), Value: make([]byte, maxValue+1)}}); err == nil {
		t.Fatal("a value over the limit was taken")
	}
	if size, err := b.Size(); err != nil || size <= 0 {
		t.Fatalf("Size = %d, %v", size, err)
	}
}

func TestBackupAndRestore(t *testing.T) {
	stores(t, func(t *testing.T, s Store, _ func(Store) Store) {
		var ops []Op
		for i := range 2500 {
			ops = append(ops, set(fmt.Sprintf("k%d", i), strings.Repeat("v", i)))
		}
		if err := s.Write(ops); err != nil {
			t.Fatal(err)
		}
		var w bytes.Buffer
		if err := Backup(s, &w); err != nil {
			t.Fatal(err)
		}
		back := NewMemory()
		if err := Restore(back, bytes.NewReader(w.Bytes())); err != nil {
			t.Fatal(err)
		}
		if dump(t, back, "") != dump(t, s, "") {
			t.Fatal("the restored store differs")
		}
		if err := Restore(back, bytes.NewReader(w.Bytes())); err == nil {
			t.Fatal("restored over a store that was not empty")
		}
		for _, n := range []int{5, w.Len() / 2, w.Len() - 1} {
			if err := Restore(NewMemory(), bytes.NewReader(w.Bytes()[:n])); err == nil {
				t.Fatalf("a backup cut to %d bytes was taken for whole", n)
			}
		}
		flipped := bytes.Clone(w.Bytes())
		flipped[w.Len()/2] ^= 1
		if err := Restore(NewMemory(), bytes.NewReader(flipped)); err == nil {
			t.Fatal("a flipped bit went unseen")
		}
	})
}

func TestCompactKeepsEverything(t *testing.T) {
	b, err := OpenBadger(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	big := strings.Repeat("x", 4000)
	for i := range 10 {
		var ops []Op
		for j := range 500 {
			ops = append(ops, set(fmt.Sprintf("k%d", j), big[:4000-i]))
		}
		if err := b.Write(ops); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Compact(); err != nil {
		t.Fatal(err)
	}
	if err := b.VerifyTables(); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Get([]byte("k499")); err != nil || len(v) != 3991 {
		t.Fatalf("%d bytes, %v", len(v), err)
	}
}
