package feed

import (
	"fmt"
	"math"
	"strconv"

	"sluice/schemas"
	"sluice/trainer/tokenizer"
)

// Kinds of [Form].
const (
	Plain      = "plain"      // the text, every token a target
	Chat       = "chat"       // a conversation, targets by role
	Completion = "completion" // a prompt and its completion, targets in the completion alone
	Labeled    = "labeled"    // the text and its label or labels
	Number     = "number"     // the text and a number
)

// A Form says how a record becomes tokens. It is part of the cache's key.
type Form struct {
	Kind       string
	Text       string // column of plain files; of datasets, what Record.Text is
	Label      string // column of plain files
	Prompt     string // Completion: columns
	Completion string
	Target     string // Number: a score or a column
	TrainOn    string // Chat: assistant or all
	Length     int    // Labeled, Number: longer texts are cut
	Long       string // what becomes of records longer than Length: cut, skip or error
}

// Reasons why a record gives no example.
const (
	reasonEmpty   = "empty"
	reasonNoLabel = "no_label"
	reasonLong    = "too_long"
	reasonCut     = "cut" // not skipped: only its beginning is used
)

// An example is what a record becomes.
type example struct {
	ids    []int32
	marks  []bool   // which tokens are targets; nil: all
	labels []string // Labeled
	number float64  // Number
	record uint64   // names the record
	family uint64   // names the seed it descends from
	skip   string   // the reason why there is none
	cut    bool
}

// A former makes examples. It may be used by many goroutines.
type former struct {
	Form
	tok  *tokenizer.Tokenizer
	chat *chat
}

func newFormer(f Form, tok *tokenizer.Tokenizer) (*former, error) {
	o := &former{Form: f, tok: tok}
	switch f.Kind {
	case Plain, Completion, Labeled, Number:
	case Chat:
		var err error
		if o.chat, err = newChat(tok, f.TrainOn); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown form %q", f.Kind)
	}
	return o, nil
}

// example forms a record.
func (f *former) example(r *schemas.Record) (x example, err error) {
	switch f.Kind {
	case Chat:
		x, err = f.chat.example(r)
	case Completion:
		x, err = f.completion(r)
	default:
		x, err = f.text(r)
	}
	if err != nil {
		return x, fmt.Errorf("record %s: %w", r.ID, err)
	}
	x.record, x.family = key(r.ID), key(familyOf(r))
	return x, f.fit(r, &x)
}

// key is the part of an id that the feed goes by.
func key(id schemas.ID) (k uint64) {
	for _, b := range id[:8] {
		k = k<<8 | uint64(b)
	}
	return k
}

func (f *former) text(r *schemas.Record) (x example, err error) {
	text := r.Content()
	if text == "" {
		return example{skip: reasonEmpty}, nil
	}
	x.ids = f.tok.AppendIDs(nil, text, true)
	switch f.Kind {
	case Plain:
		x.ids = f.ended(x.ids)
	case Labeled:
		if x.labels = r.Labels; len(x.labels) == 0 {
			x.labels = labelsIn(r.Columns[f.Label])
		}
		if len(x.labels) == 0 {
			x.skip = reasonNoLabel
		}
	case Number:
		v, ok := number(r, f.Target)
		if x.number = v; !ok {
			x.skip = reasonNoLabel
		}
	}
	if len(x.ids) == 0 && x.skip == "" {
		x.skip = reasonEmpty
	}
	return x, nil
}

func labelsIn(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, l := range v {
			out = append(out, fmt.Sprint(l))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// ended puts the tokenizer's marks of beginning and end around a document, where its template did not. The beginning of a turn is none of a document.
func (f *former) ended(ids []int32) []int32 {
	s := f.tok.Special()
	if len(ids) == 0 {
		return ids
	}
	if s.BOS >= 0 && ids[0] != s.BOS && f.tok.Token(s.BOS) != "<|im_start|>" {
		ids = append([]int32{s.BOS}, ids...)
	}
	if s.EOS >= 0 && ids[len(ids)-1] != s.EOS && f.tok.Token(s.EOS) != "<|im_end|>" {
		ids = append(ids, s.EOS)
	}
	return ids
}

// number finds a record's target: a score, a column, or a label that is a number.
func number(r *schemas.Record, name string) (float64, bool) {
	v, ok := r.Scores[name]
	if !ok {
		var text string
		switch c := r.Columns[name].(type) {
		case float64:
			v, ok = c, true
		case int64:
			v, ok = float64(c), true
		case string:
			text = c
		case nil:
			if len(r.Labels) == 1 {
				text = r.Labels[0]
			}
		}
		if text != "" {
			n, err := strconv.ParseFloat(text, 64)
			v, ok = n, err == nil
		}
	}
	return v, ok && math.Abs(v) <= math.MaxFloat32 // which NaN is not
}

// completion forms a prompt and what follows it.
func (f *former) completion(r *schemas.Record) (x example, err error) {
	prompt, ok := r.Columns[f.Prompt].(string)
	if f.Prompt == f.Text && !ok {
		prompt, ok = r.Text, true
	}
	if !ok {
		return x, fmt.Errorf("has no text in the column %q of prompts", f.Prompt)
	}
	answer, ok := r.Columns[f.Completion].(string)
	if !ok && len(r.Labels) > 0 && f.Completion == f.Label {
		answer, ok = r.Labels[0], true
	}
	if !ok {
		return x, fmt.Errorf("has no text in the column %q of completions", f.Completion)
	}
	if answer == "" {
		return example{skip: reasonEmpty}, nil
	}
	s := f.tok.Special()
	if s.BOS >= 0 && f.tok.Token(s.BOS) != "<|im_start|>" {
		x.ids = append(x.ids, s.BOS)
	}
	x.ids = f.tok.AppendIDs(x.ids, prompt, false)
	first := len(x.ids)
	x.ids = f.tok.AppendIDs(x.ids, answer, false)
	if s.EOS >= 0 {
		x.ids = append(x.ids, s.EOS)
	}
	x.marks = make([]bool, len(x.ids))
	for i := first; i < len(x.ids); i++ {
		x.marks[i] = true
	}
	return x, nil
}

// fit cuts what is longer than a row. Plain text is split into rows later and loses nothing.
func (f *former) fit(r *schemas.Record, x *example) error {
	if f.Kind == Plain || len(x.ids) <= f.Length || x.skip != "" {
		return nil
	}
	switch f.Long {
	case "error":
		return fmt.Errorf("record %s has %d tokens, the context has %d: raise context, or set `long: cut` or `long: skip`", r.ID, len(x.ids), f.Length)
	case "skip":
		x.skip = reasonLong
		return nil
	}
	x.cut = true
	if x.marks == nil {
		x.ids = Cut(f.tok, x.ids, f.Length)
		return nil
	}
	x.ids = x.ids[:f.Length]
	x.marks = x.marks[:f.Length]
	for _, m := range x.marks {
		if m {
			return nil
		}
	}
	x.skip = reasonLong // nothing to learn is left of it
	return nil
}

// Cut cuts the tokens of a text to n and keeps the mark at their end, such as [SEP].
func Cut(tok *tokenizer.Tokenizer, ids []int32, n int) []int32 {
	if len(ids) <= n {
		return ids
	}
	last := ids[len(ids)-1]
	if ids = ids[:n]; tok.IsSpecial(last) {
		ids[n-1] = last
	}
	return ids
}
