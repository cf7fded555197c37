package kernel

import (
	"fmt"
	"os"
	"strings"
)

// A Set is an instruction set to compute with. Get one from [Default] or [Choose]: using a set that the CPU lacks ends the program.
type Set uint8

const (
	Scalar Set = iota // plain Go, everywhere
	NEON              // arm64
	AVX2              // amd64 with AVX2 and FMA
	AVX512            // amd64 with AVX-512 F, BW, VL and DQ
)

// Env is the environment variable that forces a set in [Default].
const Env = "SLUICE_KERNEL"

var setNames = [...]string{"scalar", "neon", "avx2", "avx512"}

// String gives the name that SLUICE_KERNEL uses.
func (s Set) String() string {
	if int(s) < len(setNames) {
		return setNames[s]
	}
	return fmt.Sprintf("Set(%d)", uint8(s))
}

// Kernels gives the name that checkpoints use: the set's, and with products on bfloat16 also what multiplies, for the sums differ in bits.
//
//	avx512    avx512 amx    avx512 bf16    avx2 rounded
func (s Set) Kernels(bf16 bool) string {
	switch {
	case !bf16:
		return s.String()
	case s.matrixUnit():
		return s.String() + " amx"
	case s.BF16():
		return s.String() + " bf16"
	}
	return s.String() + " rounded"
}

// Available lists the sets of this machine, best first; Scalar is always the last.
func Available() []Set { return append(detect(), Scalar) }

// Choose gives the set of that name, or the best one when name is empty. A set that this CPU lacks is an error.
func Choose(name string) (Set, error) {
	have := Available()
	if name == "" {
		return have[0], nil
	}
	var names []string
	for _, s := range have {
		if s.String() == name {
			return s, nil
		}
		names = append(names, s.String())
	}
	for _, n := range setNames {
		if n == name {
			return 0, fmt.Errorf("kernel set %s: this CPU cannot run it, it has %s", name, strings.Join(names, ", "))
		}
	}
	return 0, fmt.Errorf("kernel set %q is unknown: want one of %s", name, strings.Join(names, ", "))
}

// Default is [Choose] with the value of SLUICE_KERNEL.
func Default() (Set, error) {
	s, err := Choose(os.Getenv(Env))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", Env, err)
	}
	return s, nil
}

// lanes is the number of floats in a vector.
func (s Set) lanes() int {
	switch s {
	case AVX512:
		return 16
	case AVX2:
		return 8
	case NEON:
		return 4
	}
	return 1
}
