package feed

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/schemas"
)

func TestDamagedShardIsRefused(t *testing.T) {
	dir := t.TempDir()
	dataset(t, dir, schemas.Text, []*schemas.Record{{Text: "some words"}, {Text: "more words"}})
	path := filepath.Join(dir, "data", "train-000000.parquet")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		bytes []byte
		want  string
	}{"flipped": {flipped, "SHA-256"}, "short": {good[:len(good)-3], "bytes, the manifest says"}} {
		if err := os.WriteFile(path, c.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), Options{Sources: []Source{{"d", dir}}, Tokenizer: letters(t), Form: Form{Kind: Plain}, Cache: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "train-000000.parquet") {
			t.Errorf("%s: %v, want an error with %q and the name of the shard", name, err, c.want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Sources: []Source{{"d", dir}}, Tokenizer: letters(t), Form: Form{Kind: Plain}, Cache: t.TempDir()}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing shard: %v", err)
	}
}

// A cache with a flipped byte is made anew, and is the same again.
func TestDamagedCacheIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	o := Options{Sources: []Source{{"a", jsonl(t, filepath.Join(dir, "a.jsonl"), texts(50, 5, 40, 1)...)}}, Cache: filepath.Join(dir, "tokens")}
	c := open(t, o)
	path := c.Domains[0].caches[0].path
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{3, 20, len(good) / 2, len(good) - 1} {
		bad := append([]byte(nil), good...)
		bad[at] ^= 4
		if err := os.WriteFile(path+".new", bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		open(t, o)
		again, err := os.ReadFile(path)
		if err != nil || string(again) != string(good) {
			t.Errorf("byte %d: the cache was not made anew (%v)", at, err)
		}
	}
}

func TestEmptyAndUnlabeled(t *testing.T) {
	c := open(t, Options{Sources: []Source{{"a", jsonl(t, filepath.Join(t.TempDir(), "a.jsonl"),
		map[string]any{"text": "", "label": "x"}, map[string]any{"text": "yes", "label": "x"}, map[string]any{"text": "no"})}}, Form: Form{Kind: Labeled, Length: 8}})
	if n := c.Train(0, -1).Len(); n != 1 || c.Left()[reasonEmpty] != 1 || c.Left()[reasonNoLabel] != 1 {
		t.Errorf("%d rows, left out: %v", n, c.Left())
	}
}

func TestLongRecords(t *testing.T) {
	row := map[string]any{"text": strings.Repeat("long ", 20), "label": "x"}
	path := jsonl(t, filepath.Join(t.TempDir(), "a.jsonl"), row)
	if c := open(t, Options{Sources: []Source{{"a", path}}, Form: Form{Kind: Labeled, Length: 8, Long: "cut"}}); len(c.Train(0, -1).IDs(0)) != 8 || c.Left()[reasonCut] != 1 {
		t.Errorf("not cut: %v", c.Left())
	}
	if c := open(t, Options{Sources: []Source{{"a", path}}, Form: Form{Kind: Labeled, Length: 8, Long: "skip"}}); c.Train(0, -1).Len() != 0 || c.Left()[reasonLong] != 1 {
		t.Errorf("not skipped: %v", c.Left())
	}
	_, err := Open(t.Context(), Options{Sources: []Source{{"a", path}}, Tokenizer: letters(t), Cache: t.TempDir(), Form: Form{Kind: Labeled, Text: "text", Label: "label", Length: 8, Long: "error"}})
	if err == nil || !strings.Contains(err.Error(), "100 tokens") {
		t.Errorf("long: error gives %v", err)
	}
}

func TestUnseenLabel(t *testing.T) {
	c := open(t, Options{Sources: []Source{{"a", jsonl(t, filepath.Join(t.TempDir(), "a.jsonl"), map[string]any{"text": "abc", "label": "new"})}}, Form: Form{Kind: Labeled, Length: 8}})
	for _, err := range Once(c.Train(0, -1), Order{Length: 8, Classes: []string{"old"}}, 0, 4) {
		if err == nil || !strings.Contains(err.Error(), `"new"`) {
			t.Errorf("an unseen label gives %v", err)
		}
	}
}

// The rows of a family, a seed and what descends from it, are all kept back or all trained on.
func TestFamiliesStayTogether(t *testing.T) {
	dir := t.TempDir()
	var rs []*schemas.Record
	for i := range 400 {
		seed := schemas.SeedID("s", int64(i/4))
		rs = append(rs, &schemas.Record{Text: "word", Origin: schemas.Origin{Parents: []schemas.ID{seed}}})
	}
	dataset(t, dir, schemas.Text, rs)
	c := open(t, Options{Sources: []Source{{"d", dir}}, Validation: .25})
	side := map[uint64]int{}
	for which, set := range []*Set{c.Train(0, -1), c.Validation(0)} {
		for i := range set.Len() {
			k, row := set.row(i)
			if old, ok := side[k.families[row]]; ok && old != which {
				t.Fatal("a family is on both sides")
			}
			side[k.families[row]] = which
		}
	}
	if n := c.Validation(0).Len(); n < 60 || n > 140 || n+c.Train(0, -1).Len() != 400 {
		t.Errorf("%d of 400 rows are kept back, want about 100", n)
	}
}
