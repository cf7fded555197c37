package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Fault is something wrong with a dataset.
type Fault struct {
	File    string // relative to the dataset folder, with slashes
	Problem string
	Note    bool // harmless, such as a file that no one listed
}

func (f Fault) String() string { return f.File + ": " + f.Problem }

// Verify compares the dataset in dir with its manifest: every file is there with its size and hash, holds as many rows as
// listed, and the counts of each segment obey the conservation law and explain its rows. Deep decodes every row too, counts labels anew
// and looks for ids that occur twice. The error is for a folder that cannot be read at all; without fault the result is empty.
func Verify(dir string, deep bool) ([]Fault, error) {
	d, err := OpenDataset(dir)
	if err != nil {
		return nil, err
	}
	v := verifier{d: d, deep: deep, listed: map[string]bool{}, ids: map[ID]int32{}}
	for s := range d.Manifest.All() {
		v.segment(s)
	}
	if err := v.strays(); err != nil {
		return nil, err
	}
	return v.faults, nil
}

type verifier struct {
	d      *Dataset
	deep   bool
	listed map[string]bool
	names  []string     // of the shards read
	ids    map[ID]int32 // of accepted and held-out rows: the shard they were first seen in
	faults []Fault
}

func (v *verifier) fault(file, format string, args ...any) {
	v.faults = append(v.faults, Fault{File: file, Problem: fmt.Sprintf(format, args...)})
}

// unlisted are the reasons for which a row leaves without being kept among the rejects: it was held out, is a seed that the sink does
// not want, or was accepted when the seeds were visited before.
var unlisted = []string{"held_out", "seed", "revisited"}

func (v *verifier) segment(s *Segment) {
	where := fmt.Sprintf("%s (batches %d to %d)", ManifestFile, s.First, s.Last)
	rows := map[string]int64{}
	labels := map[string]int64{}
	for _, f := range s.Files {
		rows[f.Role] += f.Rows
		v.file(f, labels)
	}
	var held, lost int64
	for i, t := range s.Counts {
		if err := t.Check(); err != nil {
			v.fault(where, "%v", err)
		}
		if i > 0 && t.In != s.Counts[i-1].Out {
			v.fault(where, "%s took in %d rows, but %s let %d out", t.Stage, t.In, s.Counts[i-1].Stage, s.Counts[i-1].Out)
		}
		dropped, failed := t.Lost()
		lost += dropped + failed
		held += t.Dropped["held_out"]
		for _, reason := range unlisted {
			lost -= t.Dropped[reason]
		}
	}
	if n := len(s.Counts); n > 0 {
		if out, got := s.Counts[n-1].Out, rows[RoleTrain]+rows[RoleSpool]; out != got {
			v.fault(where, "counts say %d accepted rows, its files have %d", out, got)
		}
		if held != rows[RoleTest] {
			v.fault(where, "counts say %d held-out rows, its files have %d", held, rows[RoleTest])
		}
		if lost != rows[RoleRejects] {
			v.fault(where, "counts say %d rejects, its files have %d", lost, rows[RoleRejects])
		}
	}
	if v.deep && !maps.Equal(labels, s.Labels) && len(labels)+len(s.Labels) > 0 {
		v.fault(where, "labels counted anew are %v, listed are %v", labels, s.Labels)
	}
}

// file checks one shard and adds the labels of its accepted rows, if it is to be read.
func (v *verifier) file(f Shard, labels map[string]int64) {
	if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
		v.fault(f.Path, "the path leaves the dataset folder")
		return
	}
	if v.listed[f.Path] {
		v.fault(f.Path, "listed twice")
	}
	v.listed[f.Path] = true
	path := v.d.Path(f)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.fault(f.Path, "is missing")
		return
	case err != nil:
		v.fault(f.Path, "%v", err)
		return
	case st.Size() != f.Bytes:
		v.fault(f.Path, "has %d bytes, want %d", st.Size(), f.Bytes)
		return
	}
	sum, _, err := HashFile(path)
	if err != nil {
		v.fault(f.Path, "%v", err)
		return
	}
	if sum != f.SHA256 {
		v.fault(f.Path, "its content is not what was sealed: the hash differs")
		return
	}
	if err := v.footer(path, f); err != nil {
		v.fault(f.Path, "%v", err)
		return
	}
	if v.deep {
		v.rows(path, f, labels)
	}
}

