//go:build unix

package mask

import (
	"testing"

	"sluice/trainer/usage"
)

// BenchmarkMask masks short records at 15 %, by every masker.
func BenchmarkMask(b *testing.B) {
	for _, name := range Catalog.Names() {
		b.Run(name, func(b *testing.B) {
			all := corpus(2000, 126)
			m := opened(b, name, all)
			in, counts := make([]int32, 256), make([]bool, 256)
			b.ReportAllocs()
			tokens, r, start := 0, 0, usage.CPU()
			for b.Loop() {
				x := all[r%len(all)]
				m.Mask(x, NewBits(1, r/len(all), uint64(r)), in[:len(x.IDs)], counts[:len(x.IDs)])
				tokens += len(x.IDs)
				r++
			}
			b.ReportMetric(float64(tokens)/(usage.CPU()-start).Seconds(), "tokens/cpu-s")
		})
	}
}
