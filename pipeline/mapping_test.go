package pipeline

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/schemas"
)

// sourceRows returns the rows of a source of a single file. Its schema is inferred from text; late comes behind.
func sourceRows(t *testing.T, name, text, late, spec string) (*Recipe, []SourceRow) {
	t.Helper()
	dir := writeFiles(t, map[string]string{name: text})
	r, src := openTestSource(t, dir, spec)
	appendFile(t, filepath.Join(dir, name), late)
	var rows []SourceRow
	for row, err := range src.Read(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Record != nil {
			if err := r.Schema.CheckRecord(row.Record); err != nil {
				t.Errorf("a record cannot be stored: %v", err)
			}
		} else if err := r.Schema.CheckReject(row.Bad); err != nil {
			t.Errorf("a reject cannot be stored: %v", err)
		}
		rows = append(rows, row)
	}
	return r, rows
}

// TestMapping reads one row of each shape that training data comes in.
func TestMapping(t *testing.T) {
	user, assistant := func(s string) schemas.Message { return schemas.Message{Role: "user", Content: s} }, func(s string) schemas.Message { return schemas.Message{Role: "assistant", Content: s} }
	for _, c := range []struct {
		name, row, spec string
		kind            schemas.Kind
		want            schemas.Record
	}{
		{"text", `{"text": "a", "n": 1}`, `{path: in.jsonl}`, schemas.Text,
			schemas.Record{Text: "a", Columns: map[string]any{"n": int64(1)}}},
		{"label", `{"question": "a", "intent": "x", "text": "b", "id": 5}`, `{path: in.jsonl, map: {text: question, label: intent}}`, schemas.Labeled,
			schemas.Record{Text: "a", Labels: []string{"x"}, Columns: map[string]any{"source_text": "b", "source_id": int64(5)}}},
		{"label by number", `{"text": "a", "label": 1}`, `{path: in.jsonl, labels: [no, yes]}`, schemas.Labeled,
			schemas.Record{Text: "a", Labels: []string{"yes"}}},
		{"number as label", `{"text": "a", "label": 1}`, `{path: in.jsonl}`, schemas.Labeled,
			schemas.Record{Text: "a", Labels: []string{"1"}}},
		{"labels", `{"text": "a", "labels": ["x", 2]}`, `{path: in.jsonl}`, schemas.Multi,
			schemas.Record{Text: "a", Labels: []string{"x", "2"}}},
		{"label as column", `{"text": "a", "label": "x"}`, `{path: in.jsonl, kind: text}`, schemas.Text,
			schemas.Record{Text: "a", Columns: map[string]any{"label": "x"}}},
		{"renamed", `{"text": "a", "Star Rating": 4}`, `{path: in.jsonl, map: {columns: {stars: "Star Rating"}}, columns: {stars: float}}`, schemas.Text,
			schemas.Record{Text: "a", Columns: map[string]any{"stars": float64(4)}}},
		{"chat", `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]}, {"role": "tool", "tool_call_id": "c1", "name": "f", "content": [{"type": "text", "text": "42"}]}]}`,
			`{path: in.jsonl}`, schemas.Chat, schemas.Record{Messages: []schemas.Message{user("q"),
				{Role: "assistant", ToolCalls: []schemas.ToolCall{{ID: "c1", Name: "f", Arguments: `{"x":1}`}}},
				{Role: "tool", Name: "f", Content: "42", ToolCallID: "c1"}}}},
		{"ShareGPT", `{"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}`,
			`{path: in.jsonl, map: {messages: conversations}}`, schemas.Chat,
			schemas.Record{Messages: []schemas.Message{{Role: "system", Content: "s"}, user("q"), assistant("a")}}},
		{"preference", `{"prompt": "q", "chosen": "good", "rejected": "bad"}`, `{path: in.jsonl}`, schemas.Preference,
			schemas.Record{Prompt: []schemas.Message{user("q")}, Chosen: []schemas.Message{assistant("good")}, Rejected: []schemas.Message{assistant("bad")}}},
		{"preference without prompt", `{"chosen": "good", "rejected": "bad"}`, `{path: in.jsonl}`, schemas.Preference,
			schemas.Record{Chosen: []schemas.Message{assistant("good")}, Rejected: []schemas.Message{assistant("bad")}}},
		{"prompt within the answers", `{"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "good"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}]}`,
			`{path: in.jsonl}`, schemas.Preference,
			schemas.Record{Prompt: []schemas.Message{user("q")}, Chosen: []schemas.Message{assistant("good")}, Rejected: []schemas.Message{assistant("bad")}}},
		{"transcripts", `{"chosen": "\n\nHuman: q\n\nAssistant: a\n\nHuman: more\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: a\n\nHuman: more\n\nAssistant: bad\n\nly: so"}`,
			`{path: in.jsonl}`, schemas.Preference,
			schemas.Record{Prompt: []schemas.Message{user("q"), assistant("a"), user("more")}, Chosen: []schemas.Message{assistant("good")}, Rejected: []schemas.Message{assistant("bad\n\nly: so")}}},
		{"nested", `{"text": "a", "meta": {"tags": ["x"], "score": 1, "gone": null}}`, `{path: in.jsonl, columns: {meta: "struct<tags: list<string>, score: float>"}}`, schemas.Text,
			schemas.Record{Text: "a", Columns: map[string]any{"meta": map[string]any{"tags": []any{"x"}, "score": float64(1)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, rows := sourceRows(t, "in.jsonl", c.row+"\n", "", c.spec)
			if r.Schema.Kind != c.kind || len(rows) != 1 || rows[0].Record == nil {
				t.Fatalf("kind %s, rows %+v", r.Schema.Kind, rows)
			}
			got := *rows[0].Record
			got.ID, got.Origin = schemas.ID{}, schemas.Origin{}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMappingRejects: each row that does not fit has its reason, and what is right about it is kept.
func TestMappingRejects(t *testing.T) {
	for _, c := range []struct{ spec, good, bad, reason, detail string }{
		{`{path: in.jsonl}`, `{"text": "a", "n": 1}`, `{"text": "b", "n": "one"}`, "wrong_type", `column n: want int, got text "one"`},
		{`{path: in.jsonl}`, `{"text": "a", "n": 1}`, `{"text": "b", "n": 1.5}`, "wrong_type", "column n: want int, got number 1.5"},
		{`{path: in.jsonl}`, `{"text": "a"}`, `{"text": "b", "m": 1, "k": 2}`, "unknown_column", "column k is not"},
		{`{path: in.jsonl}`, `{"text": "a", "x": {"y": [1]}}`, `{"text": "b", "x": {"y": [true]}}`, "wrong_type", "column x.y[]: want int, got true"},
		{`{path: in.jsonl}`, `{"text": "a", "x": {"y": 1}}`, `{"text": "b", "x": {"z": 1}}`, "unknown_column", "column x.z is not"},
		{`{path: in.jsonl}`, `{"text": "a"}`, `{"text": " "}`, "missing_text", "column text"},
		{`{path: in.jsonl}`, `{"text": "a"}`, `{"text": 5}`, "wrong_type", "whole number 5"},
		{`{path: in.jsonl}`, `{"text": "a"}`, `{"text": "b"`, "malformed", `{\"text\": \"b\"`},
		{`{path: in.jsonl}`, `{"text": "a"}`, `[1]`, "malformed", ""},
		{`{path: in.jsonl, max_line: 100}`, `{"text": "a"}`, `{"text": "` + strings.Repeat("b", 200) + `"}`, "too_long_line", "limit of 100"},
		{`{path: in.jsonl}`, `{"text": "a", "label": "x"}`, `{"text": "b"}`, "missing_label", "column label"},
		{`{path: in.jsonl, labels: [x]}`, `{"text": "a", "label": "x"}`, `{"text": "b", "label": "y"}`, "unknown_label", `"y"`},
		{`{path: in.jsonl, labels: [x]}`, `{"text": "a", "label": 0}`, `{"text": "b", "label": 1}`, "unknown_label", "label 1"},
		{`{path: in.jsonl}`, `{"text": "a", "labels": ["x"]}`, `{"text": "b", "labels": "x"}`, "wrong_type", "column labels"},
		{`{path: in.jsonl}`, `{"messages": [{"role": "user", "content": "a"}]}`, `{"messages": []}`, "missing_messages", "column messages"},
		{`{path: in.jsonl}`, `{"messages": [{"role": "user", "content": "a"}]}`, `{"messages": [{"role": "user", "content": "a"}, {"role": "boss", "content": "b"}]}`, "bad_messages", `column messages[1]: role: "boss"`},
		{`{path: in.jsonl}`, `{"messages": [{"role": "user", "content": "a"}]}`, `{"messages": [{"content": "a"}]}`, "bad_messages", "no role"},
		{`{path: in.jsonl}`, `{"messages": [{"role": "user", "content": "a"}]}`, `{"messages": [{"role": "user", "content": "a", "weight": 1}]}`, "bad_messages", "weight"},
		{`{path: in.jsonl}`, `{"messages": [{"role": "user", "content": "a"}]}`, `{"messages": "hello"}`, "wrong_type", "column messages"},
		{`{path: in.jsonl}`, `{"prompt": "p", "chosen": "a", "rejected": "b"}`, `{"prompt": "p", "chosen": "a"}`, "missing_messages", "column rejected"},
	} {
		_, rows := sourceRows(t, "in.jsonl", c.good+"\n", c.bad+"\n", c.spec)
		if len(rows) != 2 || rows[0].Bad != nil || rows[1].Bad == nil {
			t.Errorf("%s: rows %+v", c.bad, rows)
			continue
		}
		b := rows[1].Bad
		if b.Reason != c.reason || !strings.Contains(b.Detail, c.detail) {
			t.Errorf("%s: got %s: %s; want %s: %s", c.bad, b.Reason, b.Detail, c.reason, c.detail)
		}
		if strings.HasPrefix(c.bad, `{"text": "b", `) && c.reason != "too_long_line" && b.Record.Text != "b" {
			t.Errorf("%s: the text of the rejected row is lost", c.bad)
		}
	}
}

func TestMappingExtraDrop(t *testing.T) {
	_, rows := sourceRows(t, "in.jsonl", "{\"text\": \"a\"}\n", "{\"text\": \"b\", \"x\": 1, \"y\": {\"z\": 2}, \"null\": null}\n", `{path: in.jsonl, extra: drop}`)
	if rows[0].Extra != 0 || rows[1].Extra != 2 || rows[1].Record == nil || len(rows[1].Record.Columns) > 0 {
		t.Errorf("got %+v", rows[1])
	}
}

// TestMappingCSV: a table knows only text, so declared types are read from it.
func TestMappingCSV(t *testing.T) {
	_, rows := sourceRows(t, "in.csv", "text;label;n;ok;x\na;1;7;true;\nb;0;;FALSE;2.5\nc;1;seven;true;1\nd;yes;1;true;1\n", "",
		`{csv: {path: in.csv, delimiter: ";", labels: [no, yes], columns: {n: int, ok: bool, x: float}}}`)
	var got []string
	for _, r := range rows {
		if r.Bad != nil {
			got = append(got, r.Bad.Reason+" "+r.Bad.Detail)
			continue
		}
		b, err := json.Marshal(r.Record.Columns)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Record.Text+" "+r.Record.Label()+" "+string(b))
	}
	want := `a yes {"n":7,"ok":true}|b no {"ok":false,"x":2.5}|wrong_type column n: want int, got text "seven"|d yes {"n":1,"ok":true,"x":1}`
	if g := strings.Join(got, "|"); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

// TestCells reads lists and structs from the cells of CSV, which know only text.
func TestCells(t *testing.T) {
	_, rows := sourceRows(t, "in.csv", "text,labels,tags,at\n"+
		"a,\"4, 27\",\"[\"\"x\"\", \"\"y\"\"]\",\"{\"\"line\"\": 3}\"\n"+
		"b,\"[\"\"4\"\", \"\"odd, one\"\"]\",,\n"+
		"c,,[],{}\n"+
		"d,4,not a list,\n"+
		"e,\"[4\",,\n", "", `{path: in.csv, map: {labels: labels}, columns: {tags: list<string>, at: "struct<line: int>"}}`)
	want := []schemas.Record{
		{Text: "a", Labels: []string{"4", "27"}, Columns: map[string]any{"tags": []any{"x", "y"}, "at": map[string]any{"line": int64(3)}}},
		{Text: "b", Labels: []string{"4", "odd, one"}},
		{Text: "c", Labels: []string{}, Columns: map[string]any{"tags": []any{}, "at": map[string]any{}}},
	}
	for i, w := range want {
		if rows[i].Record == nil {
			t.Fatalf("row %d: %+v", i, rows[i].Bad)
		}
		got := schemas.Record{Text: rows[i].Record.Text, Labels: rows[i].Record.Labels, Columns: rows[i].Record.Columns}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("row %d: %s", i, diff)
		}
	}
	for i, detail := range map[int]string{3: "column tags: want list<string> as JSON", 4: "column labels: the JSON ends early"} {
		if b := rows[i].Bad; b == nil || b.Reason != "wrong_type" || !strings.Contains(b.Detail, detail) {
			t.Errorf("row %d: %+v", i, b)
		}
	}
	_, rows = sourceRows(t, "in.csv", "messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"q\"\"}]\"\n", "", `{path: in.csv, kind: chat}`)
	if got := rows[0].Record; got == nil || len(got.Messages) != 1 || got.Messages[0].Content != "q" {
		t.Errorf("%+v", rows[0])
	}
	_, rows = sourceRows(t, "in.csv", "text,labels\na,x; y\n", "", `{path: in.csv, map: {labels: labels}, label_delimiter: ";"}`)
	if got := rows[0].Record.Labels; len(got) != 2 || got[1] != "y" {
		t.Errorf("%q", got)
	}
}
