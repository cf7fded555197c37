package kernel

// pack copies op(B)[k0:k0+kc, j0:j0+nc] into panels of nr columns, k-major: panel j starts at j·kc and holds, for every k, nr neighbours
// of one row of op(B), filled up with zeros.
//
// Example, nr = 2, B = [[1 2 3] [4 5 6]]: 1 2 4 5 | 3 0 6 0.
func (w *Worker) pack(p *product, g geometry, k0, kc, j0, nc int) {
	if p.lay != NT {
		w.packRows(w.b, p.b[k0*p.ldb+j0:], p.ldb, kc, nc, g.nr)
		return
	}
	for j := 0; j < nc; j += g.nr {
		w.packTurned(w.b[j*kc:(j+g.nr)*kc], p.b[(j0+j)*p.ldb+k0:], p.ldb, kc, min(g.nr, nc-j), g.nr)
	}
}

// packRowsGo packs rows stored in the direction of the panels.
func packRowsGo(dst, src []float32, ld, kc, nc, nr int) {
	for j := 0; j < nc; j += nr {
		cols := min(nr, nc-j)
		for k := range kc {
			d := dst[j*kc+k*nr : j*kc+(k+1)*nr]
			copy(d, src[k*ld+j:k*ld+j+cols])
			clear(d[cols:])
		}
	}
}

// packTurned packs one panel of columns stored as rows of length ld: a transposition, in blocks that fit the registers.
func (w *Worker) packTurned(dst, src []float32, ld, kc, cols, nr int) {
	block := w.turnBlock() // rows and columns per block
	whole := kc
	if block > 1 {
		whole = kc &^ (block - 1)
	}
	j := 0
	for ; j+block <= cols && whole > 0 && block > 1; j += block {
		w.turn(dst[j:], src[j*ld:], ld, whole, nr)
		for x := j; x < j+block; x++ {
			for k, v := range src[x*ld+whole : x*ld+kc] {
				dst[(whole+k)*nr+x] = v
			}
		}
	}
	for ; j < cols; j++ {
		for k, v := range src[j*ld : j*ld+kc] {
			dst[k*nr+j] = v
		}
	}
	if cols < nr {
		for k := range kc {
			clear(dst[k*nr+cols : (k+1)*nr])
		}
	}
}
