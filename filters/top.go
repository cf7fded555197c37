package filters

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/schemas"
)

// Top keeps the best share of the records by a score, or by any number that an expression gives:
//
//   - filters/top: {by: scores.judge_clarity, share: 0.3, per_label: true}
//
// Of n records it keeps ⌈share · n⌉, or `keep` of them; with per_label, of each label. Equal numbers are ordered by record id, so the
// result depends on the records alone. It must see all records before it can judge one, so the run has a phase of its own up to here; it
// holds 24 bytes a record while it ranks them. Records whose number is null are dropped as no_score and do not count. Reason: below_top.
//
// When new rows are appended later, all records are ranked again and only the new ones are judged.
type Top struct {
	By       string  `yaml:"by"`        // what to rank by: scores.judge_clarity, words, stars * 2
	Share    float64 `yaml:"share"`     // of the records that is kept, above 0 and at most 1
	Keep     int     `yaml:"keep"`      // how many are kept, instead of a share
	PerLabel bool    `yaml:"per_label"` // share or number of each label
	Lowest   bool    `yaml:"lowest"`    // the smallest numbers are the best

	by   *expr.Program
	last map[string]rank // the last record kept, by label ("" without per_label)
}

// rank is a place in the order: by score, best first, then by id.
type rank struct {
	Score float64    `json:"score"`
	ID    schemas.ID `json:"id"`
}

// Check compiles the expression and finds wrong shares.
func (t *Top) Check(c pipeline.CheckEnv) error {
	var errs []error
	if t.Keep < 0 {
		errs = append(errs, wrong("keep", "must not be negative"))
	}
	if t.Keep == 0 && !(t.Share > 0 && t.Share <= 1) {
		errs = append(errs, wrong("share", "must be above 0 and at most 1"))
	}
	if t.By == "" {
		errs = append(errs, wrong("by", "say what to rank by, such as scores.judge_clarity"))
	} else if _, err := expr.Compile(t.By, expr.Any, expr.Fields{Schema: c.Schema}); err != nil {
		errs = append(errs, place("by", err))
	}
	return errors.Join(errs...)
}

// Open compiles the expression.
func (t *Top) Open(_ context.Context, env *pipeline.Env) (err error) {
	t.by, err = expr.Compile(t.By, expr.Any, expr.Fields{Schema: env.Schema})
	return err
}

// score is the number that r is ranked by; ok is false where it is null.
func (t *Top) score(r *schemas.Record) (s float64, ok bool, err error) {
	v, err := t.by.Value(r)
	if err != nil {
		return 0, false, &schemas.Failure{Reason: "expr_error", Err: err}
	}
	switch x := v.(type) {
	case nil:
		return 0, false, nil
	case float64:
		s = x
	case int64:
		s = float64(x)
	default:
		return 0, false, fmt.Errorf("by: %s is %T, not a number", t.By, v)
	}
	if t.Lowest {
		s = -s
	}
	return s, true, nil
}

func (t *Top) group(r *schemas.Record) string {
	if t.PerLabel {
		return r.Label()
	}
	return ""
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), bytes.Compare(a.ID[:], b.ID[:]))
}

// Fit ranks all records. Those that cannot be ranked are left to Judge.
func (t *Top) Fit(_ context.Context, records iter.Seq2[*schemas.Record, error]) error {
	groups := map[string][]rank{}
	for r, err := range records {
		if err != nil {
			return err
		}
		s, ok, err := t.score(r)
		if _, failed := errors.AsType[*schemas.Failure](err); err != nil && !failed {
			return err
		}
		if ok && err == nil {
			groups[t.group(r)] = append(groups[t.group(r)], rank{s, r.ID})
		}
	}
	t.last = make(map[string]rank, len(groups))
	for g, ranks := range groups {
		n := t.Keep
		if n == 0 {
			n = int(math.Ceil(t.Share * float64(len(ranks))))
		}
		slices.SortFunc(ranks, rank.compare)
		t.last[g] = ranks[min(n, len(ranks))-1]
	}
	return nil
}

// Judge compares r with the last record kept.
func (t *Top) Judge(_ context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	s, ok, err := t.score(r)
	if err != nil {
		return pipeline.Keep, err
	}
	if !ok {
		return pipeline.Drop("no_score"), nil
	}
	last, ranked := t.last[t.group(r)]
	if !ranked || (rank{s, r.ID}).compare(last) > 0 {
		v := pipeline.Drop("below_top")
		v.Detail = fmt.Sprintf("%s is %g, the last kept %g", t.By, s, last.Score)
		return v, nil
	}
	return pipeline.Keep, nil
}

// MarshalBinary writes what Fit learnt, as JSON.
func (t *Top) MarshalBinary() ([]byte, error) { return json.Marshal(t.last) }

// UnmarshalBinary reads what [Top.MarshalBinary] wrote.
func (t *Top) UnmarshalBinary(b []byte) error { return json.Unmarshal(b, &t.last) }
