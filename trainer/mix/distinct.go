package mix

import (
	"fmt"

	"sluice/pipeline/text"
)

// Distinct is uniform over what is different: a record that occurs in m domains counts 1/m in each, and a domain's share is in proportion to the mean
// over its records. A domain and its copy have one share together. Records are the same when their texts are, but for case and white space.
//
//	domains {x y}, {x y}, {z w}: shares .25 .25 .5
type Distinct struct {
	Deal `yaml:"-"`

	novelty []float64 // mean of 1/m
}

// Open implements [Opener].
func (d *Distinct) Open(env Env) error {
	if env.Records == nil {
		return errNoRecords
	}
	type home struct{ domains, last int32 }
	seen := map[[2]uint64]home{}
	var buf []byte
	key := func(s string) [2]uint64 {
		buf = text.AppendFolded(buf[:0], s)
		hi, lo := text.Hash128(buf)
		return [2]uint64{hi, lo}
	}
	each := func(domain int, f func([2]uint64)) error {
		for r, err := range env.Records(domain) {
			if err != nil {
				return err
			}
			f(key(content(r)))
		}
		return nil
	}
	for i := range env.Domains {
		err := each(i, func(k [2]uint64) {
			if h, ok := seen[k]; !ok || h.last != int32(i) {
				seen[k] = home{h.domains + 1, int32(i)}
			}
		})
		if err != nil {
			return err
		}
	}
	d.novelty = make([]float64, len(env.Domains))
	for i, domain := range env.Domains {
		n := 0
		if err := each(i, func(k [2]uint64) { d.novelty[i] += 1 / float64(seen[k].domains); n++ }); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("domain %s has no records", domain.Name)
		}
		d.novelty[i] /= float64(n)
	}
	d.Set(d.novelty, env)
	return nil
}

// Explain implements [Explainer].
func (d *Distinct) Explain(domain int) string {
	return fmt.Sprintf("%.0f %% of it is its own", 100*d.novelty[domain])
}
