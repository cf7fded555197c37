package main

import (
	"path/filepath"
	"slices"
	"testing"

	"sluice/cmd/internal/fakellm"
	"sluice/pipeline"
	"sluice/schemas"
)

// A preview of all seeds is the run: the same rows with the same ids, texts and fates, phases with a barrier included. And it leaves
// no trace on disk.
func TestPreviewOfAllIsTheRun(t *testing.T) {
	w := newStage(t, 40, `
sluice: 1
dataset: out
seed: 17
batch: 7
source: {path: seeds.jsonl, holdout: 0.2}
stages:
  - generators/eda: {copies: 4}
  - filters/length: {min: 25}
  - filters/top: {by: words, share: 0.6}
  - dedup/minhash: {preset: short-text}
sink: {jsonl: {}, seeds: drop}
`, fakellm.Config{})
	r := w.load()
	tried, err := pipeline.Preview(t.Context(), r, w.options(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "*")); len(left) != 2 {
		t.Errorf("a preview left %v behind", left)
	}
	if s := tried.Survey; s.Total != 32 || s.Held != 8 || len(s.Sample) != 32 || !slices.Equal(tried.Fitted, []string{"filters/top"}) {
		t.Errorf("%d seeds, %d held out, %d in the sample, fitted %v", s.Total, s.Held, len(s.Sample), tried.Fitted)
	}
	res := w.mustRun()
	var ran []string
	for _, f := range res.Manifest.Shards(schemas.RoleTrain) {
		for rec, err := range schemas.ReadShard(filepath.Join(r.Dataset, f.Path)) {
			if err != nil {
				t.Fatal(err)
			}
			ran = append(ran, rec.ID.String()+" "+rec.Text)
		}
	}
	var previewed []string
	for _, rec := range tried.Records {
		previewed = append(previewed, rec.ID.String()+" "+rec.Text)
	}
	if !slices.Equal(previewed, ran) || len(ran) == 0 {
		t.Errorf("the preview has %d rows, the run %d:\n%v\n%v", len(previewed), len(ran), previewed, ran)
	}
	counts := res.Manifest.Counts()
	for i, c := range tried.Counts {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		if c.Out != counts[i].Out || c.Stage != counts[i].Stage {
			t.Errorf("the preview counts %+v, the run %+v", c, counts[i])
		}
	}
}

// The sample is drawn by the recipe's seed, from the whole source and not from its beginning, and is the same every time.
func TestSampleIsDrawnFromAll(t *testing.T) {
	w := newStage(t, 500, "sluice: 1\ndataset: out\nseed: 3\nsource: {path: seeds.jsonl}\n", fakellm.Config{})
	rows := func(r *pipeline.Recipe, n int) (at []int64) {
		s, err := r.Survey(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range s.Sample {
			at = append(at, rec.Origin.Row)
		}
		return at
	}
	r := w.load()
	ten := rows(r, 10)
	if len(ten) != 10 || !slices.IsSorted(ten) || ten[9] < 100 || !slices.Equal(ten, rows(r, 10)) {
		t.Errorf("rows %v", ten)
	}
	for _, row := range ten { // a larger sample holds the smaller one: what it paid is not paid again
		if !slices.Contains(rows(r, 20), row) {
			t.Errorf("row %d is in the sample of 10 and not in that of 20", row)
		}
	}
	r.Seed = 4
	if slices.Equal(ten, rows(r, 10)) {
		t.Error("another seed draws the same rows")
	}
}
