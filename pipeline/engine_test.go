package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/schemas"
)

const plainRecipe = `
sluice: 1
dataset: out
seed: 3
batch: 8
tolerate: 1
source: {path: seeds.jsonl, holdout: 0.1}
stages:
  - generators/twist: {copies: 3, workers: WORKERS}
  - filters/picky: {word: "number 13", workers: WORKERS}
  - dedup/whole: {workers: WORKERS}
sink: {jsonl: {rows: 60}}
`

const phasedRecipe = `
sluice: 1
dataset: out
seed: 3
batch: 8
tolerate: 1
source: {path: seeds.jsonl, holdout: 0.1}
stages:
  - generators/twist: {copies: 3}
  - dedup/whole: {}
  - filters/median: {}
  - generators/twist: {copies: 1, max_depth: 2}
  - dedup/whole: {}
sink: {jsonl: {rows: 60}}
`

const targetRecipe = `
sluice: 1
dataset: out
seed: 3
batch: 8
tolerate: 1
source: {path: seeds.jsonl}
stages:
  - generators/twist: {copies: 2}
  - filters/picky: {word: "number 13"}
  - dedup/whole: {}
sink: {jsonl: {rows: 100}}
target: {accepted: 500, per_label: balanced}
`

func workers(recipe string, n int) string {
	return strings.ReplaceAll(recipe, "WORKERS", fmt.Sprint(n))
}

func TestWorkersGiveTheSameBytes(t *testing.T) {
	var want map[string]string
	for _, n := range []int{1, 2, 64} {
		w := newWorld(t, 200, workers(plainRecipe, n))
		res := w.mustRun()
		if want == nil {
			want = w.bytes()
			checkCounts(t, res.Manifest, 200)
			continue
		}
		sameFiles(t, fmt.Sprint(n, " workers"), w.bytes(), want)
	}
}

// checkCounts asserts the conservation law from the source's rows to the sealed files.
func checkCounts(t *testing.T, m *schemas.Manifest, rows int64) {
	t.Helper()
	counts := m.Counts()
	if counts[0].In != rows {
		t.Errorf("source took in %d rows, want %d", counts[0].In, rows)
	}
	for i := range counts {
		if err := counts[i].Check(); err != nil {
			t.Error(err)
		}
	}
	var sealed int64
	for _, f := range m.Shards(schemas.RoleTrain) {
		sealed += f.Rows
	}
	if out := counts[len(counts)-1].Out; out != sealed {
		t.Errorf("%d rows let out, %d sealed", out, sealed)
	}
	var lost, rejected, held int64
	for _, c := range counts {
		dropped, failed := c.Lost()
		lost += dropped + failed
	}
	for _, f := range m.Shards(schemas.RoleRejects) {
		rejected += f.Rows
	}
	for _, f := range m.Shards(schemas.RoleTest) {
		held += f.Rows
	}
	if lost != rejected+held {
		t.Errorf("%d rows lost by the counts, %d in rejects and %d held out", lost, rejected, held)
	}
}

func TestSecondRunDoesNothing(t *testing.T) {
	for name, recipe := range map[string]string{"plain": workers(plainRecipe, 2), "phased": phasedRecipe, "learned": learnedRecipe, "target": targetRecipe} {
		w := newWorld(t, 200, recipe)
		first := w.mustRun()
		want := w.bytes()
		before, _ := os.ReadFile(filepath.Join(w.dir, "out", schemas.ManifestFile))
		again := w.mustRun()
		sameFiles(t, name, w.bytes(), want)
		if after, _ := os.ReadFile(filepath.Join(w.dir, "out", schemas.ManifestFile)); string(after) != string(before) {
			t.Errorf("%s: the manifest changed", name)
		}
		if again.New != 0 || first.New == 0 {
			t.Errorf("%s: %d batches, then %d", name, first.New, again.New)
		}
	}
}

// stopAfter pulls the soft stop at the n-th batch that reaches the sink.
func stopAfter(o Options, n int) Options {
	o.Halt = NewHalt()
	o.Events.BatchDone = func(BatchInfo) {
		if n--; n == 0 {
			o.Halt.Stop(ErrInterrupted)
		}
	}
	return o
}

func TestSoftStopResumesToTheSameBytes(t *testing.T) {
	for name, recipe := range map[string]string{"plain": workers(plainRecipe, 1), "phased": phasedRecipe, "learned": learnedRecipe, "target": targetRecipe} {
		clean := newWorld(t, 200, recipe)
		clean.mustRun()
		want := clean.bytes()
		for _, stops := range [][]int{{1}, {3}, {2, 2, 2}, {10, 1, 1, 5}, {26, 1}} {
			w := newWorld(t, 200, recipe)
			for _, n := range stops {
				// Where all batches had left the source already, there is nothing to stop, and the run ends well.
				if _, err := w.run(stopAfter(w.options(), n)); err != nil && !errors.Is(err, ErrInterrupted) {
					t.Fatalf("%s stopped at %v: %v", name, stops, err)
				}
				m, err := schemas.ReadManifest(filepath.Join(w.dir, "out"))
				if err != nil {
					t.Fatal(err)
				}
				for s := range m.All() {
					for _, f := range s.Files {
						if _, err := os.Stat(filepath.Join(w.dir, "out", filepath.FromSlash(f.Path))); err != nil {
							t.Errorf("%s: listed but not there: %v", name, err)
						}
					}
				}
			}
			w.mustRun()
			sameFiles(t, fmt.Sprint(name, " stopped at ", stops), w.bytes(), want)
		}
	}
}

