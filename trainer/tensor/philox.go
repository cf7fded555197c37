package tensor

// philox is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011): four random words as a pure
// function of a counter and a key.
//
// Example: counter 0, key 0 gives 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
func philox(c0, c1, c2, c3, k0, k1 uint32) (r0, r1, r2, r3 uint32) {
	for range 10 {
		a, b := uint64(c0)*0xD2511F53, uint64(c2)*0xCD9E8D57
		c0, c1, c2, c3 = uint32(b>>32)^c1^k0, uint32(b), uint32(a>>32)^c3^k1, uint32(a)
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c0, c1, c2, c3
}

// A dice throws for one operation of one step: word i is a function of (seed, step, operation, i).
type dice struct {
	k0, k1 uint32 // seed
	c2, c3 uint32 // step
	op     uint32
	drop   uint32  // words below drop the element
	scale  float32 // what the kept ones are multiplied by: 1/(1-p)
}

func newDice(key Key, op uint32, p float32) dice {
	return dice{uint32(key.Seed), uint32(key.Seed >> 32), uint32(key.Step), uint32(key.Step >> 32), op,
		uint32(min(float64(p)*(1<<32), 1<<32-1)), 1 / (1 - p)}
}

// factors writes the dropout factors, 0 or 1/(1-p), of the elements from first on.
func (d dice) factors(f []float32, first int) {
	for len(f) > 0 {
		var w [4]uint32
		w[0], w[1], w[2], w[3] = philox(uint32(first/4), d.op, d.c2, d.c3, d.k0, d.k1)
		skip := first % 4
		n := min(4-skip, len(f))
		for i := range n {
			f[i] = 0
			if w[skip+i] >= d.drop {
				f[i] = d.scale
			}
		}
		f, first = f[n:], first+n
	}
}

// multiply multiplies x by the factors of the elements from first on.
func (d dice) multiply(y, x []float32, first int) {
	var f [64]float32
	for len(x) > 0 {
		n := min(len(f), len(x))
		d.factors(f[:n], first)
		for i, v := range f[:n] {
			y[i] = x[i] * v
		}
		y, x, first = y[n:], x[n:], first+n
	}
}
