//go:build !amd64 && !arm64

package kernel

func detect() []Set { return nil }

// BF16 tells whether GemmBF16 runs on bfloat16 instructions or on rounded float32; here it is always the latter.
func (s Set) BF16() bool { return false }

func (s Set) spin(n int) (perRound int) { return spinGo(n) }
