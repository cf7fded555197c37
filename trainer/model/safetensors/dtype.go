package safetensors

import (
	"encoding/binary"
	"math"

	"sluice/trainer/model/internal/half"
)

// A DType is an element type as headers spell it.
type DType string

// The element types that become float32. Others (I64, BOOL, …) may lie in a file and are reached by [File.Bytes].
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
)

// sizes are the bytes of an element.
var sizes = map[DType]int{"F64": 8, F32: 4, F16: 2, BF16: 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
	"F8_E4M3": 1, "F8_E5M2": 1}

// Float tells whether elements can be read as float32.
func (d DType) Float() bool { return d == F32 || d == F16 || d == BF16 }

// decode widens little-endian elements of b to dst.
func (d DType) decode(dst []float32, b []byte) {
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = half.FromFloat16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = half.FromBFloat16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
}

// encode appends the elements of x, rounded to the type.
func (d DType) encode(b []byte, x []float32) []byte {
	switch d {
	case F32:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case F16:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint16(b, half.Float16(v))
		}
	case BF16:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint16(b, half.BFloat16(v))
		}
	}
	return b
}
