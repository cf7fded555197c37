package trainer

import (
	"sluice/trainer/feed"
	"sluice/trainer/mask"
)

// A work is a batch as the model sees it: masks drawn, words dropped, targets counted.
type work struct {
	*feed.Batch
	inputs  [][]int32 // of every piece: what the model reads
	targets [][]int32 // packed: what it is to say
	weight  float64   // targets of the batch, what the loss is divided by
}

// work prepares a batch for a step that is done (0…1) of the way through training. Evaluation drops no words, and masks as in an epoch of its own.
func (r *run) work(b *feed.Batch, done float64, training bool) *work {
	w := &work{Batch: b}
	for _, m := range b.Micros {
		in, targets := m.IDs, m.Targets
		if r.c.Task == Masked {
			in, targets = r.masked(m, done, training)
		}
		if training && r.c.Dropout.Word > 0 {
			in = r.dropWords(m, in)
		}
		w.inputs, w.targets = append(w.inputs, in), append(w.targets, targets)
		w.weight += r.countTargets(m, targets)
	}
	return w
}

// countTargets is the number of predictions that count in the loss.
func (r *run) countTargets(m *feed.Micro, targets []int32) (n float64) {
	switch {
	case r.c.Task == Classify && r.c.MultiLabel, r.c.Task == Regress:
		return float64(m.Rows * len(r.labels))
	case !r.c.packed():
		return float64(m.Rows)
	}
	for row, pieces := range m.Pieces {
		for _, p := range pieces {
			at := row*m.Time + p.At
			first := at
			if r.c.Task != Masked {
				first++ // nothing comes before it in its document
			}
			for _, t := range targets[first : at+p.Len] {
				if t >= 0 {
					n++
				}
			}
		}
	}
	return n
}

// evaluationEpoch is the epoch whose masks evaluations use.
const evaluationEpoch = -1

// masked masks every document of a piece of a batch.
func (r *run) masked(m *feed.Micro, done float64, training bool) (in, targets []int32) {
	in, targets = make([]int32, len(m.IDs)), make([]int32, len(m.IDs))
	copy(in, m.IDs)
	for i := range targets {
		targets[i] = feed.NoTarget
	}
	for row, pieces := range m.Pieces {
		for _, p := range pieces {
			lo := row*m.Time + p.At
			ids := m.IDs[lo : lo+p.Len]
			masker, epoch := r.masker, p.Epoch
			if !training {
				masker, epoch = r.yardstick, evaluationEpoch
			}
			r.words, r.fixed = r.tok.WordStarts(r.words[:0], ids), r.fixed[:0]
			for _, id := range ids {
				r.fixed = append(r.fixed, r.tok.IsSpecial(id))
			}
			if cap(r.counts) < p.Len {
				r.counts = make([]bool, p.Len)
			}
			counts := r.counts[:p.Len]
			masker.Mask(mask.Tokens{IDs: ids, Words: r.words, Fixed: r.fixed, Done: done},
				mask.NewBits(r.c.Seed, epoch, p.Record).From(p.Offset), in[lo:lo+p.Len], counts)
			for i, yes := range counts {
				if yes {
					targets[lo+i] = ids[i]
				}
			}
		}
	}
	return in, targets
}

// dropWords replaces tokens by the unknown one: a function of (seed, epoch, record, position).
func (r *run) dropWords(m *feed.Micro, in []int32) []int32 {
	out := append([]int32(nil), in...)
	unknown := r.tok.Special().UNK
	for row, pieces := range m.Pieces {
		for _, p := range pieces {
			key := feed.Hash(r.c.Seed, "word", uint64(p.Epoch), p.Record)
			for i := range p.Len {
				at := row*m.Time + p.At + i
				if h := feed.Hash(key, "", uint64(p.Offset+i)); float64(h>>11)/(1<<53) < r.c.Dropout.Word && !r.tok.IsSpecial(m.IDs[at]) {
					out[at] = unknown
				}
			}
		}
	}
	return out
}
