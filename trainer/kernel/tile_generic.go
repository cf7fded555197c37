//go:build !amd64 && !arm64

package kernel

func (w *Worker) tile(_ bool, mr, k int, a []float32, rs, cs int, b, c []float32, ldc, cols int, from []float32, ldf int) {
	tileGo(mr, k, a, rs, cs, b, c, ldc, cols, begun(mr, cols, c, ldc, from, ldf))
}

func (w *Worker) packRows(dst, src []float32, ld, kc, nc, nr int) {
	packRowsGo(dst, src, ld, kc, nc, nr)
}

func (w *Worker) copyColumns(dst, src []float32, ld, kc, mr, step int) {
	copyColumnsGo(dst, src, ld, kc, mr, step)
}

func (w *Worker) turnBlock() int { return 1 }

func (w *Worker) turn(dst, src []float32, ld, k, nr int) {}
