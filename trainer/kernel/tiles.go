package kernel

// The product on a matrix unit: tiles of 16 rows of 16 words, a word being two bfloat16 that are neighbours along k. A tile of A has rows of op(A), a
// tile of B rows of words along k; the product of two adds to a 16×16 tile of C in float32. Tiles of one strip of 16 rows of A (16 columns of B) follow
// one another along k.
const (
	tileSide  = 16
	tileK     = 2 * tileSide // elements along k in a tile
	tileWords = tileSide * tileSide
)

// The blocking: B's block in the last cache, a worker's block of A in the second level.
const (
	tiledK = 1024
	tiledN = 4096
	tiledM = 512
)

// A packing says how tiles are made of a stored matrix: k runs along its rows, or down; and which of the two a tile's rows are.
type packing uint8

const (
	rows        packing = iota // A of NN and NT
	pairs                      // B of NN and TN
	turnedRows                 // B of NT
	turnedPairs                // A of TN
)

// tiled is GemmBF16 on a matrix unit. Workers share B's block and each take rows of C; blocks of k follow one another in C, so that an element's order
// of summation is the same for any number of threads.
func (t *Team) tiled(p product) {
	const piece = 128 // columns that are packed at a time
	per := min(tiledM, roundUp((p.m+len(t.workers)-1)/len(t.workers), 2*tileSide))
	for j0 := 0; j0 < p.n; j0 += tiledN {
		nc := min(tiledN, p.n-j0)
		for k0 := 0; k0 < p.k; k0 += tiledK {
			kc := min(tiledK, p.k-k0)
			strip := (kc + tileK - 1) / tileK * tileWords
			panels := room(&t.tilesB, roundUp(nc, 2*tileSide)/tileSide*strip)
			t.Each((nc+piece-1)/piece, func(_ *Worker, i int) {
				j, dst := j0+i*piece, panels[i*piece/tileSide*strip:]
				if cols := min(piece, j0+nc-j); p.lay == NT {
					packTiles(turnedRows, dst, p.b[j*p.ldb+k0:], p.ldb, cols, kc)
				} else {
					packTiles(pairs, dst, p.b[k0*p.ldb+j:], p.ldb, cols, kc)
				}
			})
			t.Each((p.m+per-1)/per, func(w *Worker, i int) {
				i0 := i * per
				mc := min(per, p.m-i0)
				strips := room(&w.tiles, roundUp(mc, 2*tileSide)/tileSide*strip)
				if p.lay == TN {
					packTiles(turnedPairs, strips, p.a[k0*p.lda+i0:], p.lda, mc, kc)
				} else {
					packTiles(rows, strips, p.a[i0*p.lda+k0:], p.lda, mc, kc)
				}
				for j := 0; j < nc; j += 2 * tileSide {
					c := p.c[i0*p.ldc+j0+j:]
					from, ldf := p.from(c, j0+j, k0)
					w.tilesOfPanel(mc, min(2*tileSide, nc-j), strip, strips, panels[j/tileSide*strip:], c, p.ldc, from, ldf)
				}
			})
		}
	}
}

// tilesOfPanel multiplies mc rows of A with a panel of 32 columns of B, of which cols exist, beginning from values whose rows are ldf apart, or from
// zeros. What does not fill 32×32 goes through a spare block.
func (w *Worker) tilesOfPanel(mc, cols, strip int, strips, panel, c []float32, ldc int, from []float32, ldf int) {
	const side = 2 * tileSide
	kt, whole := strip/tileWords, 0
	if cols == side && mc >= side {
		whole = mc / side
		var first *float32
		if from != nil {
			first = &from[0]
		}
		amxProduct(whole, kt, &strips[0], &panel[0], &c[0], ldc*4, first, ldf*4)
	}
	for i := whole * side; i < mc; i += side {
		amxProduct(1, kt, &strips[i/tileSide*strip], &panel[0], &w.edge[0], side*4, nil, 0)
		for r := i; r < min(mc, i+side); r++ {
			dst, src := c[r*ldc:r*ldc+cols], w.edge[(r-i)*side:(r-i)*side+cols]
			if from != nil {
				w.Add(dst, src, from[r*ldf:r*ldf+cols])
			} else {
				copy(dst, src)
			}
		}
	}
}

// packTiles makes tiles of a matrix with n rows of op(A), or columns of op(B), and k elements along k, filled up with zeros to an even number of
// strips and whole tiles.
func packTiles(kind packing, dst, src []float32, ld, n, k int) {
	kt, strips := (k+tileK-1)/tileK, roundUp(n, 2*tileSide)/tileSide
	if kind == rows || kind == turnedRows {
		for s := range strips {
			whole := 0
			if (s+1)*tileSide <= n {
				if whole = k / tileK; whole > 0 {
					packTile(kind, whole, &dst[s*kt*tileWords], tileWords*4, &src[s*tileSide*ld], ld*4)
				}
			}
			for x := whole; x < kt; x++ {
				packEdge(kind, dst[(s*kt+x)*tileWords:], src[min(len(src), s*tileSide*ld+x*tileK):], ld, min(tileSide, n-s*tileSide), min(tileK, k-x*tileK))
			}
		}
		return
	}
	for x := range kt {
		whole := 0
		if (x+1)*tileK <= k {
			if whole = n / tileSide; whole > 0 {
				packTile(kind, whole, &dst[x*tileWords], kt*tileWords*4, &src[x*tileK*ld], ld*4)
			}
		}
		for s := whole; s < strips; s++ {
			packEdge(kind, dst[(s*kt+x)*tileWords:], src[min(len(src), x*tileK*ld+s*tileSide):], ld, min(tileK, k-x*tileK), min(tileSide, n-s*tileSide))
		}
	}
}

// packEdge makes one tile of stored rows and columns that may be fewer than a tile has, or none.
func packEdge(kind packing, dst, src []float32, ld, height, width int) {
	var block [tileSide * tileK]float32
	step := tileK
	if kind == pairs || kind == turnedPairs {
		step = tileSide
	}
	for r := 0; r < height && width > 0; r++ {
		copy(block[r*step:r*step+width], src[r*ld:])
	}
	packTile(kind, 1, &dst[0], 0, &block[0], step*4)
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// room gives n floats, kept in *buf.
func room(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = Floats(n)
	}
	return (*buf)[:n]
}
