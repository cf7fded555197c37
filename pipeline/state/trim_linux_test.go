package state

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// resident is how many kilobytes of the value logs in dir are in this process's memory.
func resident(t *testing.T, dir string) (kb int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	ours := false
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "/") {
			ours = strings.Contains(line, dir) && strings.HasSuffix(line, ".vlog\n")
		}
		var n int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); err == nil && ours {
			kb += n
		}
	}
	return kb
}

// What was written leaves the process's memory, and is still there.
func TestTrim(t *testing.T) {
	dir := t.TempDir()
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil || disk.Type == unix.TMPFS_MAGIC {
		t.Skip("pages of files in RAM cannot leave it")
	}
	b, err := OpenBadger(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i), 1, 2, 3}, 50_000) }
	for i := range 15 { // less than is trimmed by itself
		if err := b.Write([]Op{{Key: []byte{byte(i)}, Value: value(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	before := resident(t, dir)
	trim(dir)
	if after := resident(t, dir); before < 2000 || after > before/2 {
		t.Errorf("%d kB of the logs in memory, after the trim %d", before, after)
	}
	for i := range 15 {
		if v, err := b.Get([]byte{byte(i)}); err != nil || !bytes.Equal(v, value(i)) {
			t.Errorf("value %d: %d bytes, %v", i, len(v), err)
		}
	}
}
