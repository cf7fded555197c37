package index

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/pipeline"
	"sluice/pipeline/state"
	"sluice/schemas"
)

func open(t *testing.T, s state.Store, dataset string, counted []string, o Options) *Index {
	t.Helper()
	x, err := New(s, dataset, counted, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func stage(t *testing.T, x *Index, name, scheme string) pipeline.Claimer {
	t.Helper()
	c, err := x.Stage(name, schemes[scheme])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func claimOne(t *testing.T, c pipeline.Claimer, batch int64, scope string, d doc) pipeline.Match {
	t.Helper()
	m, err := c.Claim(batch, d.id, scope, d.l)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func seal(t *testing.T, x *Index, token string, last int64) {
	t.Helper()
	if err := x.Seal(token, last); err != nil {
		t.Fatal(err)
	}
}

// exactDoc is a record whose text is s.
func exactDoc(id int64, s string) doc {
	return doc{schemas.SeedID("t", id), likeness([]byte((s + "      ")[:6]), schemes["exact"])}
}

func TestOnlyCountedTokensCount(t *testing.T) {
	m := state.NewMemory()
	x := open(t, m, "ds", nil, Options{})
	c := stage(t, x, "a", "exact")
	claimOne(t, c, 0, "dataset", exactDoc(0, "x"))
	seal(t, x, "t1", 0)
	claimOne(t, c, 1, "dataset", exactDoc(1, "y"))
	claimOne(t, c, 2, "dataset", exactDoc(2, "z")) // batch 2 is not sealed
	seal(t, x, "t2", 1)

	x = open(t, m, "ds", []string{"t1", "lost"}, Options{}) // the manifest of t2 was never written
	if missing, err := x.Missing([]string{"t1", "t2", "lost"}); err != nil || !slices.Equal(missing, []string{"t2", "lost"}) {
		t.Fatalf("missing %v, %v", missing, err)
	}
	c = stage(t, x, "a", "exact")
	for i, want := range map[string]bool{"x": true, "y": false, "z": false} {
		if got := claimOne(t, c, 1, "dataset", exactDoc(10, i)); got.Dup != want {
			t.Errorf("%s: %+v, want duplicate %v", i, got, want)
		}
	}
	if n := entries(t, m, "xt"); n != 1 {
		t.Errorf("%d tokens stored, want the one that counts", n)
	}
}

// A batch is sealed whole: a claim that comes after its seal would not be seen with it again.
func TestClaimForASealedBatchIsAnError(t *testing.T) {
	x := open(t, state.NewMemory(), "ds", nil, Options{})
	c := stage(t, x, "a", "exact")
	claimOne(t, c, 3, "dataset", exactDoc(0, "x"))
	seal(t, x, "t1", 3)
	d := exactDoc(1, "y")
	if _, err := c.Claim(3, d.id, "dataset", d.l); err == nil {
		t.Error("the claim was taken")
	}
	claimOne(t, c, 4, "dataset", d)
}

func TestSealWithoutClaimsIsNotMissing(t *testing.T) {
	m := state.NewMemory()
	x := open(t, m, "ds", nil, Options{})
	seal(t, x, "t1", 7)
	if missing, _ := open(t, m, "ds", []string{"t1"}, Options{}).Missing([]string{"t1"}); len(missing) > 0 {
		t.Errorf("missing %v", missing)
	}
}

func TestScopes(t *testing.T) {
	m := state.NewMemory()
	x := open(t, m, "ds", nil, Options{Run: "r1"})
	a, b := stage(t, x, "a", "exact"), stage(t, x, "b", "exact")
	claimOne(t, a, 0, "dataset", exactDoc(0, "dataset"))
	claimOne(t, a, 0, "run", exactDoc(0, "run"))
	claimOne(t, a, 0, "source:one", exactDoc(0, "source"))
	check := func(what string, c pipeline.Claimer, scope, text string, want bool) {
		t.Helper()
		if got := claimOne(t, c, 9, scope, exactDoc(1, text)); got.Dup != want {
			t.Errorf("%s: %q in %s: duplicate %v, want %v", what, text, scope, got.Dup, want)
		}
	}
	check("another stage", b, "dataset", "dataset", false)
	check("another source", a, "source:two", "source", false)
	check("the same source", a, "source:one", "source", true)
	seal(t, x, "t1", 0)

	x = open(t, m, "ds", []string{"t1"}, Options{Run: "r1"})
	if missing, _ := x.Missing([]string{"t1"}); len(missing) > 0 {
		t.Errorf("the run resumed: missing %v", missing)
	}
	a = stage(t, x, "a", "exact")
	check("the run resumed", a, "run", "run", true)
	check("the run resumed", a, "dataset", "dataset", true)

	x = open(t, m, "ds", []string{"t1"}, Options{Run: "r2"})
	if missing, _ := x.Missing([]string{"t1"}); len(missing) > 0 {
		t.Errorf("the next run: missing %v", missing)
	}
	a = stage(t, x, "a", "exact")
	check("the next run", a, "run", "run", false)
	check("the next run", a, "dataset", "dataset", true)
	check("the next run", a, "source:one", "source", true)

	a = stage(t, open(t, m, "other", nil, Options{}), "a", "exact")
	check("another dataset", a, "dataset", "dataset", false)
}

func TestGlobalScope(t *testing.T) {
	m := state.NewMemory()
	dir := t.TempDir()
	manifest := func(dataset string, tokens ...string) string {
		path := filepath.Join(dir, dataset)
		f := schemas.Manifest{Version: schemas.ManifestVersion, Dataset: dataset}
		for _, tok := range tokens {
			f.Segments = append(f.Segments, schemas.Segment{Token: tok})
		}
		if err := schemas.Disk.MkdirAll(path); err != nil {
			t.Fatal(err)
		}
		if err := f.Write(schemas.Disk, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	x := open(t, m, "one", nil, Options{Path: manifest("one", "t1")})
	c := stage(t, x, "a", "exact")
	claimOne(t, c, 0, "global", exactDoc(0, "x"))
	seal(t, x, "t1", 0)
	claimOne(t, c, 1, "global", exactDoc(1, "y"))
	seal(t, x, "t2", 1) // its manifest is not written

	var warned []string
	o := Options{Warn: func(s string) { warned = append(warned, s) }}
	c = stage(t, open(t, m, "two", nil, o), "b", "exact") // another stage, the same scheme
	if got := claimOne(t, c, 0, "global", exactDoc(0, "x")); !got.Dup {
		t.Error("a record of the same id in another dataset is no repeat")
	}
	if claimOne(t, c, 0, "global", exactDoc(5, "y")).Dup {
		t.Error("a claim counts whose manifest was not written")
	}
	if len(warned) > 0 {
		t.Errorf("warned: %v", warned)
	}
	if claimOne(t, stage(t, open(t, m, "one.new", nil, Options{Replaces: "one"}), "a", "exact"), 0, "global", exactDoc(0, "x")).Dup {
		t.Error("claims of the dataset that is replaced count")
	}

	// Where the manifest is gone, what its own runs saw counted goes on counting.
	open(t, m, "one", []string{"t1"}, Options{})
	if err := schemas.Disk.RemoveAll(filepath.Join(dir, "one")); err != nil {
		t.Fatal(err)
	}
	if !claimOne(t, stage(t, open(t, m, "three", nil, o), "b", "exact"), 0, "global", exactDoc(7, "x")).Dup {
		t.Error("a counted claim is forgotten with the folder")
	}
	if err := Forget(m, "one"); err != nil {
		t.Fatal(err)
	}
	if claimOne(t, stage(t, open(t, m, "four", nil, o), "b", "exact"), 0, "global", exactDoc(7, "x")).Dup {
		t.Error("claims of a forgotten dataset count")
	}
	if n := entries(t, m, "xp"); n != 0 {
		t.Errorf("%d pages left of a forgotten dataset", n)
	}
}

func TestOtherSettingsAreRefused(t *testing.T) {
	m := state.NewMemory()
	x := open(t, m, "ds", nil, Options{})
	claimOne(t, stage(t, x, "a", "exact"), 0, "dataset", exactDoc(0, "x"))
	seal(t, x, "t1", 0)
	x = open(t, m, "ds", []string{"t1"}, Options{})
	_, err := x.Stage("a", schemes["sketch"])
	if err == nil || !strings.Contains(err.Error(), "exact/1") || !strings.Contains(err.Error(), "test/1") {
		t.Errorf("other settings: %v, want an error that shows both", err)
	}
	x = open(t, m, "ds", nil, Options{}) // nothing was committed: the settings may change
	c := stage(t, x, "a", "sketch")
	d := docs(1, 1, schemes["sketch"])[0]
	if claimOne(t, c, 0, "dataset", d).Dup {
		t.Error("an empty shelf has a duplicate")
	}
	seal(t, x, "t1", 0)
	stage(t, open(t, m, "ds", []string{"t1"}, Options{}), "a", "sketch")
	for _, s := range []pipeline.Scheme{{}, {Bands: 300}, {Bands: 2, Exact: true}, {Bands: 1, Verify: "luck"}} {
		if _, err := x.Stage("b", s); err == nil {
			t.Errorf("scheme %+v was taken", s)
		}
	}
	if _, err := c.Claim(0, d.id, "dataset", pipeline.Likeness{Keys: []pipeline.Key{{Band: 9}}}); err == nil {
		t.Error("a key of a band that the scheme lacks was taken")
	}
	if _, err := c.Claim(0, d.id, "dataset", pipeline.Likeness{Keys: []pipeline.Key{{Hi: 1}}}); err == nil {
		t.Error("a key of 128 bits was taken for a band")
	}
}

func TestRecordsWithoutKeysAreAlikeNone(t *testing.T) {
	x := open(t, state.NewMemory(), "ds", nil, Options{})
	c := stage(t, x, "a", "sketch")
	for i := range int64(3) {
		if m := claimOne(t, c, 0, "dataset", doc{id: schemas.SeedID("t", i)}); m.Dup {
			t.Errorf("record %d: %+v", i, m)
		}
	}
}

// The index works over the real store as over the one in RAM.
func TestOverBadger(t *testing.T) {
	s := schemes["sketch"]
	all := docs(1500, 4, s)
	dir := t.TempDir()
	w := &run{all: all, scheme: s, batch: 20, segment: 4, ahead: 3, got: make([]pipeline.Match, len(all))}
	for range 3 {
		b, err := state.OpenBadger(dir, state.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.resume(b, 7, true); err != nil {
			t.Fatal(err)
		}
		if err := Verify(b); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	last := w.segments[len(w.segments)-1].last
	n := min(int(last+1)*w.batch, len(all))
	same(t, "over badger", w.got[:n], bruteForce(all[:n], s))
}
