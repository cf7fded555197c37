package mapped

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, want := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("0123456789abcdef"), 1000)} {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Data, want) {
			t.Errorf("%d bytes, want %d", len(f.Data), len(want))
		}
		for range 2 { // closing twice does nothing more
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := Open(path); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}
