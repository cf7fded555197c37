package rows

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/cmd/internal/terminal"
	"sluice/schemas"
)

// Every value comes back from the JSON as the standard library reads it, and floats stay floats.
func TestValuesAsJSON(t *testing.T) {
	value := map[string]any{
		"text": "quote \" slash \\ line\n tab\t bell\a del\x7f \u2028 中😀 <b>&", "none": nil, "yes": true, "int": int64(-9007199254740993),
		"list": []any{"a", int64(1), 0.5, []any{}}, "struct": map[string]any{"b": "x", "a": ""},
	}
	b := AppendValue(nil, value)
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var got any
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	want := map[string]any{
		"text": value["text"], "none": nil, "yes": true, "int": json.Number("-9007199254740993"),
		"list": []any{"a", json.Number("1"), json.Number("0.5"), []any{}}, "struct": map[string]any{"b": "x", "a": ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for f, want := range map[float64]string{3: "3.0", 0.1: "0.1", 1e21: "1e+21", -0.25: "-0.25", 1e6: "1e+06"} {
		if got := string(AppendValue(nil, f)); got != want {
			t.Errorf("%v is written as %s, want %s", f, got, want)
		}
	}
}

func example() *schemas.Record {
	seed := schemas.SeedID("seeds.jsonl", 3)
	return &schemas.Record{
		ID: schemas.MadeID(seed, "generators/eda", 0, 1), Text: "Why?", Labels: []string{"billing"},
		Columns: map[string]any{"tags": []any{"a", "b"}, "stars": int64(4)}, Scores: map[string]float64{"judge": 0.75},
		Origin: schemas.Origin{Source: "seeds.jsonl", Row: 3, Depth: 1, Parents: []schemas.ID{seed}, Stage: "generators/eda"},
	}
}

var exampleSchema = &schemas.Schema{
	Kind: schemas.Labeled, Scores: []string{"judge", "other"},
	Columns: []schemas.Column{
		{Name: "tags", Type: schemas.Type{Kind: schemas.List, Elem: &schemas.Type{Kind: schemas.String}}},
		{Name: "stars", Type: schemas.Type{Kind: schemas.Int}},
	},
}

func TestColumns(t *testing.T) {
	r := example()
	names := []string{"label", "stars", "tags", "scores.judge", "scores.other", "origin.depth", "origin.parent", "origin.model", "reject_reason", "reject_owner"}
	cs, err := Select(Columns(exampleSchema, true), names)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for _, c := range cs {
		got = append(got, c.Get(Row{r, &schemas.Reject{Record: r, Reason: "too_short"}}))
	}
	want := []any{"billing", int64(4), []any{"a", "b"}, 0.75, nil, int64(1), r.Origin.Parents[0].String(), nil, "too_short", nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = Select(Columns(exampleSchema, false), []string{"reject_reason"})
	if e, ok := err.(*UnknownColumn); !ok || e.Name != "reject_reason" {
		t.Errorf("accepted rows have a column of rejects: %v", err)
	}
}

func TestPickConditions(t *testing.T) {
	r := example()
	where := func(src string, rejects bool) Pick {
		p, err := Where(src, exampleSchema, rejects)
		if err != nil {
			t.Fatal(err)
		}
		return Pick{Where: p}
	}
	x := &schemas.Reject{Record: r, Stage: "filters/length", Reason: "too_short", Reasons: []string{"too_short", "no_vowel"}}
	for _, c := range []struct {
		name string
		pick Pick
		row  Row
		want bool
	}{
		{"all", Pick{}, Row{Record: r}, true},
		{"label", Pick{Labels: []string{"refund", "billing"}}, Row{Record: r}, true},
		{"other label", Pick{Labels: []string{"refund"}}, Row{Record: r}, false},
		{"made", Pick{Made: true}, Row{Record: r}, true},
		{"seed", Pick{Made: true}, Row{Record: &schemas.Record{}}, false},
		{"made by", Pick{Stage: "generators/eda"}, Row{Record: r}, true},
		{"taken out by its maker", Pick{Stage: "generators/eda"}, Row{r, x}, false},
		{"taken out by", Pick{Stage: "filters/length"}, Row{r, x}, true},
		{"reason", Pick{Reason: "too_short"}, Row{r, x}, true},
		{"one of the reasons", Pick{Reason: "no_vowel"}, Row{r, x}, true},
		{"other reason", Pick{Reason: "too_long"}, Row{r, x}, false},
		{"condition", where("stars > 3 && scores.judge > 0.7", false), Row{Record: r}, true},
		{"condition of rejects", where(`reject_reason == "too_short" && stars == 4`, true), Row{r, x}, true},
		{"null is not true", where("scores.other > 0.5", false), Row{Record: r}, false},
	} {
		got, err := c.pick.means(c.row)
		if got != c.want && (err == nil || c.want) {
			t.Errorf("%s: %v, want %v (%v)", c.name, got, c.want, err)
		}
	}
	if r.Columns["reject_reason"] != nil {
		t.Error("the record itself was changed")
	}
}

// No row, whatever it holds, writes more than its lines, and no line is wider than the terminal.
func TestCardsAreHarmless(t *testing.T) {
	bad := "\x1b[2J\r\u202e" + strings.Repeat("中", 200) + "\nsecond"
	r := &schemas.Record{
		Text: bad, Labels: []string{bad}, Columns: map[string]any{bad: bad}, Scores: map[string]float64{bad: 1},
		Origin: schemas.Origin{Source: bad, Stage: bad, Depth: 1},
	}
	chat := &schemas.Record{Messages: []schemas.Message{{Role: bad, Name: bad, Content: bad, ToolCalls: []schemas.ToolCall{{Name: bad, Arguments: bad}}}}}
	for _, row := range []Row{{Record: r}, {Record: chat}, {r, &schemas.Reject{Record: r, Stage: bad, Reason: bad, Detail: bad, Reasons: []string{bad, bad}}}} {
		for _, columns := range [][]Column{nil, Columns(&schemas.Schema{Kind: schemas.Labeled}, false)} {
			var b strings.Builder
			c := &Cards{Width: 60, Lines: 3, Columns: columns}
			if err := c.Write(&b, row); err != nil {
				t.Fatal(err)
			}
			for line := range strings.SplitSeq(b.String(), "\n") {
				if terminal.Escape(line) != line {
					t.Errorf("hostile line %q", line)
				}
			}
		}
	}
	var b strings.Builder
	c := &Cards{Width: 60, Lines: 3}
	if err := c.Write(&b, Row{Record: &schemas.Record{Text: bad}}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if terminal.Columns(line) > 60 {
			t.Errorf("%d columns: %q", terminal.Columns(line), line)
		}
	}
	if !strings.Contains(b.String(), "more lines") {
		t.Errorf("a long text was not cut:\n%s", b.String())
	}
}
