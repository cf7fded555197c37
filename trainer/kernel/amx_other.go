//go:build amd64 && !linux

package kernel

// amx is for systems that lend the tiles' state in a way that is known.
func amx() bool { return false }
