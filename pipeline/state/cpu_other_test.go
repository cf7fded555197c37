//go:build !unix

package state

import "time"

func cpu() time.Duration { return 0 }
