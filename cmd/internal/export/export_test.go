package export

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/schemas"
)

func say(pairs ...string) (ms []schemas.Message) {
	for i := 0; i < len(pairs); i += 2 {
		ms = append(ms, schemas.Message{Role: pairs[i], Content: pairs[i+1]})
	}
	return ms
}

func write(t *testing.T, o Options, rs ...*schemas.Record) (string, error) {
	t.Helper()
	var b bytes.Buffer
	w, err := New(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := w.Write(r); err != nil {
			return b.String(), err
		}
	}
	return b.String(), w.Close()
}

var (
	pref  = &schemas.Schema{Kind: schemas.Preference}
	talk  = &schemas.Schema{Kind: schemas.Chat}
	multi = &schemas.Schema{Kind: schemas.Multi}
	qa    = &schemas.Schema{Kind: schemas.Text, Columns: []schemas.Column{
		{Name: "answer", Type: schemas.Type{Kind: schemas.String}}, {Name: "rules", Type: schemas.Type{Kind: schemas.String}},
		{Name: "stars", Type: schemas.Type{Kind: schemas.Int}},
	}}
)

func TestLayouts(t *testing.T) {
	pair := &schemas.Record{Prompt: say("user", "Hi"), Chosen: say("assistant", "Hello"), Rejected: say("assistant", "No")}
	whole := &schemas.Record{Chosen: say("user", "Hi", "assistant", "Hello"), Rejected: say("user", "Hi", "assistant", "No")}
	const dpo = `{"prompt":[{"role":"user","content":"Hi"}],"chosen":[{"role":"assistant","content":"Hello"}],"rejected":[{"role":"assistant","content":"No"}]}` + "\n"
	row := &schemas.Record{Text: "2+2?", Columns: map[string]any{"answer": "4", "rules": "Be brief.", "stars": int64(5)}}
	for _, c := range []struct {
		name string
		o    Options
		r    *schemas.Record
		want string
	}{
		{"pair", Options{Format: "preference", Schema: pref}, pair, dpo},
		{"pair whose prompt is in both sides", Options{Format: "preference", Schema: pref}, whole, dpo},
		{"two unpaired rows", Options{Format: "kto", Schema: pref}, whole, `{"prompt":[{"role":"user","content":"Hi"}],"completion":[{"role":"assistant","content":"Hello"}],"label":true}
{"prompt":[{"role":"user","content":"Hi"}],"completion":[{"role":"assistant","content":"No"}],"label":false}
`},
		{"labels", Options{Format: "classification", Schema: multi}, &schemas.Record{Text: "a", Labels: []string{"y", "x"}}, `{"text":"a","labels":["y","x"]}` + "\n"},
		{"numbered labels", Options{Format: "classification", Schema: multi, Labels: []string{"x", "y"}}, &schemas.Record{Text: "a", Labels: []string{"y", "x"}},
			`{"text":"a","labels":[1,0],"labels_text":["y","x"]}` + "\n"},
		{"no labels", Options{Format: "classification", Schema: multi, Labels: []string{}}, &schemas.Record{Text: "a"}, `{"text":"a","labels":[],"labels_text":[]}` + "\n"},
		{"chat of columns", Options{Format: "chat", Schema: qa, Prompt: "text", Completion: "answer", System: "rules"}, row,
			`{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"2+2?"},{"role":"assistant","content":"4"}]}` + "\n"},
		{"prompt and completion of a chat", Options{Format: "prompt-completion", Schema: talk}, &schemas.Record{Messages: say("user", "a", "assistant", "b", "user", "c", "assistant", "d")},
			`{"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"completion":[{"role":"assistant","content":"d"}]}` + "\n"},
		{"some columns", Options{Format: "jsonl", Schema: qa, Columns: []string{"stars", "text"}}, row, `{"stars":5,"text":"2+2?"}` + "\n"},
		{"table with tabulators", Options{Format: "tsv", Schema: qa, Columns: []string{"text", "stars", "answer", "origin.model"}}, row, "text\tstars\tanswer\torigin.model\n2+2?\t5\t4\t\n"},
		{"empty text and null", Options{Format: "csv", Schema: qa, Columns: []string{"text", "answer"}}, &schemas.Record{}, "text,answer\n\"\",\n"},
	} {
		got, err := write(t, c.o, c.r)
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s", c.name, err, cmp.Diff(c.want, got))
		}
	}
}

