package pipeline

import (
	"context"
	"fmt"
	"slices"
)

// gate is the last stage before the disk: it lets in exactly what was asked for. Seeds that came again were stored when they
// came first; with a target, made rows beyond their quota are surplus of the last batches and go to the rejects.
type gate struct {
	name      string
	dropSeeds bool
	target    *TargetSpec
	plan      *plan            // quotas; read only
	accepted  map[string]int64 // made rows let in so far, by label
	settled   chan<- settled
	recent    []settled // the last lag outcomes
}

func (g *gate) stage(ctx context.Context, in Stream) Stream {
	return func(yield func(*Batch, error) bool) {
		for b, err := range in {
			if err != nil {
				yield(nil, err)
				return
			}
			out := b.next(len(b.Records))
			t := Tally{Stage: g.name, In: int64(len(b.Records))}
			g.pass(out, b, &t)
			out.Counts = append(out.Counts, t)
			if err := lawful(out); err != nil {
				yield(nil, err)
				return
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

func (g *gate) pass(out, b *Batch, t *Tally) {
	s := settled{N: b.N, Accepted: map[string]int64{}}
	for _, c := range b.Counts {
		s.Made += c.Made
	}
	for _, x := range b.Rejects {
		if !x.Owner.IsZero() && x.Record.Origin.Depth > 0 {
			s.Duplicates++
		}
	}
	for _, r := range b.Records {
		switch {
		case r.Again:
			t.Drop("revisited")
		case r.Origin.Depth == 0 && g.dropSeeds:
			t.Drop("seed")
		case r.Origin.Depth == 0 || g.target == nil:
			out.keep(t, r)
		default:
			label := g.plan.labelOf(r)
			l := g.plan.Labels[label]
			if l == nil || g.accepted[label] >= l.Quota {
				out.drop(t, Reject{Record: r, Reason: "over_quota"})
				continue
			}
			g.accepted[label]++
			s.Accepted[label]++
			out.keep(t, r)
		}
	}
	if g.target == nil {
		return
	}
	g.settled <- s
	g.recent = append(g.recent, s)
	if len(g.recent) > lag {
		g.recent = slices.Clone(g.recent[1:])
	}
	for _, r := range g.recent {
		if len(b.cursor.Plan.Flight) > 0 && r.N >= b.cursor.Plan.Flight[0].N {
			out.cursor.Recent = append(slices.Clip(out.cursor.Recent), r)
		}
	}
}

// lawful checks the conservation law over all that a batch went through, and that each stage
// was handed what the one before let out.
func lawful(b *Batch) error {
	for i := range b.Counts {
		t := &b.Counts[i]
		if err := t.Check(); err != nil {
			return fmt.Errorf("batch %d: %w", b.N, err)
		}
		if i > 0 && t.In != b.Counts[i-1].Out {
			return fmt.Errorf("batch %d: %s took in %d records of %d that %s let out", b.N, t.Stage, t.In, b.Counts[i-1].Out, b.Counts[i-1].Stage)
		}
	}
	return nil
}
