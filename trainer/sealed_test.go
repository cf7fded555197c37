package trainer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/schemas"
)

// sealed writes a dataset with a shard of rows to train on and one of rows held out.
func sealed(t *testing.T, training, held []map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, schemas.DataDir), 0o755); err != nil {
		t.Fatal(err)
	}
	m := &schemas.Manifest{Version: schemas.ManifestVersion, Dataset: "d", Schema: schemas.Schema{Kind: schemas.Labeled}}
	seg := schemas.Segment{Token: "one"}
	for role, rows := range map[string][]map[string]any{schemas.RoleTrain: training, schemas.RoleTest: held} {
		name := "data/" + role + "-000000.parquet"
		f, err := schemas.CreateShard(schemas.Disk, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := schemas.NewWriter("parquet", f, &m.Schema, schemas.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var records []*schemas.Record
		for i, r := range rows {
			records = append(records, &schemas.Record{ID: schemas.SeedID(name, int64(i)), Text: r["text"].(string), Labels: []string{r["label"].(string)}})
		}
		if err := w.Write(records); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := f.Seal(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.Role, s.Path, s.Rows = role, name, int64(len(rows))
		seg.Files = append(seg.Files, s)
	}
	m.Segments = []schemas.Segment{seg}
	if err := m.Write(schemas.Disk, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A shard with a flipped bit is named before the first step, whether or not it can still be read.
func TestDamagedShard(t *testing.T) {
	vocabulary := t.TempDir()
	train(t, with(tiny(t, Classify, labeled(40, 1)), func(c *Config) { c.Steps = 1 }), Options{Dir: vocabulary})
	for name, tokenizer := range map[string]TokenizerConfig{"tokenizer to train": {Train: "wordpiece", Vocab: 120}, "tokenizer at hand": {Path: vocabulary}} {
		dir := sealed(t, labeled(40, 1), labeled(9, 2))
		shard := filepath.Join(dir, "data", "train-000000.parquet")
		b, err := os.ReadFile(shard)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 4
		if err := os.WriteFile(shard, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c := with(tiny(t, Classify, nil), func(c *Config) { c.Data, c.Tokenizer = []Data{{Name: "d", Path: dir}}, tokenizer })
		_, err = Train(t.Context(), c, Options{Dir: t.TempDir(), Progress: func(Step) { t.Error("a step was made") }})
		if err == nil || !strings.Contains(err.Error(), shard) || !strings.Contains(err.Error(), "the shard is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing is decided by the rows held out: others, even ones with a label that nobody knows, leave the weights and the best step as they are.
func TestHeldOutRowsDecideNothing(t *testing.T) {
	strange := append(labeled(20, 9), map[string]any{"text": "red car", "label": "purple"})
	var first *Report
	want := ""
	for _, held := range [][]map[string]any{labeled(20, 2), shuffled(labeled(20, 3)), strange} {
		data := sealed(t, labeled(60, 1), held)
		dir := t.TempDir()
		rep := train(t, with(tiny(t, Classify, nil), func(c *Config) {
			c.Data, c.Steps, c.Eval.Every, c.Stop.Patience, c.Optimizer.LR = []Data{{Name: "d", Path: data}}, 40, 2, 2, .01
		}), Options{Dir: dir})
		if first == nil {
			first, want = rep, weights(t, dir)
		}
		if weights(t, dir) != want || rep.Best != first.Best || rep.Step != first.Step {
			t.Errorf("step %d, best %d; with other rows held out %d and %d", rep.Step, rep.Best, first.Step, first.Best)
		}
		if last := held[len(held)-1]["label"]; last != "purple" {
			if rep.Test == nil || rep.Test.Rows != len(held) {
				t.Errorf("on the rows held out: %+v", rep.Test)
			}
		} else if rep.Test != nil || len(rep.Notes) != 1 || !strings.Contains(rep.Notes[0], `label "purple" of row 20 of `) {
			t.Errorf("a label that nobody knows: %+v, notes %q", rep.Test, rep.Notes)
		}
	}
}
