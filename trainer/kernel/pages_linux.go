package kernel

import "syscall"

// largePages asks for large pages for a range of the heap, rounded outwards to whole ones: it is advice, so neighbours are no worse off, and a
// system that knows no such pages loses nothing.
func largePages(at, size uintptr) {
	const page = 2 << 20
	from := at &^ (page - 1)
	to := (at + size + page - 1) &^ (page - 1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_HUGEPAGE)
}
