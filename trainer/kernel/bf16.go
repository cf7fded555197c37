package kernel

import (
	"math"
	"unsafe"
)

// BF16 rounds to bfloat16, ties to even. Subnormal numbers become zero and NaNs quiet, as VCVTNEPS2BF16 has it.
//
// Example: 1.00390625 (1 + 2⁻⁸) lies between 1 and 1.0078125 and rounds to the even 1 = 0x3F80.
func BF16(f float32) uint16 {
	u := math.Float32bits(f)
	switch {
	case u&0x7f800000 == 0:
		return uint16(u>>16) & 0x8000
	case u&0x7fffffff > 0x7f800000:
		return uint16(u>>16) | 0x40
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// FromBF16 widens a bfloat16.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// GemmBF16 is [Team.Gemm] on operands rounded to bfloat16, with sums and C in float32. Where the set has a matrix unit or VDPBF16PS the product runs
// on pairs of bfloat16 along k; elsewhere on rounded float32, to the same value within rounding of the sums.
func (t *Team) GemmBF16(lay Layout, m, n, k int, a []float32, lda int, b []float32, ldb int, acc bool, c []float32, ldc int) {
	t.half(product{lay, m, n, k, a, lda, b, ldb, acc, c, ldc, nil, false})
}

// half rounds the operands of p and multiplies.
func (t *Team) half(p product) {
	switch {
	case p.m == 0 || p.n == 0:
	case t.set.matrixUnit() && p.k > 0:
		t.tiled(p)
	default:
		t.halfVectors(p)
	}
}

// halfVectors is half without a matrix unit.
func (t *Team) halfVectors(p product) {
	convert := t.round
	m, n, k := p.m, p.n, p.k
	if p.bf16 = t.set.BF16(); p.bf16 {
		convert = t.pairs
		p.k = (k + 1) / 2
	}
	if p.lay == TN {
		p.a, p.lda = convert(&t.wordsA, p.a, p.lda, k, m, true)
	} else {
		p.a, p.lda = convert(&t.wordsA, p.a, p.lda, m, k, false)
	}
	if p.lay == NT {
		p.b, p.ldb = convert(&t.wordsB, p.b, p.ldb, n, k, false)
	} else {
		p.b, p.ldb = convert(&t.wordsB, p.b, p.ldb, k, n, true)
	}
	t.run(p)
}

// words gives room for n words, kept in *buf.
func words(buf *[]uint32, n int) []uint32 {
	if cap(*buf) < n {
		*buf = spacious[uint32](n)
	}
	return (*buf)[:n]
}

// asFloats gives the same memory under the type that products carry.
func asFloats(w []uint32) []float32 {
	if len(w) == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&w[0])), len(w))
}

// round copies a matrix, each element rounded through bfloat16.
func (t *Team) round(buf *[]uint32, x []float32, ld, rows, cols int, _ bool) ([]float32, int) {
	dst := words(buf, rows*cols)
	t.Rows(rows, 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for j, v := range x[i*ld : i*ld+cols] {
				dst[i*cols+j] = uint32(BF16(v)) << 16
			}
		}
	})
	return asFloats(dst), cols
}

// pairs copies a matrix as words of two neighbours along k: along the rows, or down the columns when k runs down. A missing neighbour is zero.
func (t *Team) pairs(buf *[]uint32, x []float32, ld, rows, cols int, kDown bool) ([]float32, int) {
	outRows, outCols := rows, (cols+1)/2
	if kDown {
		outRows, outCols = (rows+1)/2, cols
	}
	dst := words(buf, outRows*outCols)
	t.Rows(outRows, 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			d := dst[i*outCols : (i+1)*outCols]
			switch {
			case !kDown:
				t.set.bf16Row(d, x[i*ld:i*ld+cols])
			case 2*i+1 < rows:
				t.set.bf16Rows(d, x[2*i*ld:2*i*ld+cols], x[(2*i+1)*ld:(2*i+1)*ld+cols])
			default:
				for j, v := range x[2*i*ld : 2*i*ld+cols] {
					d[j] = uint32(BF16(v))
				}
			}
		}
	})
	return asFloats(dst), outCols
}

// bf16RowGo is the twin of bf16row512: words of neighbours along x, the lower one in the low half.
func bf16RowGo(dst []uint32, x []float32) {
	for i := range dst {
		dst[i] = uint32(BF16(x[2*i]))
		if 2*i+1 < len(x) {
			dst[i] |= uint32(BF16(x[2*i+1])) << 16
		}
	}
}

// bf16RowsGo is the twin of bf16rows512: words of x0 (low half) and x1.
func bf16RowsGo(dst []uint32, x0, x1 []float32) {
	for i := range dst {
		dst[i] = uint32(BF16(x0[i])) | uint32(BF16(x1[i]))<<16
	}
}
