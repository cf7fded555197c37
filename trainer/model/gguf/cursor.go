package gguf

import (
	"encoding/binary"
	"fmt"
)

// A cursor reads a file from front to back. After the first error it gives zeros.
type cursor struct {
	b   []byte
	at  int
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("byte %d: %w", c.at, fmt.Errorf(format, args...))
	}
}

// take gives the next n bytes, nil when they are not there.
func (c *cursor) take(n uint64) []byte {
	if c.err == nil && n > uint64(len(c.b)-c.at) {
		c.fail("%d bytes wanted, %d are left: the file is cut short or damaged", n, len(c.b)-c.at)
	}
	if c.err != nil {
		return nil
	}
	b := c.b[c.at : c.at+int(n)]
	c.at += int(n)
	return b
}

func (c *cursor) u8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) str() string { return string(c.take(c.u64())) }

// count reads a number of things that are at least size bytes each, which must fit what is left.
func (c *cursor) count(what string, size int) int {
	n := c.u64()
	if c.err == nil && n > uint64(len(c.b)-c.at)/uint64(size) {
		c.fail("%d %s cannot lie in the %d bytes that are left", n, what, len(c.b)-c.at)
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}
