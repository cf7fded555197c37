package kernel

// tileGo is the tile of the scalar set, 4×4 at most: every element sums its products in the order of k from zero. The conversions forbid
// fused multiply-adds, so that whole and short tiles round alike on every architecture.
func tileGo(mr, k int, a []float32, rs, cs int, b, c []float32, ldc, cols int, acc bool) {
	var s [4][4]float32
	for i := range mr {
		var s0, s1, s2, s3 float32
		at := i * rs
		for p := range k {
			x, q := a[at], b[p*4:p*4+4]
			s0 += float32(x * q[0])
			s1 += float32(x * q[1])
			s2 += float32(x * q[2])
			s3 += float32(x * q[3])
			at += cs
		}
		s[i] = [4]float32{s0, s1, s2, s3}
	}
	for i := range mr {
		row := c[i*ldc : i*ldc+cols]
		for j := range row {
			if acc {
				row[j] += s[i][j]
			} else {
				row[j] = s[i][j]
			}
		}
	}
}

// begun copies the values that a tile is added to into C, for tiles that add to C alone; false: there are none.
func begun(mr, cols int, c []float32, ldc int, from []float32, ldf int) bool {
	if from == nil {
		return false
	}
	if &from[0] != &c[0] {
		for i := range mr {
			copy(c[i*ldc:i*ldc+cols], from[i*ldf:])
		}
	}
	return true
}
