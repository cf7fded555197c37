package tensor

import "sluice/trainer/kernel"

// piece is the number of floats that one thread takes at a time from row-wise and elementwise work.
const piece = 1 << 14

// flat splits n elements among the threads.
func (g *Graph) flat(n int, f func(lo, hi int)) { g.team.Rows(n, piece, f) }

// eachRow splits rows of cols elements among the threads.
func (g *Graph) eachRow(rows, cols int, f func(lo, hi int)) {
	g.team.Rows(rows, max(1, piece/max(1, cols)), f)
}

// gemm is the product that Linear uses: bfloat16 or float32, as the engine's options say.
func (g *Graph) gemm(lay kernel.Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, acc bool, c []float32, ldc int) {
	if g.bf16 {
		g.team.GemmBF16(lay, m, n, k, a, lda, b, ldb, acc, c, ldc)
		return
	}
	g.team.Gemm(lay, m, n, k, a, lda, b, ldb, acc, c, ldc)
}

// gemmBias is gemm with rows that begin as bias, which may be nil.
func (g *Graph) gemmBias(lay kernel.Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, bias, c []float32, ldc int) {
	g.team.GemmBias(g.bf16, lay, m, n, k, a, lda, b, ldb, bias, c, ldc)
}

// accumulate writes src to dst, or adds it.
func (g *Graph) accumulate(dst, src []float32, add bool) {
	g.flat(len(dst), func(lo, hi int) {
		if add {
			g.k.Add(dst[lo:hi], dst[lo:hi], src[lo:hi])
		} else {
			copy(dst[lo:hi], src[lo:hi])
		}
	})
}
