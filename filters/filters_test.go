package filters

import (
	"encoding"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

func record(text string) *schemas.Record {
	return &schemas.Record{ID: schemas.SeedID(text, 0), Text: text}
}

func TestCheckFindsMistakes(t *testing.T) {
	schema := &schemas.Schema{Kind: schemas.Labeled, Scores: []string{"judge_clarity"}, Columns: []schemas.Column{{Name: "stars", Type: schemas.Type{Kind: schemas.Int}}}}
	for _, c := range []struct{ method, config, want string }{
		{"length", "{min: 5, max: 4}", "max: nothing is from 5 to 4 long"},
		{"length", "{unit: bytes}", "unit: the unit is chars, words or tokens"},
		{"length", "{roles: {user: {min: 1}}}", "roles: records of kind labeled have no messages"},
		{"language", "{allow: [xx]}", `allow: unknown language "xx"`},
		{"language", "{min: 2}", "min: a confidence"},
		{"repetition", "{top: [0.1]}", "top: wants 3 thresholds"},
		{"repetition", "{words: spacy}", `words: words are cut by reference or paper, not by "spacy"`},
		{"seedcopy", "{run: 3}", "run: must be 0 or at least 8"},
		{"seedcopy", "{run: 0, coverage: 0}", "nothing is ever a copy"},
		{"top", "{by: scores.judge_clarty}", `did you mean "judge_clarity"?`},
		{"top", "{}", "by: say what to rank by"},
		{"top", "{by: words, share: 1.5}", "share: must be above 0"},
		{"expr", "{keep: 'text >'}", "keep: "},
		{"expr", "{keep: 'starz > 1'}", `unknown name "starz"; did you mean "stars"?`},
		{"expr", "{keep: 'stars > 1', reason: 'Not Good'}", "reason: a reason is a short word"},
		{"schema", "{}", "schema: give either schema or file"},
		{"schema", "{schema: {type: objekt}}", "schema: "},
		{"schema", "{column: star, schema: {}}", `column: there is no column "star"; did you mean "stars"?`},
		{"schema", "{schema: {$ref: 'https://example.com/x.json'}}", "put everything into one schema"},
		{"schema", "{file: no-such-file.json}", "file: "},
		{"judge", "{model: writer, rubric: clearity}", `rubric: there is no rubric "clearity"`},
		{"judge", "{model: writer, prompt: '{{ excerp }}'}", `prompt: unknown variable "excerp"; did you mean "excerpt"?`},
		{"judge", "{model: writer, min: 5}", "min: a score is from 0 to 1"},
		{"exec", "{}", "command: no command is given"},
		{"exec", "{command: [no-such-program-anywhere]}", "command: "},
		{"exec", "{command: [go], columns: {a: strng}}", "columns: a: "},
	} {
		f := Catalog[c.method]()
		if err := yaml.Load([]byte(c.config), f, yaml.WithKnownFields()); err != nil {
			t.Errorf("%s %s: %v", c.method, c.config, err)
			continue
		}
		err := f.(pipeline.Checker).Check(pipeline.CheckEnv{Dir: ".", Schema: schema, Models: []string{"writer"}})
		if err == nil || !strings.Contains(withHints(err), c.want) {
			t.Errorf("%s %s:\n got %v\nwant %s", c.method, c.config, err, c.want)
		}
	}
}

// withHints prints an error as the recipe's loader does: message and remedy.
func withHints(err error) string {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var parts []string
		for _, e := range many.Unwrap() {
			parts = append(parts, withHints(e))
		}
		return strings.Join(parts, "\n")
	}
	if k, ok := err.(*pipeline.KeyError); ok && k.Hint != "" {
		return k.Error() + "; " + k.Hint
	}
	return err.Error()
}

// What Fit learnt survives its binary form, keeps ⌈share·n⌉ of each label whatever the order, and is the best of them.
func TestTopLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "n")
		share := rapid.Float64Range(0.01, 1).Draw(rt, "share")
		var rs []*schemas.Record
		for i := range n {
			rs = append(rs, &schemas.Record{ID: schemas.SeedID("s", int64(i)), Text: "x", Labels: []string{rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "label")},
				Scores: map[string]float64{"q": float64(rapid.IntRange(0, 5).Draw(rt, "q"))}})
		}
		kept := func(rs []*schemas.Record) map[string][]string {
			f := open(t, "top", fmt.Sprintf("{by: scores.q, share: %g, per_label: true}", share), rs, nil, nil)
			b, err := f.(encoding.BinaryMarshaler).MarshalBinary()
			if err != nil {
				rt.Fatal(err)
			}
			again := Catalog["top"]().(*Top)
			again.by = f.(*Top).by
			again.PerLabel = true
			if err := again.UnmarshalBinary(b); err != nil {
				rt.Fatal(err)
			}
			m := map[string][]string{}
			worst, refused := map[string]float64{}, map[string]float64{}
			for _, r := range rs {
				v, err := again.Judge(t.Context(), r)
				if err != nil {
					rt.Fatal(err)
				}
				q := r.Scores["q"]
				if v.Reason == "" {
					m[r.Label()] = append(m[r.Label()], r.ID.String())
					if w, ok := worst[r.Label()]; !ok || q < w {
						worst[r.Label()] = q
					}
				} else if w, ok := refused[r.Label()]; !ok || q > w {
					refused[r.Label()] = q
				}
			}
			for l, q := range refused {
				if q > worst[l] {
					rt.Fatalf("%s: refused %g, kept %g", l, q, worst[l])
				}
			}
			for l := range m {
				slices.Sort(m[l])
			}
			return m
		}
		first := kept(rs)
		total := map[string]int{}
		for _, r := range rs {
			total[r.Label()]++
		}
		for l, all := range total {
			want := int(share * float64(all))
			if float64(want) < share*float64(all) {
				want++
			}
			if len(first[l]) != want {
				rt.Fatalf("%s: kept %d of %d at share %g, want %d", l, len(first[l]), all, share, want)
			}
		}
		shuffled := slices.Clone(rs)
		rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if d := cmp.Diff(first, kept(shuffled)); d != "" {
			rt.Fatal(d)
		}
	})
}

