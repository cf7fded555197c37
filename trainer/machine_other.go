//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package trainer

import "time"

// cpuTime is unknown here.
func cpuTime() time.Duration { return 0 }

// peakMemory is unknown here.
func peakMemory() int64 { return 0 }
