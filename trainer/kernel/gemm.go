package kernel

import "sync"

// A Layout says how the operands of a product C = op(A)·op(B) lie in memory, row-major.
type Layout uint8

const (
	NN Layout = iota // A is [m,k], B is [k,n]: the forward pass of weights stored [in,out]
	NT               // A is [m,k], B is [n,k]: weights stored [out,in]
	TN               // A is [k,m], B is [k,n]: the gradient of weights
)

// A geometry is the blocking of a set: a tile of C is mr×nr, a packed block of op(B) is kc×nc.
type geometry struct{ mr, nr, kc, nc int }

// geometry balances two caches: an mr×kc strip of A stays in the first level, the kc×nc block of B in the second.
func (s Set) geometry() geometry {
	switch s {
	case AVX512:
		return geometry{mr: 14, nr: 32, kc: 512, nc: 768}
	case AVX2:
		return geometry{mr: 6, nr: 16, kc: 384, nc: 240}
	case NEON:
		return geometry{mr: 8, nr: 12, kc: 256, nc: 384}
	}
	return geometry{mr: 4, nr: 4, kc: 256, nc: 256}
}

// A product is one call's operands: words of 32 bits, floats or pairs of bfloat16 along k.
type product struct {
	lay     Layout
	m, n, k int
	a       []float32
	lda     int
	b       []float32
	ldb     int
	acc     bool
	c       []float32
	ldc     int
	bias    []float32 // what every row of C begins as; nil: zero, or C itself with acc
	bf16    bool
}

// Gemm computes C = op(A)·op(B), or C += op(A)·op(B) when acc is set. C is [m,n]; ld* are the lengths of the stored rows, in floats.
// With k = 0 the product is zero. The order of summation of an element depends on the layout, k, and whether C has more than two rows.
//
// Example, NN with m, n, k = 1, 2, 2: A = [1 2], B = [[3 4] [5 6]] gives C = [13 16].
func (t *Team) Gemm(lay Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, acc bool, c []float32, ldc int) {
	t.run(product{lay, m, n, k, a, lda, b, ldb, acc, c, ldc, nil, false})
}

// GemmBias computes C = op(A)·op(B) + bias, a row of n that is added to every row, with [Team.Gemm] or [Team.GemmBF16].
func (t *Team) GemmBias(bf16 bool, lay Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, bias, c []float32, ldc int) {
	p := product{lay, m, n, k, a, lda, b, ldb, false, c, ldc, bias, false}
	if bf16 {
		t.half(p)
	} else {
		t.run(p)
	}
}

// Gemm is [Team.Gemm] on this worker's thread alone.
func (w *Worker) Gemm(lay Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, acc bool, c []float32, ldc int) {
	p := product{lay, m, n, k, a, lda, b, ldb, acc, c, ldc, nil, false}
	w.part(&p, 0, m, 0, n)
}

// minWork is the number of multiply-adds below which a second thread costs more than it gives.
const minWork = 1 << 18

// run computes p on as many threads as it is worth.
func (t *Team) run(p product) {
	if len(t.workers) == 1 || p.m*p.n*p.k < minWork {
		t.workers[0].part(&p, 0, p.m, 0, p.n)
	} else {
		t.split(p)
	}
}

// split cuts the longer side of C on tile borders, one piece per thread.
func (t *Team) split(p product) {
	threads := len(t.workers)
	g := t.set.geometry()
	side, unit := p.m, g.mr
	if p.n > p.m {
		side, unit = p.n, g.nr
	}
	tiles := (side + unit - 1) / unit
	step := (tiles + threads - 1) / threads * unit
	var wg sync.WaitGroup
	for i, lo := 0, 0; lo < side; i, lo = i+1, lo+step {
		hi := min(side, lo+step)
		work := func() {
			if p.n > p.m {
				t.workers[i].part(&p, 0, p.m, lo, hi)
			} else {
				t.workers[i].part(&p, lo, hi, 0, p.n)
			}
		}
		if hi == side {
			work()
		} else {
			wg.Go(work)
		}
	}
	wg.Wait()
}

