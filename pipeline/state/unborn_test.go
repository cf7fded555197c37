package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A kill between the creation of a log file and its first byte leaves a store that opens all the same.
func TestOpensAfterAKillAtTheBirthOfALog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[v1]")
	b, err := OpenBadger(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Write([]Op{{Key: []byte("k"), Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"000077.vlog", "00077.mem"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := OpenBadger(dir, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v, err := b.Get([]byte("k")); err != nil || string(v) != "v" {
			t.Errorf("%s: %q, %v", name, v, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Size() == 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there, empty", name)
		}
	}
}
