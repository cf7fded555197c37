package generators

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"sluice/schemas"
)

// draw returns the random numbers of one sample: a function of the run's seed, the stage, the record, the round of revisits and the
// sample, so that the number of workers and the order of their work never change what is made.
func draw(seed uint64, stage string, r *schemas.Record, sample int) *rand.Rand {
	h := sha256.New()
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	binary.LittleEndian.PutUint64(b[8:], uint64(r.Origin.Round))
	binary.LittleEndian.PutUint64(b[16:], uint64(sample))
	h.Write(b[:])
	h.Write(r.ID[:])
	h.Write([]byte(stage))
	sum := h.Sum(b[:0])
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))
}

// roundAttempt numbers the requests of a record: another sample, or the same in a later round, is another request.
func roundAttempt(r *schemas.Record, sample int) int { return r.Origin.Round<<12 | sample }

// maxSamples keeps samples apart from rounds in an attempt's number.
const maxSamples = 1 << 12
