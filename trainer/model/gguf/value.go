package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// The types of metadata.
const (
	typeU8 = iota
	typeI8
	typeU16
	typeI16
	typeU32
	typeI32
	typeF32
	typeBool
	typeString
	typeArray
	typeU64
	typeI64
	typeF64
)

// leastBytes is the least room a value of a type takes.
var leastBytes = [...]int{typeU8: 1, typeI8: 1, typeU16: 2, typeI16: 2, typeU32: 4, typeI32: 4, typeF32: 4, typeBool: 1, typeString: 8, typeArray: 12, typeU64: 8, typeI64: 8, typeF64: 8}

// maxDepth is how far arrays may nest.
const maxDepth = 4

// value reads one value: uint64 or int64, float64, bool, string, or a slice of one of these ([]any for arrays of arrays).
func (c *cursor) value(kind uint32, depth int) any {
	switch kind {
	case typeU8:
		return uint64(c.u8())
	case typeI8:
		return int64(int8(c.u8()))
	case typeU16:
		return uint64(c.u16())
	case typeI16:
		return int64(int16(c.u16()))
	case typeU32:
		return uint64(c.u32())
	case typeI32:
		return int64(int32(c.u32()))
	case typeF32:
		return float64(math.Float32frombits(c.u32()))
	case typeBool:
		return c.u8() != 0
	case typeString:
		return c.str()
	case typeArray:
		return c.array(depth)
	case typeU64:
		return c.u64()
	case typeI64:
		return int64(c.u64())
	case typeF64:
		return math.Float64frombits(c.u64())
	}
	c.fail("unknown type %d of a value", kind)
	return nil
}

func (c *cursor) array(depth int) any {
	kind := c.u32()
	if int(kind) >= len(leastBytes) || depth == maxDepth {
		c.fail("array of unknown type %d, or nested too deep", kind)
		return nil
	}
	n := c.count("elements of an array", leastBytes[kind])
	switch kind {
	case typeString:
		return elements[string](c, kind, n, depth)
	case typeF32, typeF64:
		return elements[float64](c, kind, n, depth)
	case typeBool:
		return elements[bool](c, kind, n, depth)
	case typeI8, typeI16, typeI32, typeI64:
		return elements[int64](c, kind, n, depth)
	case typeArray:
		return elements[any](c, kind, n, depth)
	}
	return elements[uint64](c, kind, n, depth)
}

func elements[T any](c *cursor, kind uint32, n, depth int) []T {
	out := make([]T, 0, n)
	for len(out) < n && c.err == nil {
		if v, ok := c.value(kind, depth+1).(T); ok {
			out = append(out, v)
		}
	}
	return out
}

// A KV is one piece of metadata to write. Value is uint32, uint64, int32, float32, bool, string, or a slice of string, int32, uint32 or float32.
type KV struct {
	Key   string
	Value any
}

func (k KV) append(b []byte) ([]byte, error) {
	b = appendString(b, k.Key)
	u32 := binary.LittleEndian.AppendUint32
	list := func(kind uint32, n int) {
		b = binary.LittleEndian.AppendUint64(u32(u32(b, typeArray), kind), uint64(n))
	}
	switch v := k.Value.(type) {
	case uint32:
		return u32(u32(b, typeU32), v), nil
	case uint64:
		return binary.LittleEndian.AppendUint64(u32(b, typeU64), v), nil
	case int32:
		return u32(u32(b, typeI32), uint32(v)), nil
	case float32:
		return u32(u32(b, typeF32), math.Float32bits(v)), nil
	case bool:
		if v {
			return append(u32(b, typeBool), 1), nil
		}
		return append(u32(b, typeBool), 0), nil
	case string:
		return appendString(u32(b, typeString), v), nil
	case []string:
		list(typeString, len(v))
		for _, s := range v {
			b = appendString(b, s)
		}
		return b, nil
	case []int32:
		list(typeI32, len(v))
		for _, x := range v {
			b = u32(b, uint32(x))
		}
		return b, nil
	case []uint32:
		list(typeU32, len(v))
		for _, x := range v {
			b = u32(b, x)
		}
		return b, nil
	case []float32:
		list(typeF32, len(v))
		for _, x := range v {
			b = u32(b, math.Float32bits(x))
		}
		return b, nil
	}
	return nil, fmt.Errorf("key %s: cannot write a %T", k.Key, k.Value)
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// Metadata is a file's keys.
type Metadata map[string]any

// Keys lists the keys, sorted.
func (m Metadata) Keys() []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// String gives a text, "" when the key is absent or no text.
func (m Metadata) String(key string) string {
	s, _ := m[key].(string)
	return s
}

// Bool gives a truth value.
func (m Metadata) Bool(key string) (v, ok bool) {
	v, ok = m[key].(bool)
	return v, ok
}

// Int gives an integer of any width that fits an int.
func (m Metadata) Int(key string) (int, bool) {
	switch v := m[key].(type) {
	case uint64:
		return int(v), v <= math.MaxInt
	case int64:
		return int(v), int64(int(v)) == v
	}
	return 0, false
}

// Float gives a number.
func (m Metadata) Float(key string) (float64, bool) {
	v, ok := m[key].(float64)
	return v, ok
}

// Strings gives a list of texts, nil when absent.
func (m Metadata) Strings(key string) []string {
	s, _ := m[key].([]string)
	return s
}

// Floats gives a list of numbers, nil when absent.
func (m Metadata) Floats(key string) []float32 {
	v, _ := m[key].([]float64)
	if v == nil {
		return nil
	}
	out := make([]float32, len(v))
	for i, f := range v {
		out[i] = float32(f)
	}
	return out
}

// Ints gives a list of integers, nil when absent.
func (m Metadata) Ints(key string) []int32 {
	switch v := m[key].(type) {
	case []int64:
		return narrow(v)
	case []uint64:
		return narrow(v)
	}
	return nil
}

func narrow[T int64 | uint64](v []T) []int32 {
	out := make([]int32, len(v))
	for i, x := range v {
		out[i] = int32(x)
	}
	return out
}
