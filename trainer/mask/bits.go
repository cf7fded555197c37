package mask

// Bits are the random words of one sequence: pure functions of (seed, epoch, record, position).
type Bits struct{ k0, k1, epoch, lo, hi, from uint32 }

// NewBits makes the bits of a record in an epoch. Record is any number that names the record for good, such as the first bytes of its id.
func NewBits(seed uint64, epoch int, record uint64) Bits {
	seed ^= 0x6d61736b // "mask": other users of the seed draw other words
	return Bits{uint32(seed), uint32(seed >> 32), uint32(epoch), uint32(record), uint32(record >> 32), 0}
}

// From gives the bits of a part of the record that begins at its token offset: a token has the same words wherever the record is cut. Records have less
// than 2³¹ tokens.
func (b Bits) From(offset int) Bits {
	b.from = uint32(offset)
	return b
}

// whole, less the offset of a part, is the position whose words belong to the sequence as a whole.
const whole = 1<<32 - 1

// At gives four random words for a position.
func (b Bits) At(position int) (w0, w1, w2, w3 uint32) {
	return b.word(b.from + uint32(position))
}

// Whole gives four random words for the sequence as a whole.
func (b Bits) Whole() (w0, w1, w2, w3 uint32) { return b.word(whole - b.from) }

func (b Bits) word(i uint32) (w0, w1, w2, w3 uint32) {
	return philox(i, b.epoch, b.lo, b.hi, b.k0, b.k1)
}

// Unit turns a word into a number in (0, 1].
func Unit(w uint32) float64 { return (float64(w) + 1) / (1 << 32) }

// philox is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011).
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
