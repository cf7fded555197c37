package filters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"sluice/pipeline"
	"sluice/pipeline/text"
	"sluice/schemas"
)

// Repetition drops texts that repeat themselves, by the rules of Gopher (Rae et al.: Scaling Language Models, 2021, arXiv 2112.11446, table A1), counted
// as datatrove 0.10.1 counts them. The reason is the first rule that fails, in this order; all that fail are kept with the reject:
//
//	dup_para_frac         share of paragraphs (split at blank lines) that were there before  > 0.30
//	dup_para_char_frac    characters of those, by the length of the text                     > 0.20
//	dup_line_frac         share of lines that were there before                              > 0.30
//	dup_line_char_frac    characters of those                                                > 0.20
//	top_2_gram … 4        length of the most frequent n-gram × how often it occurs           > 0.20, 0.18, 0.16
//	duplicated_5_n_grams … 10   characters of n-grams that were there before                 > 0.15, 0.14, 0.13, 0.12, 0.11, 0.10
//
// Lengths are code points; all shares of characters are of the whole text. The most frequent n-gram counts even where it occurs once, so a
// text of a few words would always fail: texts of fewer than `from` words are not judged (Gopher's own pages have at least 50).
//
//	one two three one two three   top_2_gram: "one two" 7 × 2 / 27 = 0.52
//
// Words: reference cuts them nearly as datatrove's tokenizer does (punctuation marks are words, can't is ca n't), paper at white
// space, as the paper says. With the same words, every verdict is datatrove's.
type Repetition struct {
	Paragraphs     float64   `yaml:"paragraphs"`      // share of repeated paragraphs
	ParagraphChars float64   `yaml:"paragraph_chars"` // share of their characters
	Lines          float64   `yaml:"lines"`           // share of repeated lines
	LineChars      float64   `yaml:"line_chars"`      // share of their characters
	Top            []float64 `yaml:"top"`             // for 2, 3, 4 words
	Duplicated     []float64 `yaml:"duplicated"`      // for 5 to 10 words
	From           int       `yaml:"from"`            // texts of fewer words pass
	Words          string    `yaml:"words"`           // reference or paper

	scratch sync.Pool
}

// newRepetition returns the filter with Gopher's thresholds.
func newRepetition() *Repetition {
	return &Repetition{Paragraphs: .30, ParagraphChars: .20, Lines: .30, LineChars: .20, Top: []float64{.20, .18, .16},
		Duplicated: []float64{.15, .14, .13, .12, .11, .10}, From: 50, Words: "reference"}
}

// Check finds thresholds that are none.
func (f *Repetition) Check(pipeline.CheckEnv) error {
	var errs []error
	if len(f.Top) != 3 {
		errs = append(errs, wrong("top", "wants 3 thresholds, for 2, 3 and 4 words"))
	}
	if len(f.Duplicated) != 6 {
		errs = append(errs, wrong("duplicated", "wants 6 thresholds, for 5 to 10 words"))
	}
	for _, v := range slices.Concat([]float64{f.Paragraphs, f.ParagraphChars, f.Lines, f.LineChars}, f.Top, f.Duplicated) {
		if !(v >= 0) {
			errs = append(errs, fmt.Errorf("threshold %v is no share", v))
		}
	}
	if !slices.Contains([]string{"reference", "paper"}, f.Words) {
		errs = append(errs, wrong("words", "words are cut by reference or paper, not by %q", f.Words))
	}
	if f.From < 0 {
		errs = append(errs, wrong("from", "must not be negative"))
	}
	return errors.Join(errs...)
}

// Judge measures r's text by all rules.
func (f *Repetition) Judge(_ context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	s, ok := f.scratch.Get().(*repetitionScratch)
	if !ok {
		s = &repetitionScratch{}
	}
	defer f.scratch.Put(s)
	content := r.Content()
	n := s.load(content, f.Words)
	if n < f.From || content == "" {
		return pipeline.Keep, nil
	}
	st := s.measure(content)
	failed := f.failed(st)
	if len(failed) == 0 {
		return pipeline.Keep, nil
	}
	v := pipeline.Drop(failed[0].reason)
	v.Detail = failed[0].detail
	for _, x := range failed {
		v.Reasons = append(v.Reasons, x.reason)
	}
	return v, nil
}

type failedRule struct{ reason, detail string }

// failed lists the rules that a text breaks, in order.
func (f *Repetition) failed(st repetitionStats) []failedRule {
	var out []failedRule
	rule := func(reason string, part, whole int, most float64) {
		if share := float64(part) / float64(whole); share > most {
			out = append(out, failedRule{reason, fmt.Sprintf("%d of %d = %.3f, more than %g", part, whole, share, most)})
		}
	}
	rule("dup_para_frac", st.dupParas, st.paras, f.Paragraphs)
	rule("dup_para_char_frac", st.dupParaChars, st.chars, f.ParagraphChars)
	rule("dup_line_frac", st.dupLines, st.lines, f.Lines)
	rule("dup_line_char_frac", st.dupLineChars, st.chars, f.LineChars)
	for i, most := range f.Top {
		rule(topReasons[i], st.top[i], st.chars, most)
	}
	for i, most := range f.Duplicated {
		rule(duplicatedReasons[i], st.dup[i], st.chars, most)
	}
	return out
}

var (
	topReasons        = [...]string{"top_2_gram", "top_3_gram", "top_4_gram"}
	duplicatedReasons = [...]string{"duplicated_5_n_grams", "duplicated_6_n_grams", "duplicated_7_n_grams", "duplicated_8_n_grams",
		"duplicated_9_n_grams", "duplicated_10_n_grams"}
)

// repetitionStats are the counts behind the rules; characters are code points.
type repetitionStats struct {
	chars                         int
	paras, dupParas, dupParaChars int
	lines, dupLines, dupLineChars int
	top                           [3]int // n = 2, 3, 4: length × count of the most frequent n-gram
	dup                           [6]int // n = 5 … 10: characters of repeated n-grams
}

// repetitionScratch holds the buffers of one measurement.
type repetitionScratch struct{ grams }

// load cuts the text into words and returns how many there are.
func (s *repetitionScratch) load(content, rule string) int {
	s.reset()
	switch rule {
	case "paper":
		for w := range strings.FieldsSeq(content) {
			s.add(w)
		}
	default:
		for w := range text.Words(content) {
			s.add(w)
		}
	}
	return s.len()
}

// measure must come once after [repetitionScratch.load] of the same content.
func (s *repetitionScratch) measure(content string) repetitionStats {
	st := repetitionStats{chars: utf8.RuneCountInString(content)}
	parts := strings.Count(content, "\n") + 1
	st.paras, st.dupParas, st.dupParaChars = s.parts(text.Paragraphs(content), parts)
	st.lines, st.dupLines, st.dupLineChars = s.parts(text.LineRuns(content), parts)
	st.top = s.tops()
	st.dup = s.repeated()
	return st
}
