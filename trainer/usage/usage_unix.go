//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

// Package usage tells what this process has used of the machine: for bills, reports and benchmarks.
package usage

import (
	"runtime"
	"syscall"
	"time"
)

// CPU is the user and system time of the process so far; 0 where the system does not say.
func CPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Peak is the most memory that the process has held, in bytes; 0 where the system does not say.
func Peak() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) * 1024
}
