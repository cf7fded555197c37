package kernel

import "golang.org/x/sys/cpu"

func detect() []Set {
	if cpu.ARM64.HasASIMD {
		return []Set{NEON}
	}
	return nil
}

// BF16 tells whether GemmBF16 runs on bfloat16 instructions or on rounded float32; on arm64 it is always the latter.
func (s Set) BF16() bool { return false }

// spin runs n rounds of independent fused multiply-adds and gives the floating-point operations in one round.
func (s Set) spin(n int) (perRound int) {
	if s == NEON {
		peak128(n)
		return 24 * 4 * 2
	}
	return spinGo(n)
}
