package kernel

import "golang.org/x/sys/cpu"

func detect() []Set {
	var s []Set
	x := &cpu.X86
	avx2 := x.HasAVX2 && x.HasFMA
	if avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ {
		s = append(s, AVX512)
	}
	if avx2 {
		s = append(s, AVX2)
	}
	return s
}

// BF16 tells whether GemmBF16 runs on bfloat16 instructions (VDPBF16PS) or on rounded float32.
func (s Set) BF16() bool { return s == AVX512 && cpu.X86.HasAVX512BF16 }

// spin runs n rounds of independent fused multiply-adds and gives the floating-point operations in one round.
func (s Set) spin(n int) (perRound int) {
	switch s {
	case AVX512:
		peak512(n)
		return 24 * 16 * 2
	case AVX2:
		peak256(n)
		return 12 * 8 * 2
	}
	return spinGo(n)
}
