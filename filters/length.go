package filters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/pipeline"
	"sluice/schemas"
)

// Length keeps records whose text is from min to max long, both included. Reasons: too_short, too_long.
//
// Units are chars (code points), words (separated by white space) and tokens: about what a tokenizer would count,
// a quarter of the bytes, rounded up. With roles, each message of a chat or preference record is measured by the bounds of its role
// instead; min and max then hold for the record as a whole:
//
//	unit: words
//	roles: {user: {min: 3, max: 150}, assistant: {min: 1, max: 4000}}
type Length struct {
	Min   int               `yaml:"min"`   // shortest text kept
	Max   int               `yaml:"max"`   // longest; 0: no bound
	Unit  string            `yaml:"unit"`  // chars (the default), words or tokens
	Roles map[string]Bounds `yaml:"roles"` // bounds of each message, by role
}

// Bounds of one length.
type Bounds struct {
	Min int `yaml:"min"`
	Max int `yaml:"max"` // 0: no bound
}

// Check finds bounds that nothing fits.
func (l *Length) Check(c pipeline.CheckEnv) error {
	errs := []error{Bounds{l.Min, l.Max}.check("max")}
	if !slices.Contains([]string{"chars", "words", "tokens"}, l.Unit) {
		errs = append(errs, wrong("unit", "the unit is chars, words or tokens, not %q", l.Unit))
	}
	for _, role := range slices.Sorted(maps.Keys(l.Roles)) {
		errs = append(errs, l.Roles[role].check("roles"))
	}
	if len(l.Roles) > 0 && c.Schema != nil && c.Schema.Kind != schemas.Chat && c.Schema.Kind != schemas.Preference {
		errs = append(errs, wrong("roles", "records of kind %s have no messages", c.Schema.Kind))
	}
	return errors.Join(errs...)
}

func (b Bounds) check(key string) error {
	if b.Min < 0 || b.Max < 0 || b.Max > 0 && b.Min > b.Max {
		return wrong(key, "nothing is from %d to %d long", b.Min, b.Max)
	}
	return nil
}

// judge returns the reason why a text is refused, or "".
func (b Bounds) judge(n int) string {
	switch {
	case n < b.Min:
		return "too_short"
	case b.Max > 0 && n > b.Max:
		return "too_long"
	}
	return ""
}

// Judge measures r.
func (l *Length) Judge(_ context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	n := l.measure(r.Content())
	if reason := (Bounds{l.Min, l.Max}).judge(n); reason != "" {
		return l.drop(reason, n, "the text"), nil
	}
	for _, list := range [][]schemas.Message{r.Messages, r.Prompt, r.Chosen, r.Rejected} {
		for i, m := range list {
			n := l.measure(m.Content)
			if b, ok := l.Roles[m.Role]; ok && b.judge(n) != "" {
				return l.drop(b.judge(n), n, fmt.Sprintf("message %d (%s)", i, m.Role)), nil
			}
		}
	}
	return pipeline.Keep, nil
}

func (l *Length) drop(reason string, n int, what string) pipeline.Verdict {
	v := pipeline.Drop(reason)
	v.Detail = fmt.Sprintf("%s has %d %s", what, n, l.Unit)
	return v
}

func (l *Length) measure(s string) int {
	switch l.Unit {
	case "words":
		n := 0
		for range strings.FieldsSeq(s) {
			n++
		}
		return n
	case "tokens":
		return (len(s) + 3) / 4
	}
	return utf8.RuneCountInString(s)
}
