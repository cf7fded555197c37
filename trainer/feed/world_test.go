package feed

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/schemas"
	"sluice/trainer/mix"
	"sluice/trainer/tokenizer"
)

// letters is a tokenizer of single characters.
func letters(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Characters("abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.\n")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// jsonl writes rows to a file.
func jsonl(t testing.TB, path string, rows ...any) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// texts makes documents of random letters, of lengths between lo and hi.
func texts(n, lo, hi int, seed uint64) []any {
	rng := rand.New(rand.NewPCG(seed, 1))
	rows := make([]any, n)
	for i := range rows {
		b := make([]byte, lo+rng.IntN(hi-lo+1))
		for j := range b {
			b[j] = byte('a' + rng.IntN(26))
		}
		rows[i] = map[string]any{"text": string(b)}
	}
	return rows
}

func open(t testing.TB, o Options) *Corpus {
	t.Helper()
	if o.Tokenizer == nil {
		o.Tokenizer = letters(t)
	}
	if o.Cache == "" {
		o.Cache = filepath.Join(t.TempDir(), "tokens")
	}
	if o.Form.Kind == "" {
		o.Form.Kind = Plain
	}
	if o.Form.Text == "" {
		o.Form.Text, o.Form.Label = "text", "label"
	}
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// start makes a feed with a uniform mixer.
func start(t testing.TB, c *Corpus, o Order, batch, micros int, s *State) *Feed {
	t.Helper()
	m := &mix.Uniform{}
	env := mix.Env{Steps: 100, Batch: batch}
	for k, d := range c.Domains {
		env.Domains = append(env.Domains, mix.Domain{Name: d.Name, Examples: Rows(c.Train(k, -1), o)})
	}
	if err := mix.Open(m, env); err != nil {
		t.Fatal(err)
	}
	f, err := New(t.Context(), c, o, m, batch, micros, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// dataset writes a sealed dataset of parquet shards, one for every list of records.
func dataset(t testing.TB, dir string, kind schemas.Kind, shards ...[]*schemas.Record) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, schemas.DataDir), 0o755); err != nil {
		t.Fatal(err)
	}
	m := &schemas.Manifest{Version: schemas.ManifestVersion, Dataset: "d", Schema: schemas.Schema{Kind: kind}}
	for i, records := range shards {
		name := fmt.Sprintf("data/train-%06d.parquet", i)
		f, err := schemas.CreateShard(schemas.Disk, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := schemas.NewWriter("parquet", f, &m.Schema, schemas.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for j, r := range records {
			r.ID = schemas.SeedID(name, int64(j))
			if err := w.Write([]*schemas.Record{r}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := f.Seal(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.Role, s.Path, s.Rows = schemas.RoleTrain, name, int64(len(records))
		m.Segments = append(m.Segments, schemas.Segment{Token: name, First: int64(i), Last: int64(i), Files: []schemas.Shard{s}})
	}
	if err := m.Write(schemas.Disk, dir); err != nil {
		t.Fatal(err)
	}
}

// names lists the records of a batch in order.
func names(b *Batch) (out []uint64) {
	for _, m := range b.Micros {
		for _, row := range m.Pieces {
			for _, p := range row {
				out = append(out, p.Record, uint64(p.Offset), uint64(p.Epoch))
			}
		}
	}
	return out
}

func next(t testing.TB, f *Feed, step int64) *Batch {
	t.Helper()
	b, err := f.Next(step)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(a, b *Batch) bool { return slices.Equal(names(a), names(b)) }