// part computes the rows [m0,m1) and columns [n0,n1) of C.
func (w *Worker) part(p *product, m0, m1, n0, n1 int) {
	switch {
	case m0 == m1 || n0 == n1:
		return
	case p.k == 0:
		p.begin(m0, m1, n0, n1)
		return
	case !p.bf16 && p.m <= 2 && p.lay != TN:
		w.thin(p, n0, n1)
		return
	}
	g := w.geometry()
	for j0 := n0; j0 < n1; j0 += g.nc {
		nc := min(g.nc, n1-j0)
		for k0 := 0; k0 < p.k; k0 += g.kc {
			kc := min(g.kc, p.k-k0)
			w.pack(p, g, k0, kc, j0, nc)
			for number, i := 0, m0; i < m1; number, i = number+1, i+g.mr {
				a, rs, cs := w.strip(p, g, number, i, m1, k0, kc)
				for j := 0; j < nc; j += g.nr {
					c := p.c[i*p.ldc+j0+j:]
					from, ldf := p.from(c, j0+j, k0)
					w.tile(p.bf16, min(g.mr, m1-i), kc, a, rs, cs, w.b[j*kc:], c, p.ldc, min(g.nr, nc-j), from, ldf)
				}
			}
		}
	}
}

// begin gives rows and columns of C the values that products are added to.
func (p *product) begin(m0, m1, n0, n1 int) {
	for i := m0; i < m1 && !p.acc; i++ {
		if row := p.c[i*p.ldc+n0 : i*p.ldc+n1]; p.bias != nil {
			copy(row, p.bias[n0:])
		} else {
			clear(row)
		}
	}
}

// from gives the values that a tile at c and column j is added to in the block of k that begins at k0, and the length of their rows; nil: zeros.
func (p *product) from(c []float32, j, k0 int) (from []float32, ld int) {
	switch {
	case p.acc || k0 > 0:
		return c, p.ldc
	case p.bias != nil:
		return p.bias[j:], 0
	}
	return nil, 0
}

// strip gives mr rows of op(A) from column k0 on with their strides: in place, or copied when their cache lines would crowd the first level:
// columns of a stored row (TN) use a few bytes of every line, and rows a multiple of 4 KiB apart fight for the same sets. number counts the strips
// of this block, of which m1 is the last row.
func (w *Worker) strip(p *product, g geometry, number, i, m1, k0, kc int) (a []float32, rs, cs int) {
	mr := min(g.mr, m1-i)
	if p.lay == TN {
		room := kc*g.mr + 16
		if number%group == 0 {
			w.copyStrips(p, g, i, m1, k0, kc, room)
		}
		return w.a[number%group*room:], 1, mr
	}
	if p.lda&1023 != 0 {
		return p.a[i*p.lda+k0:], p.lda, 1
	}
	rs = kc + 16
	for r := range mr {
		copy(w.a[r*rs:r*rs+kc], p.a[(i+r)*p.lda+k0:])
	}
	return w.a, rs, 1
}

// group is the number of neighbouring strips that are copied together, so that every cache line of A is fetched once.
const group = 8

// copyStrips copies the strips from row i on, a few stored rows at a time.
func (w *Worker) copyStrips(p *product, g geometry, i, m1, k0, kc, room int) {
	few := 32
	if p.lda&255 == 0 {
		few = 8 // the rows share a cache set of eight lines
	}
	for k := 0; k < kc; k += few {
		for s := range group {
			first := i + s*g.mr
			if first >= m1 {
				break
			}
			mr := min(g.mr, m1-first)
			w.copyColumns(w.a[s*room+k*mr:], p.a[(k0+k)*p.lda+first:], p.lda, min(few, kc-k), mr, mr)
		}
	}
}

// copyColumnsGo copies kc rows of mr columns with step floats between neighbours.
func copyColumnsGo(dst, src []float32, ld, kc, mr, step int) {
	for k := range kc {
		copy(dst[k*step:k*step+mr], src[k*ld:])
	}
}

// thin is the product for one or two rows, where packing B would cost more than the product: dot products for NT, sums of rows for NN.
func (w *Worker) thin(p *product, n0, n1 int) {
	for i := range p.m {
		x, y := p.a[i*p.lda:i*p.lda+p.k], p.c[i*p.ldc+n0:i*p.ldc+n1]
		p.begin(i, i+1, n0, n1)
		if p.lay == NT {
			for j := range y {
				y[j] += w.Dot(x, p.b[(n0+j)*p.ldb:(n0+j)*p.ldb+p.k])
			}
			continue
		}
		for k, v := range x {
			w.Axpy(y, p.b[k*p.ldb+n0:k*p.ldb+n1], v)
		}
	}
}
