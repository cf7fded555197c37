package tensor

import (
	"math"

	"sluice/trainer/kernel"
)

// Attn says how queries see keys. Query i of a sequence sees the keys [lo, hi): everything, cut by Causal, Lengths, Starts and Ends.
type Attn struct {
	Heads     int     // query heads
	KVHeads   int     // key and value heads; each serves Heads/KVHeads neighbours (arXiv 2305.13245). 0: Heads
	Causal    bool    // a query sees no later key; with fewer queries than keys (a cache), the last query is the last key's
	Scale     float32 // 0: 1/√d
	Dropout   float32 // of the weights, in training
	Lengths   []int32 // per sequence: keys from here on are padding
	Starts    []int32 // per query, B·T: keys before this position of the sequence belong to other documents
	Ends      []int32 // per query: keys from this position on do; with Causal not needed
	Recompute bool    // keep one number per query instead of the weights, and compute them again in backward
}

// rowsPerBlock is the number of queries that share a product: causal attention skips what lies above the diagonal of blocks.
const rowsPerBlock = 64

// Attention gives softmax(s·Q·Kᵀ + mask)·V for every head. q is [B, T, Heads·d], k and v are [B, S, KVHeads·d]; the result is as q.
// A query that sees nothing gives zeros. (arXiv 1706.03762)
//
//	V̄ = Pᵀ·Ō;  P̄ = Ō·Vᵀ;  S̄ = P(P̄ - Σ P̄·P);  Q̄ = s·S̄·K;  K̄ = s·S̄ᵀ·Q
func (g *Graph) Attention(q, k, v *Tensor, o Attn) *Tensor {
	require(len(q.shape) == 3 && len(k.shape) == 3 && len(v.shape) == 3, "Attention", "want [batch, time, features], got %v, %v, %v", q.shape, k.shape, v.shape)
	o = o.filled()
	d := q.shape[2] / max(1, o.Heads)
	require(q.shape[2] == o.Heads*d && k.shape[2] == o.KVHeads*d && v.n == k.n && q.shape[0] == k.shape[0],
		"Attention", "queries %v, keys %v, values %v do not fit %d heads on %d", q.shape, k.shape, v.shape, o.Heads, o.KVHeads)
	a := &attention{g: g, o: o, d: d, batch: q.shape[0], tq: q.shape[1], tk: k.shape[1]}
	a.q, a.k, a.v = operand{0, q.shape[2], 0}, operand{1, k.shape[2], 0}, operand{2, v.shape[2], 0}
	return a.run([]*Tensor{q, k, v})
}

// AttentionQKV is Attention for queries, keys and values side by side in one tensor [B, T, (Heads + 2·KVHeads)·d], as GPT-2 computes them.
func (g *Graph) AttentionQKV(qkv *Tensor, o Attn) *Tensor {
	o = o.filled()
	parts := o.Heads + 2*o.KVHeads
	require(len(qkv.shape) == 3 && parts > 0 && qkv.shape[2]%parts == 0, "AttentionQKV", "%v is not [batch, time, %d·d]", qkv.shape, parts)
	d, ld := qkv.shape[2]/parts, qkv.shape[2]
	a := &attention{g: g, o: o, d: d, batch: qkv.shape[0], tq: qkv.shape[1], tk: qkv.shape[1]}
	a.q, a.k, a.v = operand{0, ld, 0}, operand{0, ld, o.Heads * d}, operand{0, ld, (o.Heads + o.KVHeads) * d}
	return a.run([]*Tensor{qkv})
}

func (o Attn) filled() Attn {
	if o.KVHeads == 0 {
		o.KVHeads = o.Heads
	}
	return o
}

// An operand is where queries, keys or values lie: an input of the node, the length of its rows, and the first column.
type operand struct{ input, ld, col int }

type attention struct {
	g             *Graph
	o             Attn
	d             int
	batch, tq, tk int
	q, k, v       operand
	dice          dice
	drop          bool
	ldp           int // row length of the scratch for weights: not a multiple of 4 KiB
}

func (a *attention) run(in []*Tensor) *Tensor {
	o := &a.o
	require(o.Heads > 0 && o.Heads%o.KVHeads == 0, "Attention", "%d heads cannot share %d", o.Heads, o.KVHeads)
	require(o.Lengths == nil || len(o.Lengths) == a.batch, "Attention", "%d lengths for %d sequences", len(o.Lengths), a.batch)
	require(o.Starts == nil || len(o.Starts) == a.batch*a.tq, "Attention", "%d starts for %d queries", len(o.Starts), a.batch*a.tq)
	require(o.Ends == nil || len(o.Ends) == a.batch*a.tq, "Attention", "%d ends for %d queries", len(o.Ends), a.batch*a.tq)
	if o.Scale == 0 {
		o.Scale = float32(1 / math.Sqrt(float64(a.d)))
	}
	if a.drop = a.g.train && o.Dropout > 0; a.drop {
		a.dice = a.g.throw(o.Dropout)
	}
	a.ldp = a.tk + grain
	queries := a.batch * o.Heads * a.tq
	saved := queries
	if a.g.train && !o.Recompute {
		saved += queries * a.tk
	}
	return a.g.run(&node{op: "Attention", in: in, shape: []int{a.batch, a.tq, o.Heads * a.d}, saved: saved,
		scratch: a.g.team.Threads() * 2 * rowsPerBlock * a.ldp, fwd: a.forward, bwd: a.backward})
}

