package schemas

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// damaged reads a file that is not what its name says. There must be an error that names it, or all rows as they were.
func damaged(t *testing.T, name string, data []byte, want []*Record) {
	t.Helper()
	path := put(t, name, data)
	var got []*Record
	var end error
	for r, err := range ReadShard(path) {
		if end = err; err == nil {
			got = append(got, r)
		}
	}
	if end != nil && !strings.Contains(end.Error(), path) {
		t.Errorf("the error does not name the file: %v", end)
	}
	if end == nil && want == nil {
		t.Errorf("%s: no error", name)
	}
	if end == nil && want != nil {
		for i := range min(len(got), len(want)) {
			if got[i].ID != want[i].ID {
				t.Fatalf("row %d was moved without an error", i)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d rows of %d without an error", len(got), len(want))
		}
	}
	for _, err := range ReadRows(path, ReadOptions{}) {
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
}

func TestDamage(t *testing.T) {
	s := &Schema{Kind: Chat, Columns: []Column{{"n", Type{Kind: Int}}}}
	rs := newRandom(4).records(s, 400)
	for _, format := range []string{"parquet", "arrow"} {
		whole, err := os.ReadFile(writeShard(t, format, s, WriteOptions{RowGroupBytes: 20 << 10}, rs))
		if err != nil {
			t.Fatal(err)
		}
		name := "x." + format
		for _, data := range [][]byte{nil, []byte("P"), []byte("PAR1"), []byte("PAR1PAR1"), []byte("PAR1\xff\xff\xff\x7fPAR1"), []byte("ARROW1"), []byte("<html>not found</html>"),
			bytes.Repeat([]byte{0}, 100), []byte("{\"a\":1}\n")} {
			damaged(t, name, data, nil)
		}
		for _, n := range []int{5, 13, len(whole) / 2, len(whole) - 9, len(whole) - 1} {
			damaged(t, name, whole[:n], nil)
		}
		rnd := rand.New(rand.NewPCG(1, 1))
		flips := 120
		if testing.Short() {
			flips = 30
		}
		for range flips { // no panic, no hang; a flip inside a string is the business of the hash
			b := bytes.Clone(whole)
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
			path := put(t, name, b)
			for _, err := range ReadShard(path) {
				if err != nil && !strings.Contains(err.Error(), path) {
					t.Fatalf("the error does not name the file: %v", err)
				}
			}
		}
	}
	other := &Schema{Kind: Text}
	path := writeShard(t, "parquet", other, WriteOptions{}, nil)
	for _, err := range ReadRejects(path) {
		if err == nil || !strings.Contains(err.Error(), "not read alike") {
			t.Errorf("rows read as rejects: %v", err)
		}
	}
	damaged(t, "x.jsonl", []byte("{\"id\":\"00000000000000000000000000000001\",\"text\":\"a\"}\n{\"id\":"), nil)
	damaged(t, "x.jsonl.zst", zst(t, "{\"text\":\"a\"}\n")[:12], nil)
	damaged(t, "x.txt", nil, nil)
}

// stingyFS gives out files that hold a number of bytes in all; lying, they keep silent about it.
type stingyFS struct {
	FS
	left  int
	lying bool
}

type stingyFile struct {
	File
	fs *stingyFS
}

func (s *stingyFS) Create(name string) (File, error) {
	f, err := s.FS.Create(name)
	return stingyFile{f, s}, err
}

var errFull = errors.New("no space left on device")

func (f stingyFile) Write(b []byte) (int, error) {
	if len(b) <= f.fs.left {
		f.fs.left -= len(b)
		return f.File.Write(b)
	}
	n, _ := f.File.Write(b[:f.fs.left])
	f.fs.left = 0
	if f.fs.lying {
		return n, nil
	}
	return n, errFull
}

// TestFullDisk fills the disk at every size up to that of the file: somewhere between Write and Seal an error comes up, and the
// file never takes its name.
func TestFullDisk(t *testing.T) {
	rnd := newRandom(8)
	s := rnd.schema(Text)
	rs := rnd.records(s, 300)
	for _, format := range Formats() {
		size := 0
		for step := range 12 {
			for _, lying := range []bool{false, true} {
				fs := &stingyFS{quickFS{Disk}, 1 << 30, lying}
				if step > 0 {
					fs.left = (size - 1) * (step - 1) / 10
				}
				dir := t.TempDir()
				f, err := CreateShard(fs, dir+"/x."+format)
				if err != nil {
					t.Fatal(err)
				}
				shard, err := writeAndSeal(f, format, s, rs)
				if step == 0 {
					if err != nil {
						t.Fatal(err)
					}
					size = int(shard.Bytes)
					if st, err := os.Stat(dir + "/x." + format); err != nil || st.Size() != shard.Bytes {
						t.Fatal(st, err)
					}
					continue
				}
				if want := errFull; !lying && !errors.Is(err, want) || lying && !errors.Is(err, io.ErrShortWrite) {
					t.Errorf("%s: disk full after %d of %d bytes: %v", format, (size-1)*(step-1)/10, size, err)
				}
				if left, _ := os.ReadDir(dir); len(left) != 0 {
					t.Errorf("%s: %v is left", format, left)
				}
			}
		}
	}
}

func writeAndSeal(f *ShardFile, format string, s *Schema, rs []*Record) (Shard, error) {
	w, err := NewWriter(format, f, s, WriteOptions{RowGroupBytes: 10 << 10})
	if err == nil {
		err = w.Write(rs)
	}
	if w != nil {
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return Shard{}, errors.Join(err, f.Abort())
	}
	return f.Seal(f.path)
}
