package kernel

// tile computes an mr×cols tile of C from a strip of A and a packed panel of B, added to the values at from unless that is nil; strides in floats.
func (w *Worker) tile(bf16 bool, mr, k int, a []float32, rs, cs int, b, c []float32, ldc, cols int, from []float32, ldf int) {
	var first *float32
	if from != nil {
		first = &from[0]
	}
	switch {
	case w.Set == AVX512 && bf16:
		bf16tile512(mr, k, &a[0], rs*4, cs*4, &b[0], &c[0], ldc*4, 1<<cols-1, first, ldf*4)
	case w.Set == AVX512:
		tile512(mr, k, &a[0], rs*4, cs*4, &b[0], &c[0], ldc*4, 1<<cols-1, first, ldf*4)
	case w.Set == AVX2:
		tile256(mr, k, &a[0], rs*4, cs*4, &b[0], &c[0], ldc*4, cols, first, ldf*4)
	default:
		tileGo(mr, k, a, rs, cs, b, c, ldc, cols, begun(mr, cols, c, ldc, from, ldf))
	}
}

// packRows packs kc rows of nc columns into panels of nr.
func (w *Worker) packRows(dst, src []float32, ld, kc, nc, nr int) {
	whole := nc / nr
	switch {
	case w.Set == Scalar:
		packRowsGo(dst, src, ld, kc, nc, nr)
		return
	case whole > 0 && nr == 16:
		packPanels16(kc, whole, &src[0], ld*4, &dst[0], kc*nr*4)
	case whole > 0:
		packPanels32(kc, whole, &src[0], ld*4, &dst[0], kc*nr*4)
	}
	if j := whole * nr; j < nc {
		pack16(kc, &src[j], ld*4, &dst[j*kc], nr*4, min(16, nc-j))
		if nr > 16 { // the right half, which may be empty
			pack16(kc, &src[min(j+16, nc-1)], ld*4, &dst[j*kc+16], nr*4, max(0, nc-j-16))
		}
	}
}

// copyColumns copies kc rows of mr columns with step floats between neighbours; it writes up to 15 floats behind the last.
func (w *Worker) copyColumns(dst, src []float32, ld, kc, mr, step int) {
	if w.Set == Scalar {
		copyColumnsGo(dst, src, ld, kc, mr, step)
		return
	}
	if mr <= 8 {
		pack8(kc, &src[0], ld*4, &dst[0], step*4, mr)
		return
	}
	pack16(kc, &src[0], ld*4, &dst[0], step*4, mr)
}

// turnBlock is the side of the square that turn transposes in registers; 1 when there is none.
func (w *Worker) turnBlock() int {
	if w.Set == Scalar {
		return 1
	}
	return 8
}

// turn transposes a block of rows, k of each, into dst with nr floats between neighbours.
func (w *Worker) turn(dst, src []float32, ld, k, nr int) { turn8(k/8, &src[0], ld*4, &dst[0], nr*4) }
