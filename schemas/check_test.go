package schemas

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func checkSchema() *Schema {
	return &Schema{Kind: Labeled, Labels: []string{"a", "b"}, Scores: []string{"q"}, Columns: []Column{
		{"n", Type{Kind: Int}}, {"f", Type{Kind: Float}},
		{"meta", Type{Kind: Struct, Fields: []Column{{"tags", Type{Kind: List, Elem: &Type{Kind: String}}}}}},
	}}
}

// TestCheckRecord breaks one thing at a time; each has its own words, the id and the path of the column.
func TestCheckRecord(t *testing.T) {
	fine := func() *Record {
		return &Record{ID: SeedID("s", 1), Text: "x", Labels: []string{"a"}, Columns: map[string]any{"n": int64(1), "meta": map[string]any{"tags": []any{"x", nil}}},
			Scores: map[string]float64{"q": 0}}
	}
	if err := checkSchema().CheckRecord(fine()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		breaks func(r *Record)
		want   string
	}{
		{func(r *Record) { r.Labels = nil }, "column label: want one label, got []"},
		{func(r *Record) { r.Labels = []string{"z"} }, `column label: "z" is not among the declared labels`},
		{func(r *Record) { r.Labels = []string{"a", "b"} }, "column label: want one label"},
		{func(r *Record) { r.Messages = []Message{{}} }, "column messages: a record of kind labeled cannot have it"},
		{func(r *Record) { r.Text = "\xff" }, "column text: the text is not valid UTF-8"},
		{func(r *Record) { r.Origin.Source = "\xff" }, "column origin.source: the text is not valid UTF-8"},
		{func(r *Record) { r.Columns["n"] = "1" }, `column n: want int, got string "1"`},
		{func(r *Record) { r.Columns["n"] = 3.7 }, "column n: want int, got float 3.7"},
		{func(r *Record) { r.Columns["n"] = 3 }, "column n: Go type int is not a column value"},
		{func(r *Record) { r.Columns["f"] = math.NaN() }, "column f: NaN is not a number that can be stored"},
		{func(r *Record) { r.Columns["new"] = nil }, "column new: not in the schema"},
		{func(r *Record) { r.Columns["meta"] = map[string]any{"tags": []any{"x", true}} }, "column meta.tags[1]: want string, got bool true"},
		{func(r *Record) { r.Columns["meta"] = map[string]any{"tag": nil} }, `column meta: unknown field "tag"`},
		{func(r *Record) { r.Columns["meta"] = map[string]any{"tags": []any{"\xff"}} }, "column meta.tags[0]: the text is not valid UTF-8"},
		{func(r *Record) { r.Scores["q"] = math.Inf(1) }, "column scores.q: +Inf is not a number that can be stored"},
		{func(r *Record) { r.Scores["p"] = 1 }, "column scores.p: not in the schema"},
	} {
		r := fine()
		c.breaks(r)
		err := checkSchema().CheckRecord(r)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), r.ID.String()) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestWriterRefuses pins that a bad row late in a file spoils neither the file nor the rows of other calls, in any format.
