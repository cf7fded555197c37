package export

import (
	"fmt"
	"strings"

	"sluice/pipeline/catalog"
	"sluice/schemas"
)

// A Format is a way to write rows.
type Format struct {
	Name    string
	Doc     string
	Kinds   []schemas.Kind // that it can hold
	Columns bool           // it can write some columns alone
	Turns   bool           // rows of text go as well if their prompt and completion are named
	Binary  bool           // no text to look at

	layout layout
}

var (
	textual = []schemas.Kind{schemas.Text, schemas.Labeled, schemas.Multi}
	chats   = []schemas.Kind{schemas.Chat}
	pairs   = []schemas.Kind{schemas.Preference}
)

// Formats lists what there is.
func Formats() []Format {
	all := schemas.Kinds()
	return []Format{
		{Name: "jsonl", Doc: "JSON Lines, as the rows are stored", Kinds: all, Columns: true},
		{Name: "jsonl.zst", Doc: "the same, compressed", Kinds: all, Binary: true},
		{Name: "parquet", Doc: "one Parquet file, as the rows are stored", Kinds: all, Binary: true},
		{Name: "arrow", Doc: "one Arrow IPC file, as the rows are stored", Kinds: all, Binary: true},
		{Name: "csv", Doc: "a table of plain values with a header", Kinds: all, Columns: true},
		{Name: "tsv", Doc: "the same with tabulators, for texts of one line", Kinds: all, Columns: true},
		{Name: "text", Doc: `{"text"}: language modelling`, Kinds: textual, layout: plainText},
		{Name: "classification", Doc: `{"text", "label"} or {"text", "labels"}; with --label-ids numbers, and names in label_text`, Kinds: []schemas.Kind{schemas.Labeled, schemas.Multi}, layout: classification},
		{Name: "chat", Doc: `{"messages": [{"role", "content"}]}: OpenAI fine-tuning, TRL, Axolotl`, Kinds: chats, Turns: true, layout: chat},
		{Name: "sharegpt", Doc: `{"conversations": [{"from", "value"}]}`, Kinds: chats, Turns: true, layout: sharegpt},
		{Name: "alpaca", Doc: `{"instruction", "input", "output"}: one turn, with "system" where there is one`, Kinds: chats, Turns: true, layout: alpaca},
		{Name: "prompt-completion", Doc: `{"prompt", "completion"}: texts, or lists of messages of a chat whose last turn is learnt`, Kinds: chats, Turns: true, layout: promptCompletion},
		{Name: "preference", Doc: `{"prompt", "chosen", "rejected"}: DPO and reward models of TRL`, Kinds: pairs, layout: preference},
		{Name: "kto", Doc: `{"prompt", "completion", "label"}: two rows for each pair, the chosen one true`, Kinds: pairs, layout: kto},
	}
}

// Names lists the formats by name.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// Find returns the format of that name.
func Find(name string) (*Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return &f, nil
		}
	}
	hint := "there are " + strings.Join(Names(), ", ")
	if near := catalog.Nearest(name, Names()); near != "" {
		hint = "did you mean " + near + "?"
	}
	if name == "" {
		return nil, usage(hint, "--format is missing")
	}
	return nil, usage(hint, "--format %q is unknown", name)
}

// Help lists the formats for a help page.
func Help() string {
	var b strings.Builder
	for _, f := range Formats() {
		fmt.Fprintf(&b, "  %-18s %s\n", f.Name, f.Doc)
	}
	return strings.TrimRight(b.String(), "\n")
}

// namesFor lists the formats that hold rows of a kind.
func namesFor(k schemas.Kind) []string {
	var names []string
	for _, f := range Formats() {
		for _, x := range f.Kinds {
			if x == k {
				names = append(names, f.Name)
			}
		}
	}
	return names
}
