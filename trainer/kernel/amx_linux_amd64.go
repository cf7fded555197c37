package kernel

import (
	"sync"
	"syscall"

	"golang.org/x/sys/cpu"
)

// amx tells whether this process may use the matrix unit (AMX): the CPU has tiles and their bfloat16 product, and Linux lends the tiles' state, which
// a process has to ask for once.
var amx = sync.OnceValue(func() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	if !cpu.X86.HasAMXTile || !cpu.X86.HasAMXBF16 || !AVX512.BF16() {
		return false
	}
	_, _, failed := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return failed == 0
})
