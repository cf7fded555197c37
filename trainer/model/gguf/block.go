package gguf

import (
	"encoding/binary"
	"fmt"
	"math"

	"sluice/trainer/model/internal/half"
)

// A Format is how a tensor's elements are stored; the numbers are the file's.
type Format uint32

// The formats that are read; BF16 and Q4_1 are not written.
const (
	F32  Format = 0
	F16  Format = 1
	Q4_0 Format = 2
	Q4_1 Format = 3
	Q8_0 Format = 8
	BF16 Format = 30
)

// blockLen is the number of elements that share a scale in the Q formats.
const blockLen = 32

// layout gives the elements and bytes of a block.
func (f Format) layout() (elements, bytes int, ok bool) {
	switch f {
	case F32:
		return 1, 4, true
	case F16, BF16:
		return 1, 2, true
	case Q4_0: // scale, 16 bytes of two elements
		return blockLen, 2 + blockLen/2, true
	case Q4_1: // scale, minimum, 16 bytes
		return blockLen, 4 + blockLen/2, true
	case Q8_0: // scale, 32 bytes
		return blockLen, 2 + blockLen, true
	}
	return 0, 0, false
}

func (f Format) String() string {
	switch f {
	case F32:
		return "F32"
	case F16:
		return "F16"
	case BF16:
		return "BF16"
	case Q4_0:
		return "Q4_0"
	case Q4_1:
		return "Q4_1"
	case Q8_0:
		return "Q8_0"
	}
	return fmt.Sprintf("format %d", uint32(f))
}

// decode widens blocks to dst.
//
//	Q8_0: x_i = d·q_i;  Q4_0: x_i = d·(q_i - 8);  Q4_1: x_i = d·q_i + m; element j is the low half of byte j, j+16 the high half
func (f Format) decode(dst []float32, b []byte) {
	u16 := binary.LittleEndian.Uint16
	switch f {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = half.FromFloat16(u16(b[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = half.FromBFloat16(u16(b[2*i:]))
		}
	case Q8_0:
		for ; len(dst) > 0; dst, b = dst[blockLen:], b[34:] {
			d := half.FromFloat16(u16(b))
			for i, q := range b[2:34] {
				dst[i] = d * float32(int8(q))
			}
		}
	case Q4_0:
		for ; len(dst) > 0; dst, b = dst[blockLen:], b[18:] {
			d := half.FromFloat16(u16(b))
			for i, q := range b[2:18] {
				dst[i], dst[i+16] = d*float32(int(q&15)-8), d*float32(int(q>>4)-8)
			}
		}
	case Q4_1:
		for ; len(dst) > 0; dst, b = dst[blockLen:], b[20:] {
			d, m := half.FromFloat16(u16(b)), half.FromFloat16(u16(b[2:]))
			for i, q := range b[4:20] {
				dst[i], dst[i+16] = float32(d*float32(q&15))+m, float32(d*float32(q>>4))+m
			}
		}
	}
}

// encode appends the elements of x; for the Q formats len(x) is a multiple of 32.
func (f Format) encode(b []byte, x []float32) []byte {
	switch f {
	case F32:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case F16:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint16(b, half.Float16(v))
		}
	case Q8_0:
		for ; len(x) > 0; x = x[blockLen:] {
			b = appendQ8(b, x[:blockLen])
		}
	case Q4_0:
		for ; len(x) > 0; x = x[blockLen:] {
			b = appendQ4(b, x[:blockLen])
		}
	}
	return b
}

// appendQ8 writes a block of Q8_0: d = max|x|/127, q = round(x/d), halves away from zero.
//
// Example: 1, -2, 0 … gives d = 2/127 and q = 64, -127, 0 …
func appendQ8(b []byte, x []float32) []byte {
	most := float32(0)
	for _, v := range x {
		most = max(most, float32(math.Abs(float64(v))))
	}
	d := most / 127
	inverse := float32(0)
	if d > 0 {
		inverse = 1 / d
	}
	b = binary.LittleEndian.AppendUint16(b, half.Float16(d))
	for _, v := range x {
		q := math.Round(float64(v * inverse))
		b = append(b, byte(int8(min(max(q, -127), 127))))
	}
	return b
}

// appendQ4 writes a block of Q4_0: d = m/-8 for the element m of the largest size, sign included, q = min(15, ⌊x/d + 8.5⌋).
//
// Example: 1, -2, 0 … gives d = .25 and q = 12, 0, 8 …
func appendQ4(b []byte, x []float32) []byte {
	m := float32(0)
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(m)) {
			m = v
		}
	}
	d := m / -8
	inverse := float32(0)
	if d != 0 {
		inverse = 1 / d
	}
	b = binary.LittleEndian.AppendUint16(b, half.Float16(d))
	q := func(v float32) byte { return byte(min(15, max(0, int(float32(v*inverse)+8.5)))) }
	for j := range blockLen / 2 {
		b = append(b, q(x[j])|q(x[j+16])<<4)
	}
	return b
}
