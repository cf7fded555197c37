package kernel

// tile computes an mr×cols tile of C from a strip of A and a packed panel of B, added to the values at from unless that is nil; strides in floats.
// Short tiles go through a whole one.
func (w *Worker) tile(_ bool, mr, k int, a []float32, rs, cs int, b, c []float32, ldc, cols int, from []float32, ldf int) {
	acc := begun(mr, cols, c, ldc, from, ldf)
	if w.Set == Scalar {
		tileGo(mr, k, a, rs, cs, b, c, ldc, cols, acc)
		return
	}
	add := 0
	if acc {
		add = 1
	}
	if cols == 12 {
		tile128(mr, k, &a[0], rs*4, cs*4, &b[0], &c[0], ldc*4, add)
		return
	}
	var t [8 * 12]float32
	tile128(mr, k, &a[0], rs*4, cs*4, &b[0], &t[0], 12*4, 0)
	for i := range mr {
		row := c[i*ldc : i*ldc+cols]
		if !acc {
			copy(row, t[i*12:])
			continue
		}
		for j := range row {
			row[j] += t[i*12+j]
		}
	}
}

// packRows packs kc rows of nc columns into panels of nr.
func (w *Worker) packRows(dst, src []float32, ld, kc, nc, nr int) {
	j := 0
	if w.Set == NEON {
		for ; j+nr <= nc; j += nr {
			pack12(kc, &src[j], ld*4, &dst[j*kc])
		}
	}
	if j < nc {
		packRowsGo(dst[j*kc:], src[j:], ld, kc, nc-j, nr)
	}
}

// copyColumns copies kc rows of mr columns with step floats between neighbours.
func (w *Worker) copyColumns(dst, src []float32, ld, kc, mr, step int) {
	copyColumnsGo(dst, src, ld, kc, mr, step)
}

// turnBlock is the side of the square that turn transposes in registers; 1 when there is none.
func (w *Worker) turnBlock() int {
	if w.Set == Scalar {
		return 1
	}
	return 4
}

// turn transposes a block of rows, k of each, into dst with 12 floats between neighbours.
func (w *Worker) turn(dst, src []float32, ld, k, _ int) { turn4(k/4, &src[0], ld*4, &dst[0]) }
