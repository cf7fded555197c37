// Package half converts the 16-bit floating-point formats of weight files, IEEE 754 binary16 and bfloat16, to float32 and back, rounding to the
// nearest, ties to even. Both ways keep subnormal numbers and infinities exactly; a NaN stays a NaN.
package half

import "math"

// Float16 rounds to binary16. What is too large becomes infinite.
//
// Example: 1 + 2⁻¹¹ lies between 1 and 1 + 2⁻¹⁰ and rounds to the even 1 = 0x3C00.
func Float16(f float32) uint16 {
	u := math.Float32bits(f)
	sign := uint16(u>>16) & 0x8000
	switch u &= 0x7fffffff; {
	case u > 0x7f800000:
		return sign | 0x7e00
	case u >= 0x477ff000: // 65520, halfway between the largest number and the next step
		return sign | 0x7c00
	case u >= 0x38800000: // 2⁻¹⁴, the smallest normal number
		u += 0xfff + u>>13&1
		return sign | uint16((u-0x38000000)>>13)
	}
	return sign | uint16(math.RoundToEven(float64(math.Float32frombits(u))*(1<<24)))
}

// FromFloat16 widens a binary16.
func FromFloat16(h uint16) float32 {
	sign, exp, man := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&0x3ff
	switch exp {
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | man<<13)
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(man)/(1<<24)))
	}
	return math.Float32frombits(sign | (exp+112)<<23 | man<<13)
}

// BFloat16 rounds to bfloat16.
//
// Example: 1 + 2⁻⁸ lies between 1 and 1 + 2⁻⁷ and rounds to the even 1 = 0x3F80.
func BFloat16(f float32) uint16 {
	u := math.Float32bits(f)
	if u&0x7fffffff > 0x7f800000 {
		return uint16(u>>16) | 0x40
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// FromBFloat16 widens a bfloat16.
func FromBFloat16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }
