package text

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// FSS makes sketches by Fast Similarity Sketching (Dahlgaard, Knudsen and Thorup, FOCS 2017): the share of equal slots of two
// sketches estimates the Jaccard similarity of the two sets, as MinHash does, with at most its variance and in far less
// time, because a round sends every element to one slot instead of all. Rounds 0 to k-1 send an element to a slot of its own
// choice, round k+i sends all to slot i; a slot keeps the smallest (round, hash); after the first
// whole round with no slot empty we stop. 303 elements fill 128 slots in 4 rounds, one element needs 256.
//
// The zero value is not ready: see [NewFSS]. An FSS serves one goroutine.
type FSS struct {
	k     int
	seed  uint64
	v     []uint64 // smallest (round, hash) of each slot
	slots []uint32
	set   []uint64 // shingles under a seed
}

// Name of the scheme of k slots, for the settings of stored keys: fss128/1.
func (f *FSS) Name() string { return fmt.Sprintf("fss%d/1", f.k) }

// NewFSS returns a sketcher of k slots: 128, 256 or 512. Sketches of different seeds cannot be compared.
func NewFSS(k int, seed uint64) (*FSS, error) {
	if k != 128 && k != 256 && k != 512 {
		return nil, fmt.Errorf("sketches have 128, 256 or 512 slots, not %d", k)
	}
	if seed != 0 {
		seed = mum(seed^k1, k2)
	}
	return &FSS{k: k, seed: seed, v: make([]uint64, k), slots: make([]uint32, k)}, nil
}

const empty = ^uint64(0)

// Sketch returns the k slots of a set of shingle hashes; how often and in which order they come does not matter. It is valid
// until the next call. An empty set has no sketch: nil.
func (f *FSS) Sketch(shingles []uint64) []uint32 {
	if len(shingles) == 0 {
		return nil
	}
	if f.seed != 0 {
		f.set = f.set[:0]
		for _, h := range shingles {
			f.set = append(f.set, h^f.seed)
		}
		shingles = f.set
	}
	for i := range f.v {
		f.v[i] = empty
	}
	if f.k == 128 {
		fill128((*[128]uint64)(f.v), shingles)
	} else {
		fill(f.v, shingles)
	}
	for i, x := range f.v {
		f.slots[i] = uint32((x * phi) >> 32)
	}
	return f.slots
}

// fill128 is [fill] for 128 slots, with shifts the compiler knows and the first round, which hashes nothing, apart. It takes the
// smaller number without a branch, since nobody can foresee which that is, and counts the empty slots between rounds.
func fill128(v *[128]uint64, shingles []uint64) {
	for _, x := range shingles {
		p := &v[x>>57]
		*p = min(*p, x&(1<<57-1)>>1)
	}
	left := empties(v)
	for r := uint64(1); r < 128 && left > 0; r++ {
		c, round := r*phi+k3, r<<56
		if len(shingles) < few {
			left = roundOfFew(v, shingles, c, round, left)
			continue
		}
		for _, h := range shingles {
			x := mum(h^c, k0)
			p := &v[x>>57]
			*p = min(*p, round|x&(1<<57-1)>>1)
		}
		left = empties(v)
	}
	if left > 0 {
		rest(v[:], shingles, 8, left)
	}
}

// few shingles take many rounds: looking at all slots between them would cost more than the rounds.
const few = 64

// roundOfFew counts a slot when it is filled. It returns how many are left.
func roundOfFew(v *[128]uint64, shingles []uint64, c, round uint64, left int) int {
	for _, h := range shingles {
		x := mum(h^c, k0)
		y := round | x&(1<<57-1)>>1
		if p := &v[x>>57]; y < *p {
			if *p == empty {
				left--
			}
			*p = y
		}
	}
	return left
}

// empties counts the empty slots: the only ones with the highest bit, since in the first half of the rounds their number is below 128.
func empties(v *[128]uint64) int {
	n := uint64(0)
	for _, x := range v {
		n += x >> 63
	}
	return int(n)
}

// fill lets every slot of v keep the smallest (round, hash) that a shingle brings it. The top bits of a hash choose the slot, the
// rest is the value, below the number of the round.
func fill(v, shingles []uint64) {
	bits := uint(7)
	for 1<<bits < len(v) {
		bits++
	}
	shift, low := 64-bits, uint64(1)<<(64-bits)-1
	left := len(v)
	for r := 0; r < len(v) && left > 0; r++ {
		c, round := uint64(r)*phi+k3, uint64(r)<<(shift-1)
		for _, x := range shingles {
			if r > 0 {
				x = mum(x^c, k0)
			}
			y := round | x&low>>1
			if p := &v[x>>shift]; y < *p {
				if *p == empty {
					left--
				}
				*p = y
			}
		}
	}
	if left > 0 {
		rest(v, shingles, bits+1, left)
	}
}

// rest runs the second half of the rounds: round k+i brings every shingle to slot i. It stops once no slot is
// empty at the end of a round. bits is how many the number of a round takes.
func rest(v, shingles []uint64, bits uint, left int) {
	for i := 0; i < len(v) && left > 0; i++ {
		r := uint64(len(v) + i)
		c, round := r*phi+k3, r<<(64-bits)
		for _, h := range shingles {
			y := round | mum(h^c, k0)>>bits
			if y < v[i] {
				if v[i] == empty {
					left--
				}
				v[i] = y
			}
		}
	}
}

// AppendBands appends one key for each of bands bands of rows slots: two sets share key b if they agree in all its slots, which
// happens with probability J^rows (Indyk and Motwani 1998).
func AppendBands(keys []uint64, slots []uint32, bands, rows int) []uint64 {
	for b := range bands {
		h := uint64(b) ^ k1
		s := slots[b*rows : (b+1)*rows]
		for len(s) >= 2 {
			h = mum((uint64(s[0])|uint64(s[1])<<32)^k0, h^k3)
			s = s[2:]
		}
		if len(s) == 1 {
			h = mum(uint64(s[0])^k0, h^k3)
		}
		keys = append(keys, h)
	}
	return keys
}

// AppendLowBytes appends the lowest byte of every slot: the sketch that is stored for verification.
func AppendLowBytes(dst []byte, slots []uint32) []byte {
	dst = slices.Grow(dst, len(slots))
	out := dst[len(dst) : len(dst)+len(slots)]
	for i, s := range slots {
		out[i] = byte(s)
	}
	return dst[:len(dst)+len(slots)]
}

// Estimate returns the Jaccard similarity that two stored sketches tell: (m/k - 1/256) / (1 - 1/256) for m equal bytes of
// k, since unequal slots agree in their lowest byte once in 256. 93 of 128 give 0.725.
func Estimate(a, b []byte) float64 {
	if len(a) != len(b) || len(a) == 0 {
		return 0
	}
	m, k := 0, len(a)
	for len(a) >= 8 && len(b) >= 8 {
		// A byte of x is zero where the sketches agree; d has the high bit of every other byte.
		x := binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b)
		d := ((x &^ high) + ^uint64(high)) | x
		m += 8 - int((d&high>>7)*ones>>56)
		a, b = a[8:], b[8:]
	}
	for i := range a {
		if a[i] == b[i] {
			m++
		}
	}
	return max(0, (float64(m)/float64(k)-1.0/256)/(1-1.0/256))
}