// sees gives the keys [lo, hi) that query i of sequence b sees.
func (a *attention) sees(b, i int) (lo, hi int) {
	hi = a.tk
	if a.o.Causal {
		hi = min(hi, i+1+a.tk-a.tq)
	}
	if a.o.Lengths != nil {
		hi = min(hi, int(a.o.Lengths[b]))
	}
	if a.o.Ends != nil {
		hi = min(hi, int(a.o.Ends[b*a.tq+i]))
	}
	if a.o.Starts != nil {
		lo = max(0, int(a.o.Starts[b*a.tq+i]))
	}
	return min(lo, max(0, hi)), max(0, hi)
}

// A span of queries [i0, i1) and the keys [lo, hi) that any of them sees.
type stretch struct{ i0, i1, lo, hi int }

func (a *attention) stretch(b, i0 int) stretch {
	s := stretch{i0, min(i0+rowsPerBlock, a.tq), a.tk, 0}
	for i := i0; i < s.i1; i++ {
		if lo, hi := a.sees(b, i); lo < hi {
			s.lo, s.hi = min(s.lo, lo), max(s.hi, hi)
		}
	}
	return s
}

// at gives the part of an operand that begins at row t of sequence b, in head h.
func (a *attention) at(x []float32, o operand, time, b, t, h int) []float32 {
	return x[(b*time+t)*o.ld+o.col+h*a.d:]
}

// buffers gives a worker's two scratch matrices of rowsPerBlock × ldp.
func (a *attention) buffers(n *node, w *kernel.Worker) (p, q []float32) {
	size := rowsPerBlock * a.ldp
	s := n.tmp[w.Index()*2*size:]
	return s[:size], s[size : 2*size]
}

// forward runs one head of one sequence per piece of work.
func (a *attention) forward(n *node) {
	q, k, v := n.in[a.q.input].val.data, n.in[a.k.input].val.data, n.in[a.v.input].val.data
	o, y := a.o, n.y.val.data
	ldy := o.Heads * a.d
	lse, weights := a.saved(n)
	a.g.team.Each(a.batch*o.Heads, func(w *kernel.Worker, unit int) {
		b, h := unit/o.Heads, unit%o.Heads
		kv := h / (o.Heads / o.KVHeads)
		p, _ := a.buffers(n, w)
		for i0 := 0; i0 < a.tq; i0 += rowsPerBlock {
			s := a.stretch(b, i0)
			r, cols := s.i1-s.i0, s.hi-s.lo
			out := y[(b*a.tq+i0)*ldy+h*a.d:]
			if cols <= 0 {
				for i := range r {
					clear(out[i*ldy : i*ldy+a.d])
				}
				continue
			}
			w.Gemm(kernel.NT, r, cols, a.d, a.at(q, a.q, a.tq, b, i0, h), a.q.ld, a.at(k, a.k, a.tk, b, s.lo, kv), a.k.ld, false, p, a.ldp)
			for i := range r {
				row := p[i*a.ldp : i*a.ldp+cols]
				lo, hi := a.sees(b, i0+i)
				at := unit*a.tq + i0 + i
				if lo, hi = lo-s.lo, hi-s.lo; lo >= hi {
					clear(row)
					continue
				}
				clear(row[:lo])
				clear(row[hi:])
				lse[at] = w.Softmax(row[lo:hi], row[lo:hi], o.Scale)
				if weights != nil {
					copy(weights[at*a.tk+s.lo:], row)
				}
				if a.drop {
					a.dice.multiply(row[lo:hi], row[lo:hi], at*a.tk+s.lo+lo)
				}
			}
			w.Gemm(kernel.NN, r, a.d, cols, p, a.ldp, a.at(v, a.v, a.tk, b, s.lo, kv), a.v.ld, false, out, ldy)
		}
	})
}

// saved gives what forward leaves: the logarithm of each query's sum, and the weights unless they are computed again.
func (a *attention) saved(n *node) (lse, weights []float32) {
	queries := a.batch * a.o.Heads * a.tq
	lse = n.keep.data[:queries]
	if len(n.keep.data) > queries {
		weights = n.keep.data[queries:]
	}
	return lse, weights
}
