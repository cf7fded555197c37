package schemas

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// quickFS is the disk without waiting for it: what is tested is not power failure.
type quickFS struct{ FS }

type quickFile struct{ File }

func (q quickFS) Create(name string) (File, error) {
	f, err := q.FS.Create(name)
	return quickFile{f}, err
}

func (quickFS) SyncDir(string) error { return nil }
func (quickFile) Sync() error        { return nil }

// makeDataset seals two segments of rows, rejects and held-out rows in dir.
func makeDataset(t testing.TB, format string) (dir string, m *Manifest, rs []*Record, xs []Reject) {
	t.Helper()
	dir = t.TempDir()
	rnd := newRandom(21)
	s := &Schema{Kind: Labeled, Columns: []Column{{"n", Type{Kind: Int}}, {"tags", Type{Kind: List, Elem: &Type{Kind: String}}}}}
	rs = rnd.records(s, 600)
	for i := range 40 {
		xs = append(xs, Reject{Record: rnd.record(s, 1000+i), Stage: "filters/length", Reason: "too_short"})
	}
	m = &Manifest{Version: ManifestVersion, Dataset: "d", Schema: *s, Complete: true}
	for k := range int64(2) {
		g := Segment{Token: "t", First: 10 * k, Last: 10*k + 9, Labels: map[string]int64{}, Made: map[string]int64{}}
		part := rs[300*k : 300*k+300]
		train, test, out := part[:280], part[280:], xs[20*k:20*k+20]
		for _, f := range []struct {
			role, name string
			rows       int
			write      func(f *ShardFile) error
		}{
			{RoleTrain, DataDir + "/train-00000" + string('0'+rune(k)), 280, func(f *ShardFile) error { return writeRows(f, format, s, train) }},
			{RoleTest, DataDir + "/test-00000" + string('0'+rune(k)), 20, func(f *ShardFile) error { return writeRows(f, format, s, test) }},
			{RoleRejects, RejectsDir + "/rejects-00000" + string('0'+rune(k)), 20, func(f *ShardFile) error {
				w, err := NewRejectWriter(format, f, s, WriteOptions{})
				if err != nil {
					return err
				}
				if err := w.Write(out); err != nil {
					return err
				}
				return w.Close()
			}},
		} {
			path := filepath.Join(dir, filepath.FromSlash(f.name)+"."+format)
			if err := Disk.MkdirAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			file, err := CreateShard(quickFS{Disk}, path)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.write(file); err != nil {
				t.Fatal(err)
			}
			shard, err := file.Seal(path)
			if err != nil {
				t.Fatal(err)
			}
			shard.Role, shard.Path, shard.Rows = f.role, f.name+"."+format, int64(f.rows)
			g.Files = append(g.Files, shard)
		}
		for _, r := range train {
			g.Labels[r.Label()]++
			if r.Origin.Depth > 0 {
				g.Made[r.Label()]++
			}
		}
		g.Counts = []Tally{
			{Stage: "source", In: 310, Out: 290, Dropped: map[string]int64{"held_out": 20}},
			{Stage: "generators/eda", In: 290, Made: 15, Out: 305},
			{Stage: "filters/length", In: 305, Out: 285, Dropped: map[string]int64{"too_short": 15, "too_long": 3}, Failed: map[string]int64{"no_judge": 2}},
			{Stage: "sink", In: 285, Out: 280, Dropped: map[string]int64{"seed": 5}},
		}
		m.Segments = append(m.Segments, g)
	}
	if err := m.Write(quickFS{Disk}, dir); err != nil {
		t.Fatal(err)
	}
	return dir, m, rs, xs
}

func writeRows(f *ShardFile, format string, s *Schema, rs []*Record) error {
	w, err := NewWriter(format, f, s, WriteOptions{})
	if err != nil {
		return err
	}
	if err := w.Write(rs); err != nil {
		return err
	}
	return w.Close()
}

