package kernel

import "unsafe"

// wholePages is the size in bytes from which a slice is worth large pages.
const wholePages = 512 << 10

// Floats makes n zeros to compute on. A long slice lies on large pages where the system gives them on request (Linux: transparent huge pages under
// "madvise" or "always"): with pages of 4 KiB a processor that looks its page tables up through those of a hypervisor spends most of a training step
// on them. Everything that a step walks through should come from here: weights, gradients, moments, activations, packing buffers.
func Floats(n int) []float32 { return spacious[float32](n) }

func spacious[T float32 | uint32](n int) []T {
	x := make([]T, n)
	if size := uintptr(n) * 4; size >= wholePages {
		largePages(uintptr(unsafe.Pointer(&x[0])), size)
	}
	return x
}