// HashFile returns what [Shard] says of a file: its SHA-256 in hexadecimal digits, and how many bytes it has.
func HashFile(path string) (sha string, bytes int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sum := sha256.New()
	bytes, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), bytes, err
}

// footer checks what a file says of itself: its rows and its schema.
func (v *verifier) footer(path string, f Shard) error {
	t, err := openTable(path)
	if err != nil || t == nil {
		return err // JSONL says nothing of itself
	}
	defer t.Close()
	l, err := t.layout()
	if err != nil {
		return err
	}
	if !sameSchema(l.schema, &v.d.Manifest.Schema) && f.Role != RoleSpool {
		return errors.New("its schema is not the manifest's")
	}
	var n int64
	err = safely("damaged file", func() (err error) {
		n, err = t.count()
		return err
	})
	if err == nil && n != f.Rows {
		err = fmt.Errorf("has %d rows, want %d", n, f.Rows)
	}
	return err
}

func sameSchema(a, b *Schema) bool {
	la, err := newLayout(a, false)
	if err != nil {
		return false
	}
	lb, err := newLayout(b, false)
	return err == nil && a.Kind == b.Kind && slices.EqualFunc(la.roots, lb.roots, sameTree)
}

func (v *verifier) rows(path string, f Shard, labels map[string]int64) {
	v.names = append(v.names, f.Path)
	n := int64(0)
	each := func(r *Record, err error) bool {
		if err != nil {
			v.fault(f.Path, "%s", strings.TrimPrefix(err.Error(), path+": "))
			return false
		}
		n++
		if f.Role != RoleTrain && f.Role != RoleTest {
			return true // spooled rows come again in the next phase
		}
		if other, twice := v.ids[r.ID]; twice {
			v.fault(f.Path, "record %s is in %s as well", r.ID, v.names[other])
		}
		v.ids[r.ID] = int32(len(v.names) - 1)
		return true
	}
	countLabels := f.Role == RoleTrain || f.Role == RoleSpool
	var err error
	if f.Role == RoleRejects {
		err = drain(readRejects(path, &v.d.Manifest.Schema), func(x Reject, err error) bool { return each(x.Record, err) })
	} else {
		err = drain(readShard(path, &v.d.Manifest.Schema), func(r *Record, err error) bool {
			if err == nil && countLabels {
				if len(r.Labels) == 0 {
					labels[""]++
				}
				for _, l := range r.Labels {
					labels[l]++
				}
			}
			return each(r, err)
		})
	}
	if err == nil && n != f.Rows {
		v.fault(f.Path, "has %d rows, want %d", n, f.Rows)
	}
}

// drain calls f for all of seq until f returns false, and returns the first error of seq.
func drain[R any](seq iter.Seq2[R, error], f func(R, error) bool) error {
	for r, err := range seq {
		if !f(r, err) || err != nil {
			return err
		}
	}
	return nil
}

// strays notes the files beside the shards that no manifest lists.
func (v *verifier) strays() error {
	for _, dir := range []string{DataDir, RejectsDir, PhasesDir} {
		err := filepath.WalkDir(filepath.Join(v.d.Dir, dir), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || e.IsDir() {
				return err
			}
			rel, err := filepath.Rel(v.d.Dir, path)
			name := filepath.ToSlash(rel)
			format := FormatOf(strings.TrimSuffix(name, ".tmp"))
			if err == nil && format != "" && !v.listed[name] {
				v.faults = append(v.faults, Fault{File: name, Problem: "is not listed in the manifest: left by an interrupted run", Note: true})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
