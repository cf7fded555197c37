package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"sluice/cmd/internal/report"
	"sluice/cmd/internal/terminal"
	"sluice/dedup/index"
	"sluice/pipeline/llm"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// contents is what a store holds, as `sluice state --json` prints it. Money is in units of the recipes' currency.
type contents struct {
	State    string       `json:"state"`
	Bytes    int64        `json:"bytes"` // on disk
	Answers  volume       `json:"answers"`
	Spent    []spending   `json:"spent"`
	Leftover []unanswered `json:"leftover"` // of killed runs, not booked yet
	Settled  []unanswered `json:"settled"`  // booked at their worst cost
	Claims   volume       `json:"claims"`
	Indexes  []claims     `json:"indexes"`
}

// volume counts entries of one sort.
type volume struct {
	Entries int64 `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

// spending is what one dataset spent on one model in one stage.
type spending struct {
	Dataset    string    `json:"dataset"` // id
	Folder     string    `json:"folder,omitempty"`
	Model      string    `json:"model"`
	Stage      string    `json:"stage"`
	Requests   int64     `json:"requests"`
	Prompt     int64     `json:"prompt_tokens"`
	Cached     int64     `json:"cached_tokens"`
	Completion int64     `json:"completion_tokens"`
	Reasoning  int64     `json:"reasoning_tokens"`
	Estimated  int64     `json:"estimated"`
	Cost       llm.Money `json:"cost"`
}

// unanswered are requests of one dataset, model and stage that may have been paid without an answer.
type unanswered struct {
	Dataset  string    `json:"dataset"`
	Folder   string    `json:"folder,omitempty"`
	Model    string    `json:"model"`
	Stage    string    `json:"stage"`
	Requests int64     `json:"requests"`
	Tokens   int64     `json:"worst_tokens"`
	Cost     llm.Money `json:"worst_cost"`
}

// claims is one index of deduplication.
type claims struct {
	Dataset     string `json:"dataset,omitempty"`
	Folder      string `json:"folder,omitempty"`
	Scope       string `json:"scope"`
	Stage       string `json:"stage"`
	Scheme      string `json:"scheme"`
	Records     int64  `json:"records"`
	Keys        int64  `json:"keys"`
	Generations int    `json:"generations"`
}

// stateInfo is `sluice state info`.
func (a *app) stateInfo(ctx context.Context, f *stateFlags) error {
	c := contents{}
	if dir, err := a.stateFolder(f.at); err == nil {
		c.Bytes = folderSize(dir) // before it is open: then files that were made ahead count in full
	}
	err := a.withStore(ctx, f, func(dir string, s state.Store, l *state.Ledger) error {
		c.State = shortest(dir)
		return c.read(dir, s, l)
	})
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(a.stdout, &c)
	}
	return c.print(a.stdout)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (c *contents) read(dir string, s state.Store, l *state.Ledger) error {
	info, err := l.Info()
	if err != nil {
		return err
	}
	named := neighbours(dir)
	c.Answers = volume{info.Answers, info.AnswerBytes}
	c.Claims = volume{info.IndexKeys, info.IndexBytes}
	c.Spent = []spending{}
	for _, b := range info.Spent {
		c.Spent = append(c.Spent, spending{b.Dataset, named[b.Dataset], b.Model, b.Stage, b.Requests, b.Prompt, b.Cached, b.Completion,
			b.Reasoning, b.Estimated, llm.Money(b.Cost)})
	}
	left, err := l.Leftover("")
	if err != nil {
		return err
	}
	settled, err := l.Settled("")
	if err != nil {
		return err
	}
	c.Leftover, c.Settled = sumIntents(left, named), sumIntents(settled, named)
	shelves, err := index.Inspect(s)
	if err != nil {
		return err
	}
	c.Indexes = []claims{}
	for _, x := range shelves {
		c.Indexes = append(c.Indexes, claims{x.Dataset, named[x.Dataset], x.Scope, x.Stage, x.Scheme, x.Records, x.Keys, x.Generations})
	}
	return nil
}

// sumIntents adds up requests by dataset, model and stage, in the order in which the first of each was begun.
func sumIntents(all []state.Intent, named map[string]string) []unanswered {
	sums := []unanswered{}
	at := map[[3]string]int{}
	for _, in := range all {
		k := [3]string{in.Dataset, in.Model, in.Stage}
		i, ok := at[k]
		if !ok {
			i = len(sums)
			at[k] = i
			sums = append(sums, unanswered{Dataset: in.Dataset, Folder: named[in.Dataset], Model: in.Model, Stage: in.Stage})
		}
		sums[i].Requests++
		sums[i].Tokens += in.WorstTokens
		sums[i].Cost += llm.Money(in.Worst)
	}
	return sums
}

// neighbours finds the folders of datasets beside the store, where recipes usually put them, by their ids: the store knows no folders.
func neighbours(dir string) map[string]string {
	named := map[string]string{}
	beside := filepath.Dir(filepath.Clean(dir))
	found, _ := fs.Glob(os.DirFS(beside), "*/"+schemas.ManifestFile) // well formed, whatever marks of a pattern the folder's name holds
	for _, name := range found {
		folder := filepath.Join(beside, filepath.Dir(name))
		if m, err := schemas.ReadManifest(folder); err == nil {
			named[m.Dataset] = shortest(folder)
		}
	}
	return named
}

// datasetName is the folder of a dataset where it is known, else the beginning of its id.
func datasetName(folder, id string) string {
	if folder != "" {
		return terminal.Escape(folder)
	}
	if id == "" {
		return "(none)"
	}
	return terminal.Escape(id[:min(12, len(id))])
}

func (c *contents) print(w io.Writer) error {
	var b strings.Builder
	size := func(n int64) string { return humanize.Bytes(uint64(n)) }
	fmt.Fprintf(&b, "%s: %s on disk\n", c.State, size(c.Bytes))
	fmt.Fprintf(&b, "answers of models: %s, %s\n", humanize.Comma(c.Answers.Entries), size(c.Answers.Bytes))
	fmt.Fprintf(&b, "claims of deduplication: %s, %s\n", plurals(len(c.Indexes), "index", "indexes"), size(c.Claims.Bytes))
	if len(c.Spent) > 0 {
		t := &report.Table{Left: []int{1, 2}}
		t.Row("spent by", "model", "stage", "requests", "tokens in", "out", "cost")
		var sum spending
		for _, s := range c.Spent {
			t.Row(datasetName(s.Folder, s.Dataset), terminal.Escape(s.Model), terminal.Escape(s.Stage), humanize.Comma(s.Requests),
				humanize.Comma(s.Prompt), humanize.Comma(s.Completion), s.Cost.String())
			sum.Requests += s.Requests
			sum.Prompt += s.Prompt
			sum.Completion += s.Completion
			sum.Cost += s.Cost
		}
		t.Row("all", "", "", humanize.Comma(sum.Requests), humanize.Comma(sum.Prompt), humanize.Comma(sum.Completion), sum.Cost.String())
		b.WriteString("\n")
		if err := t.Write(&b, ""); err != nil {
			return err
		}
	}
	for _, group := range []struct {
		title string
		all   []unanswered
	}{
		{"left by killed runs: may have been paid; counts against the budget; sluice state settle books it", c.Leftover},
		{"settled: left by killed runs and booked at its worst", c.Settled},
	} {
		if err := printUnanswered(&b, group.title, group.all); err != nil {
			return err
		}
	}
	if len(c.Indexes) > 0 {
		t := &report.Table{Left: []int{1, 2}}
		t.Row("claims of", "stage", "scheme", "rows", "keys")
		for _, x := range c.Indexes {
			t.Row(datasetName(x.Folder, x.Dataset), terminal.Escape(x.Stage), terminal.Escape(x.Scheme), humanize.Comma(x.Records), humanize.Comma(x.Keys))
		}
		b.WriteString("\n")
		if err := t.Write(&b, ""); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printUnanswered(w io.Writer, title string, all []unanswered) error {
	if len(all) == 0 {
		return nil
	}
	t := &report.Table{Left: []int{1, 2}}
	t.Row("dataset", "model", "stage", "requests", "tokens at worst", "cost at worst")
	for _, u := range all {
		t.Row(datasetName(u.Folder, u.Dataset), terminal.Escape(u.Model), terminal.Escape(u.Stage), humanize.Comma(u.Requests),
			humanize.Comma(u.Tokens), u.Cost.String())
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", title); err != nil {
		return err
	}
	return t.Write(w, "  ")
}
