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

// matrixUnit tells whether GemmBF16 runs on the CPU's matrix unit (AMX). Assembly is never preempted by the Go scheduler and releases the tiles before it
// returns; signals and thread switches save them.
func (s Set) matrixUnit() bool { return s == AVX512 && amx() }

// packTile makes tiles of words; see the generator.
func packTile(kind packing, tiles int, dst *float32, step int, src *float32, ld int) {
	switch kind {
	case rows:
		amxRows(tiles, dst, step, src, ld)
	case pairs:
		amxPairs(tiles, dst, step, src, ld)
	case turnedRows:
		amxTurnRows(tiles, dst, step, src, ld)
	case turnedPairs:
		amxTurnPairs(tiles, dst, step, src, ld)
	}
}