// The index finds what a search over all seeds finds.
func TestSeedCopyIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 40)
		var pool []*schemas.Record
		for i := range rapid.IntRange(1, 4).Draw(rt, "seeds") {
			pool = append(pool, &schemas.Record{ID: schemas.SeedID("p", int64(i)), Text: strings.Join(words.Draw(rt, "seed"), " ")})
		}
		out := words.Draw(rt, "out")
		r := record(strings.Join(out, " "))
		r.Origin.Depth = 1
		v, err := open(t, "seedcopy", "", nil, pool, nil).Judge(t.Context(), r)
		if err != nil {
			rt.Fatal(err)
		}
		want := false
		for _, p := range pool {
			seed := strings.Fields(p.Text)
			n := min(gramSize, len(out))
			covered := 0
			for i := 0; n > 0 && i+n <= len(out); i++ {
				if holds(seed, out[i:i+n], n < gramSize) {
					covered++
				}
			}
			want = want || covered > 0 && float64(covered) >= 0.5*float64(max(1, len(out)-gramSize+1))
			for i := 0; i+12 <= len(out); i++ {
				want = want || holds(seed, out[i:i+12], false)
			}
		}
		if want != (v.Reason == "seed_copy") {
			rt.Fatalf("%v: %+v, want a copy: %v of %v", out, v, want, pool[0].Text)
		}
	})
}

// holds: the run stands in seed, or is all of it.
func holds(seed, run []string, whole bool) bool {
	if whole {
		return slices.Equal(seed, run)
	}
	for i := 0; i+len(run) <= len(seed); i++ {
		if slices.Equal(seed[i:i+len(run)], run) {
			return true
		}
	}
	return false
}

// The detector walks maps: equal texts must still get equal verdicts.
func TestLanguageIsDeterministic(t *testing.T) {
	f := open(t, "language", "{allow: [en], short: 0, min: 0, column: lang}", nil, nil, nil)
	for _, s := range []string{"qx zv wk", "a", "le la", "den det", "Hej, hur mår du idag?", "x y z x y z"} {
		first, err := f.Judge(t.Context(), record(s))
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			again, _ := f.Judge(t.Context(), record(s))
			if d := cmp.Diff(first, again); d != "" {
				t.Fatalf("%q\n%s", s, d)
			}
		}
	}
}

// Many workers at once judge as one does.
func TestConcurrent(t *testing.T) {
	pool := []*schemas.Record{record("a b c d e f g h i j k l m n")}
	var rs []*schemas.Record
	for i := range 12 {
		r := record(strings.Repeat("word number "+fmt.Sprint(i%5)+" ", 6*i) + "a b c d e f g h i j k")
		r.Origin.Depth = 1
		rs = append(rs, r)
	}
	for method, config := range map[string]string{"repetition": "", "seedcopy": "", "language": "", "length": "min: 100", "expr": "keep: 'words > 30'"} {
		f := open(t, method, config, rs, pool, nil)
		var want []pipeline.Verdict
		for _, r := range rs {
			v, err := f.Judge(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, v)
		}
		var wg sync.WaitGroup
		for i := range 4 * len(rs) {
			wg.Go(func() {
				v, err := f.Judge(t.Context(), rs[i%len(rs)])
				if d := cmp.Diff(want[i%len(rs)], v); d != "" || err != nil {
					t.Errorf("%s: %v\n%s", method, err, d)
				}
			})
		}
		wg.Wait()
	}
}

// The keyless model's answers are grades.
func TestJudgeEcho(t *testing.T) {
	ms, err := llm.NewModels(map[string]llm.Spec{"writer": {Provider: llm.Echo}}, llm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ms.Close()
	m, err := ms.Model("writer", "filters/judge")
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, "judge", "{model: writer, rubric: 'Best: it rhymes. Worst: it does not.', min: 0}", nil, nil, m)
	v, err := f.Judge(t.Context(), record("roses are red and violets are blue"))
	if err != nil || v.Reason != "" || v.Columns["judge_reason"] == "" || len(v.Answers) != 1 || v.Answers[0].Key == "" {
		t.Errorf("%+v, %v", v, err)
	}
	if s, ok := v.Scores["judge"]; !ok || s < 0 || s > 1 {
		t.Error(v.Scores)
	}
}
