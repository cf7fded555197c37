//go:build !linux

package kernel

// largePages does nothing where pages are the system's business alone.
func largePages(_, _ uintptr) {}
