package filters

import (
	"context"

	"sluice/pipeline"
	"sluice/pipeline/expr"
	"sluice/schemas"
)

// Expr keeps records for which a condition is true:
//
//   - filters/expr: {keep: 'words >= 5 and scores.judge_clarity > 0.6 and label != "other"'}
//
// It sees text, label, labels, id, words, chars, messages, prompt, chosen, rejected, scores, origin, columns, and every user column by
// its name; see expr-lang.org for the language. A score or column that a record has not is null; a comparison with null fails the record with
// reason expr_error, so write (stars ?? 0) > 3 where that is meant.
type Expr struct {
	Keep   string `yaml:"keep"`   // the condition
	Reason string `yaml:"reason"` // why the others are dropped, a short word

	keep *expr.Program
}

// Check compiles the condition against the schema.
func (e *Expr) Check(c pipeline.CheckEnv) error {
	if e.Keep == "" {
		return wrong("keep", "no condition is given")
	}
	if !isReason(e.Reason) {
		return wrong("reason", "a reason is a short word of letters, digits and _, because it becomes a counter")
	}
	_, err := expr.Compile(e.Keep, expr.Bool, expr.Fields{Schema: c.Schema})
	return place("keep", err)
}

func isReason(s string) bool {
	for _, r := range s {
		if r != '_' && !('a' <= r && r <= 'z') && !('0' <= r && r <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

// Open compiles the condition.
func (e *Expr) Open(_ context.Context, env *pipeline.Env) (err error) {
	e.keep, err = expr.Compile(e.Keep, expr.Bool, expr.Fields{Schema: env.Schema})
	return err
}

// Judge evaluates the condition.
func (e *Expr) Judge(_ context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	ok, err := e.keep.Bool(r)
	if err != nil {
		return pipeline.Keep, &schemas.Failure{Reason: "expr_error", Err: err}
	}
	if !ok {
		return pipeline.Drop(e.Reason), nil
	}
	return pipeline.Keep, nil
}
