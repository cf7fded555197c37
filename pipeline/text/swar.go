package text

// Eight bytes at a time in one 64-bit word, without SIMD. Each function works on the low seven bits of every byte at once; adding
// 0x80-c to a byte below 0x80 sets its high bit if the byte is at least c. Example: lower8 of "Ab-9" is "ab-9" and words8 of it
// is 0b1011, bit 0 for the first byte.

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// atLeast sets the high bit of every byte of t (all below 0x80) that is at least c.
func atLeast(t uint64, c byte) uint64 { return t + uint64(0x80-c)*ones }

// lower8 turns A–Z into a–z; bytes from 0x80 stay.
func lower8(x uint64) uint64 {
	t := x &^ high
	up := atLeast(t, 'A') &^ atLeast(t, 'Z'+1) &^ x & high
	return x | up>>2
}

// words8 returns one bit per byte of x: set for a–z, 0–9 and _. x is in lower case and ASCII.
func words8(x uint64) uint64 {
	l := atLeast(x, 'a') &^ atLeast(x, 'z'+1)
	d := atLeast(x, '0') &^ atLeast(x, '9'+1)
	u := ^((x ^ '_'*ones) + 0x7f*ones) // a byte that is _ is 0 after the xor, and only then gets no high bit
	w := (l | d | u) & high
	return (w >> 7 * 0x0102040810204080) >> 56 // gathers the eight high bits in one byte
}
