//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package usage

import "time"

// CPU is unknown here.
func CPU() time.Duration { return 0 }

// Peak is unknown here.
func Peak() int64 { return 0 }
