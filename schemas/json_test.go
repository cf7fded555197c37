package schemas

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordJSON pins the JSON form that JSONL shards and behaviour files have.
func TestRecordJSON(t *testing.T) {
	id := ID{0: 1}
	for _, c := range []struct {
		r    *Record
		want string
	}{
		{&Record{}, `{}`},
		{&Record{Text: "a\n\"b\"", Labels: []string{"x"}}, `{"text":"a\n\"b\"","label":"x"}`},
		{&Record{ID: id, Text: "a", Labels: []string{"x", "y"}, Columns: map[string]any{"z": 3.0, "a": int64(3), "m": map[string]any{"k": []any{nil, true, 1e300}}},
			Scores: map[string]float64{"q": 0.5, "p": 0}, Origin: Origin{Source: "s", Parents: []ID{id}, Depth: 1, Estimated: true}},
			`{"id":"01000000000000000000000000000000","text":"a","labels":["x","y"],"a":3,"m":{"k":[null,true,1e+300]},"z":3.0,"scores":{"p":0.0,"q":0.5},` +
				`"origin":{"source":"s","row":0,"depth":1,"parents":["01000000000000000000000000000000"],"estimated":true}}`},
		{&Record{Messages: []Message{{Role: "user", Content: ""}, {Role: "assistant", ToolCalls: []ToolCall{{Name: "f", Arguments: "{}"}}}}},
			`{"messages":[{"role":"user","content":""},{"role":"assistant","content":"","tool_calls":[{"name":"f","arguments":"{}"}]}]}`},
	} {
		b, err := c.r.AppendJSON(nil)
		if err != nil || string(b) != c.want {
			t.Errorf("got  %s %v\nwant %s", b, err, c.want)
		}
		r, err := DecodeRecord(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.r, r)
	}
}

func TestDecodeRecordErrors(t *testing.T) {
	s := checkSchema()
	for in, want := range map[string]string{
		`{"text":1}`:                                  "column text: want string, got int 1",
		`{"label":"a","n":"1"}`:                       `column n: want int, got string "1"`,
		`{"label":"a","n":1.0}`:                       "column n: want int, got float 1",
		`{"label":"a","new":1}`:                       "column new: unknown",
		`{"label":"a","scores":{"p":1}}`:              "column scores.p: not in the schema",
		`{"label":"a","scores":3}`:                    "column scores: want struct, got int 3",
		`{"label":"a","origin":{"when":1}}`:           "column origin.when: unknown",
		`{"label":"a","origin":{"parents":["x"]}}`:    `column origin.parents[0]: record id "x"`,
		`{"id":"x"}`:                                  `column id: record id "x": want 32 hexadecimal digits`,
		`{"messages":[{"role":"user","text":"x"}]}`:   "column messages[0].text: unknown",
		`{"messages":[{"role":3}]}`:                   "column messages[0].role: want string, got int 3",
		`{"messages":["x"]}`:                          `column messages[0]: want struct, got string "x"`,
		`{"label":"a","meta":{"tags":["x",["y"]]}}`:   "column meta.tags[1]: want string, got a list",
		`{"label":"a","f":1,"n":9223372036854775808}`: "column n: want int, got float",
		`{"text":"a"}`:                                "column label: want one label",
		`{"label":"a",`:                               "ends early",
		`[]`:                                          "want a JSON object",
	} {
		if _, err := DecodeRecord([]byte(in), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
	r, err := DecodeRecord([]byte(`{"label":"a","f":1}`), s)
	if err != nil || r.Columns["f"] != 1.0 {
		t.Errorf("a whole number in a float column gives %v %v", r, err)
	}
}

// FuzzRoundTrip makes any record that JSON can describe go through Parquet and JSONL and come back the same.
func FuzzRoundTrip(f *testing.F) {
	rnd := newRandom(2)
	s := &Schema{Kind: Chat, Scores: []string{"q"}, Columns: []Column{
		{"f", Type{Kind: Float}}, {"m", Type{Kind: Struct, Fields: []Column{{"t", Type{Kind: List, Elem: &Type{Kind: List, Elem: &Type{Kind: String}}}}, {"b", Type{Kind: Bool}}}}},
	}}
	for i := range 20 {
		b, err := rnd.record(s, i).AppendJSON(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := DecodeRecord(line, s)
		if err != nil {
			return
		}
		for _, format := range []string{"parquet", "jsonl"} {
			var b bytes.Buffer
			w, err := NewWriter(format, &b, s, WriteOptions{Compression: "none"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write([]*Record{r, r}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "x."+format)
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			got := readAll(t, path, s)
			normal(s, r)
			for _, g := range got {
				normal(s, g)
			}
			same(t, []*Record{r, r}, got)
		}
	})
}

// normal gives structs all their fields and drops what is empty: on disk, absent and null are one.
func normal(s *Schema, r *Record) {
	for _, c := range s.Columns {
		if v, ok := r.Columns[c.Name]; ok {
			r.Columns[c.Name] = full(c.Type, v)
		}
	}
	if len(r.Columns) == 0 {
		r.Columns = nil
	}
	if len(r.Origin.Parents) == 0 {
		r.Origin.Parents = nil
	}
}