func TestAppend(t *testing.T) {
	for name, recipe := range map[string]string{"plain": workers(plainRecipe, 2), "phased": phasedRecipe} {
		w := newWorld(t, 100, recipe)
		w.mustRun()
		before := w.bytes()
		w.source(100, 110)
		res := w.mustRun()
		checkRows := res.Manifest.Counts()[0].In
		if checkRows != 110 {
			t.Errorf("%s: source took in %d rows", name, checkRows)
		}
		for file, b := range before {
			if w.bytes()[file] != b {
				t.Errorf("%s: sealed file %s was rewritten", name, file)
			}
		}
	}
}

func TestChangedRecipeIsRefusedUntilNew(t *testing.T) {
	w := newWorld(t, 100, workers(plainRecipe, 2))
	w.mustRun()
	w.recipe = strings.Replace(w.recipe, "number 13", "number 14", 1)
	_, err := w.run(w.options())
	changed, ok := errors.AsType[*ChangedError](err)
	if !ok || !slices.ContainsFunc(changed.Diff, func(l string) bool { return strings.HasPrefix(l, "+") && strings.Contains(l, "number 14") }) {
		t.Fatalf("got %v", err)
	}
	o := w.options()
	o.New = true
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	fresh := newWorld(t, 100, w.recipe)
	fresh.mustRun()
	sameFiles(t, "--new", w.bytes(), fresh.bytes())
	for _, suffix := range []string{newSuffix, oldSuffix, swapSuffix} {
		if _, err := os.Stat(filepath.Join(w.dir, "out") + suffix); err == nil {
			t.Errorf("out%s was left behind", suffix)
		}
	}
	w.mustRun()
}

func TestTargetIsExact(t *testing.T) {
	w := newWorld(t, 40, targetRecipe)
	res := w.mustRun()
	made := map[string]int64{}
	for _, s := range res.Manifest.Segments {
		for l, n := range s.Made {
			made[l] += n
		}
	}
	if want := map[string]int64{"a": 167, "b": 167, "c": 166}; !maps.Equal(made, want) {
		t.Errorf("accepted %v, want %v", made, want)
	}
	var seeds int64
	for _, s := range res.Manifest.Segments {
		for _, n := range s.Labels {
			seeds += n
		}
	}
	if seeds -= 500; seeds != 39 { // seed 13 is dropped
		t.Errorf("%d seeds stored, want 39", seeds)
	}

	w.recipe = strings.Replace(w.recipe, "accepted: 500", "accepted: 560", 1)
	if res = w.mustRun(); res.New == 0 {
		t.Error("a greater target made nothing new")
	}
	if m := madeBy(&plan{Labels: map[string]*labelPlan{"": {}}}, res.Manifest); m[""] != 560 {
		t.Errorf("%d made rows after the target grew to 560", m[""])
	}
}

func TestTargetUnmet(t *testing.T) {
	w := newWorld(t, 40, strings.Replace(targetRecipe, "accepted: 500, per_label: balanced", "accepted: 95, max_candidates: 100", 1))
	res, err := w.run(w.options())
	unmet, ok := errors.AsType[*UnmetError](err)
	if !ok || !strings.HasPrefix(unmet.Rule, "max_candidates") {
		t.Fatalf("ended with %v", err)
	}
	if c := res.Manifest.Counts()[1]; c.Made > 100 {
		t.Errorf("%d candidates made", c.Made)
	}
	if _, again := w.run(w.options()); again == nil || again.Error() != err.Error() {
		t.Errorf("the second run says %v", again)
	}
}

func TestFailuresBeyondTolerate(t *testing.T) {
	w := newWorld(t, 100, strings.Replace(workers(plainRecipe, 2), "tolerate: 1", "tolerate: 0.05", 1))
	res, err := w.run(w.options())
	if _, ok := errors.AsType[*TolerateError](err); !ok {
		t.Fatalf("ended with %v", err)
	}
	if !res.Manifest.Complete {
		t.Error("the good rows were not sealed")
	}
}

func TestLostClaimsAreRebuilt(t *testing.T) {
	whole := newWorld(t, 600, workers(plainRecipe, 2))
	whole.mustRun()

	w := newWorld(t, 600, workers(plainRecipe, 1))
	if _, err := w.run(stopAfter(w.options(), 9)); !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	w.claims = nil
	var told []string
	o := w.options()
	o.Events.Notice = func(s string) { told = append(told, s) }
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "rebuilt") {
		t.Errorf("told %q", told)
	}
	sameFiles(t, "rebuilt claims", w.bytes(), whole.bytes())
}

func TestLockRefusesASecondRun(t *testing.T) {
	w := newWorld(t, 50, workers(plainRecipe, 1))
	o := w.options()
	var second error
	o.Events.RunStarted = func(RunInfo) { _, second = Run(context.Background(), w.load(w.recipe), w.options()) }
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*LockedError](second); !ok {
		t.Errorf("second run ended with %v", second)
	}
}
