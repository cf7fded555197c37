package kernel

// bf16Row and bf16Rows convert whole vectors by instruction and the rest by the twin; both round alike.
func (s Set) bf16Row(dst []uint32, x []float32) {
	whole := 0
	if s.BF16() {
		if whole = len(x) / 2 &^ 15; whole > 0 {
			bf16row512(whole, &dst[0], &x[0])
		}
	}
	bf16RowGo(dst[whole:], x[2*whole:])
}

func (s Set) bf16Rows(dst []uint32, x0, x1 []float32) {
	whole := 0
	if s.BF16() {
		if whole = len(dst) &^ 15; whole > 0 {
			bf16rows512(whole, &dst[0], &x0[0], &x1[0])
		}
	}
	bf16RowsGo(dst[whole:], x0[whole:], x1[whole:])
}
