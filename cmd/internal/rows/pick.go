package rows

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"sluice/pipeline/expr"
	"sluice/schemas"
)

// A Pick says which rows of a dataset are meant. All its conditions must hold; the zero Pick is all accepted rows.
type Pick struct {
	Rejects bool          // those that were taken out, instead of Role
	Role    string        // schemas.RoleTrain (also if empty) or RoleTest
	Labels  []string      // any of these among a row's labels; empty: whatever they are
	Stage   string        // that took a reject out, or made a row
	Reason  string        // of a reject, among all of its reasons
	Made    bool          // no seeds
	Where   *expr.Program // see Where
}

// Where compiles a condition over rows. In rejects it knows the columns reject_stage, reject_reason, reject_detail, reject_failed and
// reject_score beside those of all rows.
func Where(src string, s *schemas.Schema, rejects bool) (*expr.Program, error) {
	f := expr.Fields{Schema: s}
	if rejects {
		for _, c := range rejectColumns {
			f.Extra = append(f.Extra, schemas.Column{Name: c.name, Type: schemas.Type{Kind: c.kind}})
		}
	}
	return expr.Compile(src, expr.Bool, f)
}

// Of yields the rows of d that p means, in the order in which they were sealed.
func (p *Pick) Of(d *schemas.Dataset) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for r, err := range p.all(d) {
			ok := err != nil
			if !ok {
				ok, err = p.means(r)
			}
			if ok || err != nil {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// all yields the rows of the role.
func (p *Pick) all(d *schemas.Dataset) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if p.Rejects {
			for x, err := range d.Rejects() {
				if !yield(Row{Record: x.Record, Reject: &x}, err) {
					return
				}
			}
			return
		}
		role := p.Role
		if role == "" {
			role = schemas.RoleTrain
		}
		for r, err := range d.Records(role) {
			if !yield(Row{Record: r}, err) {
				return
			}
		}
	}
}

func (p *Pick) means(r Row) (bool, error) {
	x := r.Record
	if len(p.Labels) > 0 && !slices.ContainsFunc(x.Labels, func(l string) bool { return slices.Contains(p.Labels, l) }) {
		return false, nil
	}
	stage := x.Origin.Stage
	if r.Reject != nil {
		stage = r.Reject.Stage
	}
	switch {
	case p.Made && x.Origin.Depth == 0:
		return false, nil
	case p.Stage != "" && p.Stage != stage:
		return false, nil
	case p.Reason != "" && (r.Reject == nil || p.Reason != r.Reject.Reason && !slices.Contains(r.Reject.Reasons, p.Reason)):
		return false, nil
	case p.Where == nil:
		return true, nil
	}
	if r.Reject != nil { // the names are reserved: no user column has them
		c := *x
		c.Columns = maps.Clone(x.Columns)
		if c.Columns == nil {
			c.Columns = make(map[string]any, len(rejectColumns))
		}
		for _, f := range rejectColumns {
			c.Columns[f.name] = f.get(r.Reject)
		}
		x = &c
	}
	ok, err := p.Where.Bool(x)
	if err != nil {
		return false, fmt.Errorf("record %s: %w", x.ID, err)
	}
	return ok, nil
}
