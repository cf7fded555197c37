package schemas

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"
)

// ID names a record: the hash of where it came from, never of what it says. A seed is
// hashed from its logical source and row, a made record from its parent, the stage that made it,
// the round and the sample, so the same recipe gives the same ids on every run.
type ID [16]byte

// String returns the id as 32 hexadecimal digits, its form on disk.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// ParseID reads the form that [ID.String] writes.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(len(id)) {
		return id, fmt.Errorf("record id %q: want %d hexadecimal digits", s, hex.EncodedLen(len(id)))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, fmt.Errorf("record id %q: %w", s, err)
	}
	return id, nil
}

// SeedID is the id of row number row (from 0) of the logical source name.
func SeedID(source string, row int64) ID {
	return hashID(fmt.Appendf(nil, "seed\x00%s\x00%d", source, row))
}

// MadeID is the id of the sample-th record that stage made of parent in the given round of revisits.
func MadeID(parent ID, stage string, round, sample int) ID {
	return hashID(fmt.Appendf(nil, "made\x00%s\x00%s\x00%d\x00%d", parent[:], stage, round, sample))
}

func hashID(b []byte) ID { return xxh3.Hash128(b).Bytes() }

// Kind says which content columns the records of a dataset have.
type Kind string

const (
	Text       Kind = "text"       // text
	Labeled    Kind = "labeled"    // text and one label
	Multi      Kind = "multilabel" // text and a list of labels
	Chat       Kind = "chat"       // messages
	Preference Kind = "preference" // prompt, chosen, rejected: lists of messages
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{Text, Labeled, Multi, Chat, Preference} }

// Record is one training example and the story of how it was made. Records are immutable once
// a stage has yielded them: change a [Record.Clone].
type Record struct {
	ID ID

	Text   string   // kinds text, labeled, multilabel
	Labels []string // one for kind labeled, any number for multilabel

	Messages []Message // kind chat

	Prompt, Chosen, Rejected []Message // kind preference

	Columns map[string]any // user columns by name; see [Column] for the dynamic types allowed
	Scores  map[string]float64
	Origin  Origin

	Failure *Failure // set on a record that could not be made: it is counted and goes to rejects

	Idle  bool // no generator acts on it: what its label needs is already planned; not stored
	Again bool // a seed that was read before and is visited once more; not stored
}

// Message is one turn of a conversation.
type Message struct {
	Role       string     // system, user, assistant or tool
	Content    string     // what was said
	Name       string     // optional speaker
	ToolCalls  []ToolCall // what an assistant asked to be called
	ToolCallID string     // the call that a tool message answers
}

// ToolCall is a call of a function that an assistant asked for. Arguments is JSON text as the model wrote it.
type ToolCall struct {
	ID, Name, Arguments string
}

// Origin tells how a record came to be. It holds only what the stored answer carries, so a
// dataset rebuilt from the ledger has the same bytes: time and request id stay in the ledger.
type Origin struct {
	Source   string // logical source name of the seed
	Row      int64  // row of the seed in that source, from 0
	Depth    int    // 0 for a seed, parent's depth + 1 for a made record
	Round    int    // how many times the seeds had been gone through before
	Parents  []ID   // the records it was made from; the first is the seed it descends from
	Stage    string // identity of the stage that made it
	Model    string // the model asked, where one was
	Template string // hash of the prompt template
	Answer   string // ledger key of the answer (hexadecimal)

	Cost             int64 // price of the answers behind this record in pico-units of the recipe's currency
	PromptTokens     int64
	CompletionTokens int64
	Estimated        bool // usage was missing or implausible: tokens and cost are our own upper count
}

// Book adds the price of one more answer to the record's story.
func (o *Origin) Book(cost, prompt, completion int64, estimated bool) {
	o.Cost += cost
	o.PromptTokens += prompt
	o.CompletionTokens += completion
	o.Estimated = o.Estimated || estimated
}

// Label returns the first label, or "".
func (r *Record) Label() string {
	if len(r.Labels) == 0 {
		return ""
	}
	return r.Labels[0]
}

// Content returns the text of a record of any kind as filters and dedup see it: the text itself,
// or the contents of all messages joined by newlines.
func (r *Record) Content() string {
	switch {
	case r.Text != "":
		return r.Text
	case len(r.Messages) > 0:
		return join(r.Messages)
	case len(r.Prompt) > 0 || len(r.Chosen) > 0:
		return join(slices.Concat(r.Prompt, r.Chosen, r.Rejected))
	}
	return ""
}

func join(ms []Message) string {
	if len(ms) == 1 {
		return ms[0].Content
	}
	n := 0
	for _, m := range ms {
		n += len(m.Content) + 1
	}
	b := make([]byte, 0, n)
	for i, m := range ms {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(b, m.Content...)
	}
	return string(b)
}

// Clone returns a copy whose maps and slices may be changed without touching r. Values inside
// user columns (lists, structs) are shared: replace them, do not edit them.
func (r *Record) Clone() *Record {
	c := *r
	c.Labels = slices.Clone(r.Labels)
	c.Messages = slices.Clone(r.Messages)
	c.Prompt, c.Chosen, c.Rejected = slices.Clone(r.Prompt), slices.Clone(r.Chosen), slices.Clone(r.Rejected)
	c.Columns = cloneMap(r.Columns)
	c.Scores = cloneMap(r.Scores)
	c.Origin.Parents = slices.Clone(r.Origin.Parents)
	return &c
}

func cloneMap[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	c := make(map[string]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// Child returns a new record that stage made of r in the given round: it inherits the labels and user
// columns, and its origin names r; the caller sets its content.
func (r *Record) Child(stage string, round, sample int) *Record {
	return &Record{
		ID:      MadeID(r.ID, stage, round, sample),
		Labels:  slices.Clone(r.Labels),
		Columns: cloneMap(r.Columns),
		Origin: Origin{
			Source: r.Origin.Source, Row: r.Origin.Row,
			Depth: r.Origin.Depth + 1, Round: round, Parents: []ID{r.ID}, Stage: stage,
		},
	}
}

// Failure is an error that costs one record and not the run, such as an answer that does not
// parse. Reason is a fixed short word because it becomes a counter.
type Failure struct {
	Reason  string
	Err     error
	Dropped bool // it was made, and judged unfit by its own maker: counted as dropped, not as failed
}

// Fail returns a Failure for reason with a formatted cause.
func Fail(reason, format string, args ...any) *Failure {
	return &Failure{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// Refuse returns a Failure for a record that was made and then found unfit by its maker's own rules.
func Refuse(reason, format string, args ...any) *Failure {
	return &Failure{Reason: reason, Err: fmt.Errorf(format, args...), Dropped: true}
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Reason
	}
	return f.Reason + ": " + f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }
