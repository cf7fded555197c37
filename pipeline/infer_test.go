package pipeline

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/schemas"
)

func TestInferColumns(t *testing.T) {
	for _, c := range []struct{ rows, want string }{
		{`{"text":"a","n":1}|{"text":"b","n":2.5}`, "text n float"},
		{`{"text":"a","n":null}|{"text":"b","n":2}`, "text n int"},
		{`{"text":"a","n":null}|{"text":"b"}`, "text n string"},
		{`{"text":"a","n":[]}|{"text":"b","n":[1,2.5]}`, "text n list<float>"},
		{`{"text":"a","n":[]}`, "text n list<string>"},
		{`{"text":"a","n":{"b":1,"a":[true]}}|{"text":"b","n":{"c":"x"}}`, "text n struct<a: list<bool>, b: int, c: string>"},
		{`{"text":"a","n":{}}`, "text"},
		{`{"text":"a","z":1,"b":2}`, "text b int z int"},
		{`{"text":"a","origin":"web","reject_it":true}`, "text source_origin string source_reject_it bool"},
		{`{"text":"a","label":null}|{"text":"b","label":"x"}`, "labeled"},
		{`{"messages":[{"role":"user","content":"a"}],"text":"b"}`, "chat text string"},
		{`{"chosen":"a","rejected":"b","prompt":"p","text":"x"}`, "preference text string"},
		{`not json|{"text":"a"}`, "text"},
		{``, "text"},
	} {
		dir := writeFiles(t, map[string]string{"in.jsonl": strings.ReplaceAll(c.rows, "|", "\n")})
		r, _ := openTestSource(t, dir, `{path: in.jsonl}`)
		got := string(r.Schema.Kind)
		for _, col := range r.Schema.Columns {
			got += " " + col.Name + " " + col.Type.String()
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.rows, got, c.want)
		}
	}
}

func TestInferErrors(t *testing.T) {
	for _, c := range []struct{ rows, spec, want, hint string }{
		{`{"text":"a","n":1}|{"text":"b","n":true}`, `{path: in.jsonl}`, "column n is int in one row and bool in another (in.jsonl, row 2", "columns: {n: string}"},
		{`{"text":"a","n":{"x":[1]}}|{"text":"b","n":{"x":["1"]}}`, `{path: in.jsonl}`, "column n.x[] is int", "declare"},
		{`{"text":"a","n":1}`, `{path: in.jsonl, columns: {m: int}}`, "unknown_column: column n", "extra: drop"},
		{`not json|nor this`, `{path: in.jsonl}`, "none of the first 2 rows can be read: in.jsonl, row 1: malformed", ""},
		{`{"instruction":"do it please","n":1}`, `{path: in.jsonl}`, "its columns are instruction, n", "map: {text: instruction}"},
		{`{"conversations":[{"from":"human","value":"a"}]}`, `{path: in.jsonl}`, "conversations", "map: {messages: conversations}"},
		{`{"text":"a"}`, `{path: in.jsonl, map: {label: lable}}`, "no column lable", ""},
		{`{"text":"a","x":1}`, `{path: in.jsonl, map: {columns: {y: z}}}`, "no column z", ""},
	} {
		dir := writeFiles(t, map[string]string{"in.jsonl": strings.ReplaceAll(c.rows, "|", "\n")})
		raw := "sluice: 1\ndataset: out\nsource: " + c.spec + "\n"
		_, err := parse(filepath.Join(dir, "recipe.yaml"), []byte(raw), LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.hint) {
			t.Errorf("%s: got %v; want %q and %q", c.rows, err, c.want, c.hint)
		}
	}
}

// TestLateWrongType: what the first rows promise is kept by all later ones; a row that breaks it costs itself only.
func TestLateWrongType(t *testing.T) {
	var b strings.Builder
	for i := range inferRows + 500 {
		fmt.Fprintf(&b, "{\"text\":\"row %d\",\"n\":%d}\n", i, i)
	}
	late := (`{"text":"late","n":"many"}` + "\n" + `{"text":"later","n":null,"new":1}` + "\n" + `{"text":"last","n":3}` + "\n")
	_, rows := sourceRows(t, "in.jsonl", b.String(), late, `{path: in.jsonl}`)
	n := inferRows + 500
	if rows[n].Bad == nil || rows[n].Bad.Reason != "wrong_type" || rows[n+1].Bad == nil || rows[n+1].Bad.Reason != "unknown_column" {
		t.Errorf("late rows: %+v, %+v", rows[n].Bad, rows[n+1].Bad)
	}
	for i, r := range rows {
		if (r.Bad != nil) != (i == n || i == n+1) {
			t.Errorf("row %d: %+v", i, r.Bad)
		}
	}
}

func TestParseType(t *testing.T) {
	for _, bad := range []string{"", "text", "list", "list<>", "list<int", "struct<>", "struct<a>", "struct<a: int, a: int>", "int>", "int int", "List<int>", strings.Repeat("list<", 99)} {
		if _, err := ParseType(bad); err == nil {
			t.Errorf("ParseType(%q) found a type", bad)
		}
	}
	var gen func(depth int) *rapid.Generator[schemas.Type]
	gen = func(depth int) *rapid.Generator[schemas.Type] {
		return rapid.Custom(func(t *rapid.T) schemas.Type {
			k := rapid.SampledFrom([]schemas.TypeKind{schemas.String, schemas.Int, schemas.Float, schemas.Bool, schemas.List, schemas.Struct}).Draw(t, "kind")
			typ := schemas.Type{Kind: k}
			if depth == 0 && (k == schemas.List || k == schemas.Struct) {
				return schemas.Type{Kind: schemas.Int}
			}
			switch k {
			case schemas.List:
				e := gen(depth-1).Draw(t, "elem")
				typ.Elem = &e
			case schemas.Struct:
				for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
					typ.Fields = append(typ.Fields, schemas.Column{Name: fmt.Sprintf("f-%d", i), Type: gen(depth-1).Draw(t, "field")})
				}
			}
			return typ
		})
	}
	rapid.Check(t, func(rt *rapid.T) {
		typ := gen(3).Draw(rt, "type")
		back, err := ParseType(typ.String())
		if err != nil || back.String() != typ.String() {
			rt.Fatalf("ParseType(%s) = %s, %v", typ, back, err)
		}
	})
}
