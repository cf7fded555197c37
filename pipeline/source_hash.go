package pipeline

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"github.com/zeebo/xxh3"

	"sluice/schemas"
)

// A prefix of a file is named by a rolling hash of its rows: roll(roll(0, row 0), row 1) and so on. It is made of
// values, not of bytes, so that it is the same for every format and blind to layout, such as spaces in JSON.
func roll(h uint64, row *schemas.Row) uint64 {
	if row.Err != nil {
		return mix(h, xxh3.HashStringSeed(row.Raw+row.Err.Error(), 7))
	}
	return mix(h, hashFields(row.Values))
}

// mix puts b behind a: mix(a, b) != mix(b, a).
func mix(a, b uint64) uint64 {
	var w [16]byte
	binary.LittleEndian.PutUint64(w[:8], a)
	binary.LittleEndian.PutUint64(w[8:], b)
	return xxh3.Hash(w[:])
}

// hashFields adds up the hashes of a map's entries: the sum does not depend on their order. A null is as good as absent,
// since formats differ in which of the two they write.
func hashFields(m map[string]any) uint64 {
	var sum uint64
	for k, v := range m {
		if v != nil {
			sum += mix(xxh3.HashString(k), hashValue(v))
		}
	}
	return sum
}

// hashValue tells values of different types apart by the seed.
func hashValue(v any) uint64 {
	switch x := v.(type) {
	case string:
		return xxh3.HashStringSeed(x, 1)
	case int64:
		return mix(2, uint64(x))
	case float64:
		return mix(3, math.Float64bits(x))
	case bool:
		if x {
			return mix(4, 1)
		}
		return mix(4, 0)
	case []any:
		h := mix(5, uint64(len(x)))
		for _, e := range x {
			h = mix(h, hashValue(e))
		}
		return h
	case map[string]any:
		return mix(6, hashFields(x))
	}
	return 0
}

func hexHash(h uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], h)
	return hex.EncodeToString(b[:])
}

func parseHash(s string) (uint64, error) {
	h, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("hash %q of a source file: %w", s, err)
	}
	return h, nil
}
