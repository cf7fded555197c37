package index

import (
	"encoding/binary"
	"math/bits"
)

// bloom is a split-block Bloom filter (Putze, Sanders and Singler 2007): a key sets one bit in each of the eight words of one
// block of 32 bytes, so that a look-up touches one cache line. At 12 bits a key about 0.5 % of strange keys pass.
type bloom struct{ blocks [][8]uint32 }

const bloomBits = 12

func newBloom(keys int64) *bloom {
	return &bloom{make([][8]uint32, max(1, (keys*bloomBits+255)/256))}
}

// odd constants, one for each word: the top five bits of the product choose a bit of it.
var bloomSalts = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// mix spreads a key of a band over 64 bits.
func mix(band uint8, hi, lo uint64) uint64 {
	a, b := bits.Mul64(lo^0x9e3779b97f4a7c15*(uint64(band)+1), hi^0xe7037ed1a0b428db)
	return a ^ b
}

func (f *bloom) add(h uint64) {
	b := f.block(h)
	for i, salt := range bloomSalts {
		b[i] |= 1 << (uint32(h) * salt >> 27)
	}
}

func (f *bloom) has(h uint64) bool {
	b := f.block(h)
	for i, salt := range bloomSalts {
		if b[i]>>(uint32(h)*salt>>27)&1 == 0 {
			return false
		}
	}
	return true
}

func (f *bloom) block(h uint64) *[8]uint32 {
	i, _ := bits.Mul64(h, uint64(len(f.blocks)))
	return &f.blocks[i]
}

// bloomPart is how many blocks are stored in one entry: 1 MiB.
const bloomPart = 1 << 15

func (f *bloom) parts() int { return (len(f.blocks) + bloomPart - 1) / bloomPart }

func (f *bloom) encode(part int) []byte {
	bs := f.blocks[part*bloomPart : min((part+1)*bloomPart, len(f.blocks))]
	out := make([]byte, 0, 32*len(bs)+8)
	for i := range bs {
		for _, w := range bs[i] {
			out = binary.LittleEndian.AppendUint32(out, w)
		}
	}
	return closed(out)
}

func (f *bloom) decode(part int, stored []byte) error {
	b, err := opened(stored)
	if err != nil {
		return err
	}
	bs := f.blocks[part*bloomPart : min((part+1)*bloomPart, len(f.blocks))]
	if len(b) != 32*len(bs) {
		return errDamaged
	}
	for i := range bs {
		for j := range bs[i] {
			bs[i][j] = binary.LittleEndian.Uint32(b)
			b = b[4:]
		}
	}
	return nil
}
