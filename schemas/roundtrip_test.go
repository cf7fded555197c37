package schemas

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeShard writes rs in several calls and returns the path of the file.
func writeShard(t testing.TB, format string, s *Schema, o WriteOptions, rs []*Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x."+format)
	var b bytes.Buffer
	w, err := NewWriter(format, &b, s, o)
	if err != nil {
		t.Fatal(err)
	}
	for len(rs) > 0 {
		n := min(len(rs), 64)
		if err := w.Write(rs[:n]); err != nil {
			t.Fatal(err)
		}
		rs = rs[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readAll(t testing.TB, path string, s *Schema) []*Record {
	t.Helper()
	rs := []*Record{}
	for r, err := range readShard(path, s) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

// same fails with the difference; empty and nil are not the same.
func same(t testing.TB, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) { // far faster than cmp, which then tells where
		t.Fatal(cmp.Diff(want, got))
	}
}

// TestRoundTrip writes random records of every kind in every format and reads the same back, several row groups included.
func TestRoundTrip(t *testing.T) {
	for _, format := range Formats() {
		for _, kind := range Kinds() {
			for seed := range uint64(6) {
				t.Run(fmt.Sprint(format, "/", kind, "/", seed), func(t *testing.T) {
					rnd := newRandom(seed)
					s := rnd.schema(kind)
					rs := rnd.records(s, []int{0, 1, 300, 1500, 40, 700}[seed])
					o := WriteOptions{RowGroupBytes: 64 << 10, Compression: Compressions()[seed%4]}
					path := writeShard(t, format, s, o, rs)
					same(t, rs, readAll(t, path, s))
					if format == "parquet" || format == "arrow" {
						got, err := ReadShardSchema(path)
						if err != nil {
							t.Fatal(err)
						}
						same(t, s, got)
					}
				})
			}
		}
	}
}

func TestRejectsRoundTrip(t *testing.T) {
	for _, format := range Formats() {
		for _, kind := range Kinds() {
			t.Run(fmt.Sprint(format, "/", kind), func(t *testing.T) {
				rnd := newRandom(3)
				s := rnd.schema(kind)
				xs := rnd.rejects(s, 200)
				var b bytes.Buffer
				w, err := NewRejectWriter(format, &b, s, WriteOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Write(xs); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "x."+format)
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				var got []Reject
				for x, err := range readRejects(path, s) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, x)
				}
				same(t, xs, got)
			})
		}
	}
}

// TestSameBytes pins that bytes depend on the rows alone, not on how they are cut into calls of Write.
func TestSameBytes(t *testing.T) {
	rnd := newRandom(9)
	s := rnd.schema(Chat)
	rs := rnd.records(s, 500)
	for _, format := range Formats() {
		var one, many bytes.Buffer
		for _, c := range []struct {
			to *bytes.Buffer
			by int
		}{{&one, len(rs)}, {&many, 7}} {
			w, err := NewWriter(format, c.to, s, WriteOptions{RowGroupBytes: 100 << 10})
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(rs); i += c.by {
				if err := w.Write(rs[i:min(i+c.by, len(rs))]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(one.Bytes(), many.Bytes()) {
			t.Errorf("%s: bytes depend on the calls of Write", format)
		}
	}
}