// What a layout has no place for is said, and nothing of the row is written.
func TestMisfits(t *testing.T) {
	tool := say("user", "a", "assistant", "b")
	tool[1].ToolCalls = []schemas.ToolCall{{Name: "f", Arguments: "{}"}}
	named := say("user", "a", "assistant", "b")
	named[0].Name = "Ann"
	cols := Options{Format: "alpaca", Schema: qa, Prompt: "text", Completion: "answer"}
	for _, c := range []struct {
		o    Options
		r    *schemas.Record
		want string
	}{
		{Options{Format: "chat", Schema: talk}, &schemas.Record{Messages: say("user", "a")}, "nothing to learn"},
		{Options{Format: "sharegpt", Schema: talk}, &schemas.Record{Messages: tool}, "turn 2 has to do with tools"},
		{Options{Format: "sharegpt", Schema: talk}, &schemas.Record{Messages: named}, `speaker's name "Ann"`},
		{Options{Format: "sharegpt", Schema: talk}, &schemas.Record{Messages: say("user", "a", "user", "b", "assistant", "c")}, "turn 2 is the user's where the assistant's is due"},
		{Options{Format: "sharegpt", Schema: talk}, &schemas.Record{Messages: say("system", "a", "assistant", "b")}, "turn 2 is the assistant's where the user's is due"},
		{Options{Format: "alpaca", Schema: talk}, &schemas.Record{Messages: say("user", "a", "assistant", "b", "user", "c")}, "its last turn"},
		{Options{Format: "alpaca", Schema: talk}, &schemas.Record{Messages: say("system", "a")}, "its last turn"},
		{Options{Format: "prompt-completion", Schema: talk}, &schemas.Record{Messages: say("assistant", "b")}, "1 turns"},
		{Options{Format: "preference", Schema: pref}, &schemas.Record{Chosen: say("assistant", "a"), Rejected: say("assistant", "b")}, "no prompt"},
		{Options{Format: "kto", Schema: pref}, &schemas.Record{Prompt: say("user", "a"), Chosen: say("assistant", "b"), Rejected: say("assistant", "b")}, "the same"},
		{Options{Format: "classification", Schema: multi, Labels: []string{"x"}}, &schemas.Record{Labels: []string{"z"}}, `label "z" has no number`},
		{cols, &schemas.Record{Text: "a"}, "column answer is empty"},
		{Options{Format: "tsv", Schema: qa, Columns: []string{"text"}}, &schemas.Record{Text: "a\tb"}, "its text has a tabulator"},
	} {
		got, err := write(t, c.o, c.r)
		if _, ok := IsMisfit(err); !ok || !strings.Contains(err.Error(), c.want) || got != "" {
			t.Errorf("%s: %v and %q, want a misfit that says %q", c.o.Format, err, got, c.want)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, o := range []Options{
		{Format: "", Schema: talk}, {Format: "nope", Schema: talk}, {Format: "kto", Schema: talk}, {Format: "chat", Schema: pref},
		{Format: "chat", Schema: qa}, {Format: "chat", Schema: qa, Prompt: "text", Completion: "stars"}, {Format: "chat", Schema: qa, Prompt: "text", Completion: "nope"},
		{Format: "chat", Schema: talk, Prompt: "text", Completion: "text"}, {Format: "parquet", Schema: qa, Columns: []string{"text"}},
		{Format: "csv", Schema: talk}, {Format: "csv", Schema: qa, Columns: []string{"nope"}}, {Format: "text", Schema: qa, Labels: []string{"a"}},
	} {
		var u *UsageError
		if _, err := New(&bytes.Buffer{}, o); !errors.As(err, &u) {
			t.Errorf("%+v: %v, want a usage error", o, err)
		}
	}
}

// Tables are read back as they were by the project's own strict reader of CSV, whatever the texts hold.
func TestTableRoundTrip(t *testing.T) {
	texts := []string{"plain", "a,b", "say \"hi\"", "\"hi\", he said", "\"all of it\"", "two\nlines", "", " spaces ", "tab\there", "\"", "42", "naïve 中", "cr\rcr", ","}
	var rs []*schemas.Record
	for _, s := range texts {
		rs = append(rs, &schemas.Record{Text: s, Columns: map[string]any{"answer": s + "!"}})
	}
	for _, format := range []string{"csv", "tsv"} {
		texts, rs := texts, rs
		if format == "tsv" { // whose rows are lines
			broken := func(s string) bool { return strings.ContainsAny(s, "\t\r\n") }
			texts = slices.DeleteFunc(slices.Clone(texts), broken)
			rs = slices.DeleteFunc(slices.Clone(rs), func(r *schemas.Record) bool { return broken(r.Text) })
		}
		got, err := write(t, Options{Format: format, Schema: qa, Columns: []string{"text", "answer"}}, rs...)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "t."+format)
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		var back []string
		for row, err := range schemas.ReadRows(name, schemas.ReadOptions{}) {
			if err = errors.Join(err, row.Err); err != nil {
				t.Fatal(err)
			}
			if row.Values["answer"] != row.Values["text"].(string)+"!" {
				t.Errorf("row %v", row.Values)
			}
			back = append(back, row.Values["text"].(string))
		}
		if diff := cmp.Diff(texts, back); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out.txt")
	put := func(text string, force bool) error {
		f, err := Create(name, force)
		if err != nil {
			return err
		}
		f.WriteString(text)
		return f.Commit()
	}
	want := func(text string) {
		t.Helper()
		if b, _ := os.ReadFile(name); string(b) != text {
			t.Errorf("the file holds %q, want %q", b, text)
		}
		if e, _ := os.ReadDir(dir); len(e) != 1 {
			t.Errorf("more than the file is left: %v", e)
		}
	}
	if err := put("one", false); err != nil {
		t.Fatal(err)
	}
	if err := put("two", false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwritten unasked: %v", err)
	}
	want("one")
	if err := put("three", true); err != nil {
		t.Fatal(err)
	}
	want("three")
	f, err := Create(name, true)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("half")
	f.Abort()
	want("three")
	os.Remove(name)
	if f, err = Create(name, false); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(name, []byte("it came meanwhile"), 0o644)
	if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that came meanwhile was overwritten: %v", err)
	}
	want("it came meanwhile")
}

// Every kind of rows has formats, and the help names them all.
func TestFormats(t *testing.T) {
	for _, k := range schemas.Kinds() {
		if n := namesFor(k); !slices.Contains(n, "parquet") || len(n) < 7 {
			t.Errorf("rows of kind %s go as %v", k, n)
		}
	}
	for _, name := range Names() {
		if !strings.Contains(Help(), "  "+name+" ") {
			t.Errorf("%s is not in the help", name)
		}
	}
}
