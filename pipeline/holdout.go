package pipeline

import (
	"encoding/binary"
	"math"

	"github.com/zeebo/xxh3"

	"sluice/schemas"
)

// holdout keeps a share of the seeds out of the run, stratified by label: of every 1/share rows of a label in source order
// exactly one is held out, at a place drawn by a hash of (seed, label, block). So each label keeps its share to within
// one row, a row's fate never depends on rows behind it, and appending rows changes nothing.
//
//	share 0.1: block 0 is rows 0 … 9 of the label, block 1 rows 10 … 19; one row of each goes to the test split
type holdout struct {
	seed  uint64
	share float64
}

// takes reports whether r is held out, and counts it in the cursor.
func (h holdout) takes(c *Cursor, r *schemas.Record) bool {
	if h.share <= 0 {
		return false
	}
	label := r.Label()
	k := c.Held[label]
	if c.Held == nil {
		c.Held = make(map[string]int64)
	}
	c.Held[label] = k + 1

	block := math.Floor((float64(k) + .5) * h.share) // .5: safe from rounding at block borders
	first := int64(math.Ceil(block/h.share - .5))
	size := max(1, int64(math.Ceil((block+1)/h.share-.5))-first)
	key := binary.LittleEndian.AppendUint64([]byte(label), uint64(block))
	return k == first+int64(xxh3.HashSeed(key, h.seed)%uint64(size))
}
