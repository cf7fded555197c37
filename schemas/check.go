package schemas

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Validate reports what is wrong with a schema: names that are taken twice or by sluice, and types
// that a file cannot hold, such as a struct without fields.
func (s *Schema) Validate() error {
	if !slices.Contains(Kinds(), s.Kind) {
		return fmt.Errorf("unknown kind of records %q", s.Kind)
	}
	taken := map[string]string{colID: "the record id", colScores: "scores", colOrigin: "the origin"}
	for _, name := range s.Kind.content() {
		taken[name] = "the content of kind " + string(s.Kind)
	}
	for _, c := range s.Columns {
		if err := checkName(c.Name); err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
		if who, ok := taken[c.Name]; ok {
			return fmt.Errorf("column %q: the name is taken by %s", c.Name, who)
		}
		if strings.HasPrefix(c.Name, rejectMark) {
			return fmt.Errorf("column %q: names starting with %s belong to rejects", c.Name, rejectMark)
		}
		taken[c.Name] = "another column"
		if err := c.Type.validate(c.Name); err != nil {
			return err
		}
	}
	if !slices.IsSorted(s.Scores) || len(slices.Compact(slices.Clone(s.Scores))) != len(s.Scores) {
		return fmt.Errorf("scores %q must be sorted and unique", s.Scores)
	}
	for _, name := range s.Scores {
		if err := checkName(name); err != nil {
			return fmt.Errorf("score %q: %w", name, err)
		}
	}
	return nil
}

// content lists the columns that hold the content of a kind.
func (k Kind) content() []string {
	switch k {
	case Text:
		return []string{colText}
	case Labeled:
		return []string{colText, colLabel}
	case Multi:
		return []string{colText, colLabels}
	case Chat:
		return []string{colMessages}
	case Preference:
		return []string{colPrompt, colChosen, colRejected}
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a name is missing")
	case !utf8.ValidString(name):
		return errors.New("the name is not valid UTF-8")
	}
	return nil
}

func (t Type) validate(path string) error {
	switch t.Kind {
	case String, Int, Float, Bool:
		return nil
	case List:
		if t.Elem == nil {
			return fmt.Errorf("column %s: a list needs the type of its elements", path)
		}
		return t.Elem.validate(path + "[]")
	case Struct:
		if len(t.Fields) == 0 {
			return fmt.Errorf("column %s: a struct needs at least one field", path)
		}
		seen := make(map[string]bool, len(t.Fields))
		for _, f := range t.Fields {
			if err := checkName(f.Name); err != nil {
				return fmt.Errorf("column %s: field %q: %w", path, f.Name, err)
			}
			if seen[f.Name] {
				return fmt.Errorf("column %s: field %q occurs twice", path, f.Name)
			}
			seen[f.Name] = true
			if err := f.Type.validate(path + "." + f.Name); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("column %s: unknown type %q", path, t.Kind)
}

// CheckRecord reports why r cannot be stored as a row of s: content that its kind needs is missing, content that its
// kind has no column for would be lost, a column or score is unknown or of the wrong type, a number is NaN or infinite, a
// string is not valid UTF-8 (see [Schema.Clean]). The error names the record and the column.
func (s *Schema) CheckRecord(r *Record) error {
	err := s.checkContent(r)
	if err == nil {
		err = s.checkValues(r)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", r.ID, err)
	}
	return nil
}

// CheckReject is CheckRecord for the rejects: a record that failed may lack its content, but what it has
// must be storable.
func (s *Schema) CheckReject(x *Reject) error {
	r := x.Record
	err := s.checkForeign(r)
	if err == nil {
		err = s.checkValues(r)
	}
	if err == nil && (math.IsNaN(x.Score) || math.IsInf(x.Score, 0)) {
		err = fmt.Errorf("column reject_score: %v is not a number that can be stored", x.Score)
	}
	for _, p := range []struct{ column, text string }{
		{"stage", x.Stage}, {"reason", x.Reason}, {"reasons", strings.Join(x.Reasons, "")}, {"detail", x.Detail},
	} {
		if err == nil && !utf8.ValidString(p.text) {
			err = fmt.Errorf("column %s%s: the text is not valid UTF-8", rejectMark, p.column)
		}
	}
	if err != nil {
		return fmt.Errorf("reject %s: %w", r.ID, err)
	}
	return nil
}

func (s *Schema) checkContent(r *Record) error {
	switch s.Kind {
	case Labeled:
		if len(r.Labels) != 1 || r.Labels[0] == "" {
			return fmt.Errorf("column label: want one label, got %q", r.Labels)
		}
	case Chat:
		if len(r.Messages) == 0 {
			return errors.New("column messages: there are none")
		}
	case Preference:
		if len(r.Chosen) == 0 {
			return errors.New("column chosen: there are no messages")
		}
		if len(r.Rejected) == 0 {
			return errors.New("column rejected: there are no messages")
		}
	}
	if len(s.Labels) > 0 {
		for _, l := range r.Labels {
			if !slices.Contains(s.Labels, l) {
				return fmt.Errorf("column label: %q is not among the declared labels", l)
			}
		}
	}
	return s.checkForeign(r)
}

// checkForeign refuses content that the kind has no column for.
func (s *Schema) checkForeign(r *Record) error {
	extra := func(column string) error {
		return fmt.Errorf("column %s: a record of kind %s cannot have it", column, s.Kind)
	}
	text := s.Kind == Text || s.Kind == Labeled || s.Kind == Multi
	switch {
	case r.Text != "" && !text:
		return extra(colText)
	case len(r.Labels) > 1 && s.Kind == Labeled:
		return fmt.Errorf("column label: want one label, got %q", r.Labels)
	case len(r.Labels) > 0 && s.Kind != Labeled && s.Kind != Multi:
		return extra(colLabels)
	case len(r.Messages) > 0 && s.Kind != Chat:
		return extra(colMessages)
	case len(r.Prompt)+len(r.Chosen)+len(r.Rejected) > 0 && s.Kind != Preference:
		return extra(colChosen)
	}
	return nil
}

func (s *Schema) checkValues(r *Record) error {
	if err := r.checkStrings(); err != nil {
		return fmt.Errorf("column %w", err)
	}
	known := 0
	for _, c := range s.Columns {
		v, ok := r.Columns[c.Name]
		if ok {
			known++
		}
		if err := c.Type.Check(c.Name, v); err != nil {
			return err
		}
	}
	if known != len(r.Columns) {
		for _, name := range sortedKeys(r.Columns) {
			if _, ok := s.Column(name); !ok {
				return fmt.Errorf("column %s: not in the schema", name)
			}
		}
	}
	known = 0
	for _, name := range s.Scores {
		v, ok := r.Scores[name]
		if ok {
			known++
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("column scores.%s: %v is not a number that can be stored", name, v)
		}
	}
	if known != len(r.Scores) {
		for _, name := range sortedKeys(r.Scores) {
			if !slices.Contains(s.Scores, name) {
				return fmt.Errorf("column scores.%s: not in the schema", name)
			}
		}
	}
	return nil
}
