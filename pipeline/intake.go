package pipeline

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

	"sluice/schemas"
)

// intake cuts the source into numbered batches. Without a target it reads every row once. With one it goes through the
// source in rounds: rows that are new flow on in any case, rows read before ("again") only when the plan wants
// another visit of their label. While the plan waits for what is under way, empty batches pass, so that its
// decisions depend on batch numbers alone and never on timing.
type intake struct {
	name    string // identity of the source stage
	source  Source
	batch   int // rows per batch
	holdout holdout
	halt    *Halt

	target     *TargetSpec  // nil: one pass
	candidates float64      // rows that one visit of a seed makes
	settled    chan settled // from the gate; at most lag batches are under way, so it never blocks

	cur   Cursor
	pass  *extents
	known map[string]int64 // rows per file that an earlier round has read
}

// start sets the intake to continue at cur.
func (in *intake) start(cur Cursor) {
	in.cur = cur.clone()
	in.pass = newExtents(cur.Pass)
	in.known = rowsOf(cur.Known)
	in.settled = make(chan settled, 2*lag)
	for _, s := range cur.Recent {
		in.settled <- s
	}
	in.cur.Recent = nil
}

// stream yields the batches from the cursor on. A soft stop ends it with the cause.
func (in *intake) stream(ctx context.Context) Stream {
	return func(yield func(*Batch, error) bool) {
		for {
			if in.cur.Ended {
				in.rewind()
			}
			more, err := in.round(ctx, yield)
			if err == errLeft {
				return
			}
			if err != nil {
				in.halt.Stop(err)
				yield(nil, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// rewind begins another round.
func (in *intake) rewind() {
	in.cur.Known = in.seen()
	in.known = rowsOf(in.cur.Known)
	in.pass = newExtents(nil)
	in.cur.Held, in.cur.Visited, in.cur.Ended = nil, false, false
	in.cur.Round++
}

// seen is the longer of what this round and earlier ones have read of each file.
func (in *intake) seen() []schemas.SourceExtent {
	out := slices.Clone(in.pass.list())
	at := rowsOf(out)
	for _, k := range in.cur.Known {
		if _, read := at[k.Name]; !read {
			out = append(out, k)
		}
	}
	return out
}

// round reads the rest of the source once. It reports whether another round is wanted.
func (in *intake) round(ctx context.Context, yield func(*Batch, error) bool) (more bool, err error) {
	next, stop := iter.Pull2(in.source.Read(ctx, in.pass.list()))
	defer stop()
	for {
		want, over, err := in.plan(ctx)
		if err != nil {
			return false, err
		}
		if over && in.cur.Round > 0 {
			return false, nil
		}
		b := &Batch{N: in.cur.Next, Counts: []Tally{{Stage: in.name}}}
		asked, end := map[string]int64{}, false
		if in.target == nil || in.cur.Round == 0 || len(want) > 0 {
			if end, err = in.fill(ctx, b, next, want, asked); err != nil {
				return false, err
			}
		}
		if end && in.target == nil && b.Counts[0].In == 0 {
			return false, nil // nothing left to say
		}
		if end && len(want) > 0 && !in.cur.Visited && in.cur.Round > 0 {
			in.cur.Plan.Stop = "no seed has a label that is still wanted: " + strings.Join(slices.Sorted(maps.Keys(want)), ", ")
		}
		in.cur.Next++
		if in.target != nil {
			in.cur.Plan.Flight = append(in.cur.Plan.Flight, batchPlan{N: b.N, Visits: asked})
		}
		in.cur.Ended = end && in.target != nil
		b.cursor = in.cur.clone()
		b.cursor.Pass = in.pass.list()
		if !yield(b, nil) {
			return false, errLeft
		}
		if end {
			return in.target != nil, nil
		}
	}
}

// errLeft ends the intake when the consumer is gone; nobody is there to read it.
var errLeft = errors.New("consumer left")

// plan waits until the batch lag back has settled and asks what the next one may visit. over: nothing more is wanted.
func (in *intake) plan(ctx context.Context) (want map[string]int64, over bool, err error) {
	if in.halt.Stopped() {
		return nil, true, in.halt.Cause()
	}
	if in.target == nil {
		return nil, false, ctx.Err()
	}
	p := in.cur.Plan
	for len(p.Flight) >= lag {
		select {
		case s := <-in.settled:
			p.settle(s, in.target)
		case <-in.halt.Done():
			return nil, true, in.halt.Cause()
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
	}
	if p.Stop != "" || p.deficit() == 0 {
		return nil, true, nil
	}
	want = p.ask(in.target, in.candidates)
	return want, p.Stop != "", nil
}

// fill reads rows into b until it is full, the source ends, or nothing more is wanted of rows that come again.
func (in *intake) fill(ctx context.Context, b *Batch, next func() (SourceRow, error, bool), want, asked map[string]int64) (end bool, err error) {
	t := &b.Counts[0]
	for t.In < int64(in.batch) && (in.cur.Round == 0 || len(want) > 0) {
		row, err, ok := next()
		if !ok {
			return true, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		in.pass.read(&row)
		again := row.Row < in.known[row.File]
		if row.Bad != nil {
			if !again {
				t.In++
				t.Fail(row.Bad.Reason)
				b.reject(*row.Bad)
			}
			continue
		}
		r := row.Record
		held := in.holdout.takes(&in.cur, r)
		if held && again {
			continue
		}
		if held {
			t.In++
			t.Drop("held_out")
			b.Held = append(b.Held, r)
			continue
		}
		label := in.quotaLabel(r)
		visit := in.target == nil || want[label] > 0
		if again && !visit {
			continue
		}
		if in.target != nil && visit {
			asked[label]++
			in.cur.Visited = true
			if want[label]--; want[label] == 0 {
				delete(want, label)
			}
		}
		r.Again, r.Idle = again, !visit
		r.Origin.Round = in.cur.Round
		t.In++
		t.Out++
		b.Records = append(b.Records, r)
	}
	return false, nil
}

// quotaLabel is the label whose quota a record counts for.
func (in *intake) quotaLabel(r *schemas.Record) string {
	if in.target == nil {
		return ""
	}
	return in.cur.Plan.labelOf(r)
}