func TestDataset(t *testing.T) {
	for _, format := range Formats() {
		dir, _, rs, xs := makeDataset(t, format)
		d, err := OpenDataset(dir)
		if err != nil {
			t.Fatal(err)
		}
		var train []*Record
		for r, err := range d.Records(RoleTrain) {
			if err != nil {
				t.Fatal(err)
			}
			train = append(train, r)
		}
		same(t, slices.Concat(rs[:280], rs[300:580]), train)
		var rejects []Reject
		for x, err := range d.Rejects() {
			if err != nil {
				t.Fatal(err)
			}
			rejects = append(rejects, x)
		}
		same(t, xs, rejects)
		for _, r := range d.Manifest.Shards(RoleTrain) { // the schema of JSONL shards comes from the manifest
			s, err := ReadShardSchema(d.Path(r))
			if err != nil {
				t.Fatal(err)
			}
			same(t, &d.Manifest.Schema, s)
		}
		if faults, err := Verify(dir, true); err != nil || len(faults) > 0 {
			t.Fatal(format, faults, err)
		}
		for _, want := range []*Record{rs[3], rs[299], rs[577], xs[33].Record} {
			found, err := FindRecord(dir, want.ID)
			if err != nil || len(found) != 1 || (found[0].Reject != nil) != (want == xs[33].Record) {
				t.Fatal(format, found, err)
			}
			same(t, want, found[0].Record)
		}
		if found, err := FindRecord(dir, SeedID("elsewhere", 1)); err != nil || len(found) != 0 {
			t.Fatal(found, err)
		}
	}
	if _, err := OpenDataset(t.TempDir()); err == nil {
		t.Error("an empty folder is a dataset")
	}
}

// TestVerifyFinds breaks a dataset in one way at a time.
func TestVerifyFinds(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(t *testing.T, dir string, m *Manifest)
		want   string
		note   bool
	}{
		{"missing", func(t *testing.T, dir string, m *Manifest) {
			os.Remove(filepath.Join(dir, "data/train-000001.parquet"))
		}, "data/train-000001.parquet: is missing", false},
		{"flipped", func(t *testing.T, dir string, m *Manifest) {
			flip(t, filepath.Join(dir, "rejects/rejects-000000.parquet"))
		}, "rejects/rejects-000000.parquet: its content is not what was sealed", false},
		{"shorter", func(t *testing.T, dir string, m *Manifest) {
			os.Truncate(filepath.Join(dir, "data/test-000000.parquet"), 100)
		}, "data/test-000000.parquet: has 100 bytes", false},
		{"rows", func(t *testing.T, dir string, m *Manifest) { m.Segments[0].Files[0].Rows++ }, "data/train-000000.parquet: has 280 rows, want 281", false},
		{"law", func(t *testing.T, dir string, m *Manifest) { m.Segments[1].Counts[1].Made++ }, "conservation law broken at generators/eda", false},
		{"chain", func(t *testing.T, dir string, m *Manifest) {
			m.Segments[1].Counts[3].In++
			m.Segments[1].Counts[3].Out++
		}, "sink took in 286 rows, but filters/length let 285 out", false},
		{"rejects", func(t *testing.T, dir string, m *Manifest) {
			m.Segments[0].Counts[2].Dropped["held_out"] = m.Segments[0].Counts[2].Dropped["too_long"]
			delete(m.Segments[0].Counts[2].Dropped, "too_long")
		}, "counts say 17 rejects, its files have 20", false},
		{"labels", func(t *testing.T, dir string, m *Manifest) { m.Segments[0].Labels["label0"]++ }, "labels counted anew are", false},
		{"schema", func(t *testing.T, dir string, m *Manifest) { m.Schema.Columns = m.Schema.Columns[:1] }, "its schema is not the manifest's", false},
		{"outside", func(t *testing.T, dir string, m *Manifest) { m.Segments[0].Files[0].Path = "../x.parquet" }, "the path leaves the dataset folder", false},
		{"twice", func(t *testing.T, dir string, m *Manifest) { m.Segments[1].Files[0] = m.Segments[0].Files[0] }, "is in data/train-000000.parquet as well", false},
		{"stray", func(t *testing.T, dir string, m *Manifest) {
			os.WriteFile(filepath.Join(dir, "data/train-000002.parquet.tmp"), nil, 0o644)
		}, "data/train-000002.parquet.tmp: is not listed", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, m, _, _ := makeDataset(t, "parquet")
			c.breaks(t, dir, m)
			if err := m.Write(quickFS{Disk}, dir); err != nil {
				t.Fatal(err)
			}
			faults, err := Verify(dir, true)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.String(), c.want) && f.Note == c.note }) {
				t.Errorf("got %v, want %s", faults, c.want)
			}
		})
	}
}

func flip(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/3] ^= 4
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