func TestWriterRefuses(t *testing.T) {
	s := checkSchema()
	good := newRandom(1).records(&Schema{Kind: Labeled}, 3000)
	for _, r := range good {
		r.Labels = []string{"a"}
	}
	for _, format := range Formats() {
		var b bytes.Buffer
		w, err := NewWriter(format, &b, s, WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(good[:2000]); err != nil {
			t.Fatal(err)
		}
		bad := good[2000].Clone()
		bad.Columns = map[string]any{"n": "not a number"}
		err = w.Write([]*Record{good[2001], bad})
		if err == nil || !strings.Contains(err.Error(), bad.ID.String()) || !strings.Contains(err.Error(), "column n: want int") {
			t.Fatalf("%s: a wrong type in row 2001 gives %v", format, err)
		}
		if err := w.Write(good[2000:]); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err == nil {
			t.Errorf("%s: a second Close is no error", format)
		}
		same(t, good, readAll(t, put(t, "x."+format, b.Bytes()), s))
	}
}

func TestValidate(t *testing.T) {
	str := Type{Kind: String}
	for _, c := range []struct {
		s    Schema
		want string
	}{
		{Schema{}, `unknown kind of records ""`},
		{Schema{Kind: Text, Columns: []Column{{"id", str}}}, "taken by the record id"},
		{Schema{Kind: Text, Columns: []Column{{"text", str}}}, "taken by the content"},
		{Schema{Kind: Chat, Columns: []Column{{"text", str}}}, ""},
		{Schema{Kind: Text, Columns: []Column{{"a", str}, {"a", str}}}, "taken by another column"},
		{Schema{Kind: Text, Columns: []Column{{"reject_x", str}}}, "belong to rejects"},
		{Schema{Kind: Text, Columns: []Column{{"", str}}}, "a name is missing"},
		{Schema{Kind: Text, Columns: []Column{{"a", Type{Kind: List}}}}, "column a: a list needs the type"},
		{Schema{Kind: Text, Columns: []Column{{"a", Type{Kind: List, Elem: &Type{Kind: Struct}}}}}, "column a[]: a struct needs at least one field"},
		{Schema{Kind: Text, Columns: []Column{{"a", Type{Kind: Struct, Fields: []Column{{"x", str}, {"x", str}}}}}}, `field "x" occurs twice`},
		{Schema{Kind: Text, Columns: []Column{{"a", Type{Kind: "date"}}}}, `unknown type "date"`},
		{Schema{Kind: Text, Scores: []string{"b", "a"}}, "must be sorted"},
	} {
		err := c.s.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: got %v, want %q", c.s, err, c.want)
		}
	}
}

func TestClean(t *testing.T) {
	shared := []any{"ok", map[string]any{"x": "\xff"}}
	r := &Record{Text: "caf\xe9", Labels: []string{"ok", "\xff"}, Messages: []Message{{Content: "fine", ToolCalls: []ToolCall{{Arguments: "\xc0"}}}},
		Columns: map[string]any{"a": shared, "b": "b\xff\xfeb", "c": int64(1)}}
	s := &Schema{Kind: Text}
	if n := s.Clean(r); n != 5 {
		t.Errorf("repaired %d strings, want 5", n)
	}
	same(t, &Record{Text: "caf\ufffd", Labels: []string{"ok", "\ufffd"}, Messages: []Message{{Content: "fine", ToolCalls: []ToolCall{{Arguments: "\ufffd"}}}},
		Columns: map[string]any{"a": []any{"ok", map[string]any{"x": "\ufffd"}}, "b": "b\ufffdb", "c": int64(1)}}, r)
	same(t, []any{"ok", map[string]any{"x": "\xff"}}, shared)
	if n := s.Clean(r); n != 0 {
		t.Errorf("a clean record has %d repairs", n)
	}
}

// TestLateNull writes a column that is null for the first time after many rows, and one that is not null for the
// first time then.
func TestLateNull(t *testing.T) {
	s := &Schema{Kind: Text, Columns: []Column{{"early", Type{Kind: Int}}, {"late", Type{Kind: Struct, Fields: []Column{{"x", Type{Kind: List, Elem: &Type{Kind: Bool}}}}}}}}
	var rs []*Record
	for i := range 5000 {
		r := &Record{ID: SeedID("s", int64(i)), Text: "x", Columns: map[string]any{"early": int64(0)}, Origin: Origin{Source: "s", Row: int64(i)}}
		if i >= 4999 {
			r.Columns = map[string]any{"late": map[string]any{"x": []any{}}}
		}
		rs = append(rs, r)
	}
	for _, format := range Formats() {
		same(t, rs, readAll(t, writeShard(t, format, s, WriteOptions{RowGroupBytes: 100 << 10}, rs), s))
	}
}
