package expr

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/pipeline/prompt"
	"sluice/schemas"
)

func sample() *schemas.Record {
	return &schemas.Record{
		ID: schemas.SeedID("s", 1), Text: "my card has not come", Labels: []string{"card"},
		Columns: map[string]any{"stars": int64(4), "price": 2.5, "ok": true, "tags": []any{"a", "b"}, "meta": map[string]any{"k": "v"}, "gone": nil},
		Scores:  map[string]float64{"judge": .8},
		Origin:  schemas.Origin{Source: "seeds.jsonl", Row: 1, Depth: 1, Model: "writer"},
	}
}

var schema = &schemas.Schema{Kind: schemas.Labeled, Scores: []string{"judge"}, Columns: []schemas.Column{
	{Name: "stars", Type: schemas.Type{Kind: schemas.Int}}, {Name: "price", Type: schemas.Type{Kind: schemas.Float}},
	{Name: "ok", Type: schemas.Type{Kind: schemas.Bool}}, {Name: "gone", Type: schemas.Type{Kind: schemas.Int}},
	{Name: "tags", Type: schemas.Type{Kind: schemas.List, Elem: &schemas.Type{Kind: schemas.String}}},
	{Name: "meta", Type: schemas.Type{Kind: schemas.Struct, Fields: []schemas.Column{{Name: "k", Type: schemas.Type{Kind: schemas.String}}}}},
}}

func TestValue(t *testing.T) {
	for src, want := range map[string]any{
		`words`:                        int64(5),
		`chars + 1`:                    int64(21),
		`label == "card" && ok`:        true,
		`scores.judge > 0.5`:           true,
		`stars * 2 + price`:            10.5,
		`"b" in tags`:                  true,
		`meta.k + "!"`:                 "v!",
		`columns["stars"]`:             int64(4),
		`origin.depth == 1`:            true,
		`gone ?? 7`:                    int64(7),
		`text matches "^my .*come$"`:   true,
		`upper(text)`:                  "MY CARD HAS NOT COME",
		`map(tags, # + "x")`:           []any{"ax", "bx"},
		`let n = stars; n > 3 ? 1 : 0`: int64(1),
		`labels`:                       []any{"card"},
		`gone`:                         nil,
	} {
		for _, f := range []Fields{{Schema: schema}, {}} {
			p, err := Compile(src, Any, f)
			if err != nil {
				t.Errorf("%s: %v", src, err)
				continue
			}
			got, err := p.Value(sample())
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("%s: %v\n%s", src, err, d)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		src  string
		want Want
		part string
	}{
		{"texr == 1", Bool, "expression 1:1: unknown name \"texr\"; did you mean \"text\"?\n  texr == 1\n  ^"},
		{"stars >\n  scores.jugde", Bool, "expression 2:10: unknown name \"jugde\"; did you mean \"judge\"?"},
		{"origin.modle == 'x'", Bool, `did you mean "model"?`},
		{"text > 3", Bool, "expression 1:6: invalid operation"},
		{"words", Bool, "expected bool"},
		{"text", Number, "expected float64"},
		{"words >", Bool, "expression 1:"},
		{"now()", Any, "now"},
		{strings.Repeat("1+", 2000) + "1", Any, "exceeds"},
	} {
		_, err := Compile(c.src, c.want, Fields{Schema: schema})
		if err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%.40s:\n got %v\nwant %s", c.src, err, c.part)
		}
	}
	for src, part := range map[string]string{
		"gone > 3":                      "give it a default with ??",
		"len(map(1..999999, 1..9)) > 0": "memory budget exceeded",
		"1 / 0.0":                       "cannot be stored",
	} {
		p, err := Compile(src, Any, Fields{Schema: schema})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if v, err := p.Value(sample()); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s = %v: got %v, want %s", src, v, err, part)
		}
	}
}

func TestNames(t *testing.T) {
	p, err := Compile(`let k = words; any(tags, # == label) && k > len(text) && scores.judge > 0`, Bool, Fields{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"label", "scores", "tags", "text", "words"}, p.Names()); d != "" {
		t.Error(d)
	}
}

// Templates and expressions see the same names, and Known lists them all.
func TestVarsAreKnown(t *testing.T) {
	known, ok := Known(Fields{Schema: schema})
	if !ok {
		t.Fatal("a schema was given")
	}
	vars := Vars(sample())
	for name := range vars {
		tpl, err := prompt.Parse("p", "{{ "+name+" }}")
		if err != nil {
			t.Fatal(err)
		}
		if err := tpl.Check(known); err != nil {
			t.Error(err)
		}
		if _, err := tpl.Render(vars); err != nil {
			t.Error(err)
		}
	}
	for _, k := range known {
		base, _, _ := strings.Cut(k, ".")
		if _, ok := vars[base]; !ok {
			t.Errorf("%s is known but no variable", k)
		}
	}
}

func BenchmarkCondition(b *testing.B) {
	p, err := Compile(`label == "card" && scores.judge > 0.5 && stars >= 3`, Bool, Fields{Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	r := sample()
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Bool(r); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
