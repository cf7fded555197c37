package pipeline

import (
	"fmt"
	"math"
	"testing"

	"sluice/schemas"
)

// Every label keeps its share to within one row at any length, and appending rows changes no row's fate.
func TestHoldoutIsStratified(t *testing.T) {
	for _, share := range []float64{.01, .1, .3, .5, .75} {
		h := holdout{seed: 9, share: share}
		var c Cursor
		held := map[string]int{}
		for i := range 3000 {
			label := fmt.Sprint(i % 3)
			if h.takes(&c, &schemas.Record{Labels: []string{label}}) {
				held[label]++
			}
			n := float64(i/3 + 1)
			if math.Abs(float64(held[label])-share*n) > 1.5 {
				t.Fatalf("share %v: %d of %v rows of label %s held out", share, held[label], n, label)
			}
		}
	}
}
