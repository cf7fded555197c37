package generators

import (
	"fmt"
	"math"
	"testing"
)

// Every sampler keeps its range and comes near its distribution.
func TestSamplers(t *testing.T) {
	seeds := seedsOf("x|l")
	g := open(t, "columns", `{samples: 4000, columns: [{name: i, int: {min: -2, max: 2}}, {name: g, gaussian: {mean: 5, std: 2, max: 9}},
		{name: w, weighted: {a: 3, b: 1, c: 0}}, {name: p, bernoulli: 0.2}, {name: d, datetime: {from: 2024-02-28, to: 2024-03-02}},
		{name: c, category: [1, 2.5]}, {name: u, uniform: {min: 1, max: 2, round: 1}}]}`, seeds, nil)
	made, err := g.Generate(t.Context(), seeds[0])
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	mean := 0.0
	for _, r := range made {
		if r.Failure != nil {
			t.Fatal(r.Failure)
		}
		for _, k := range []string{"i", "w", "p", "d", "c"} {
			count[fmt.Sprintf("%s=%v", k, r.Columns[k])]++
		}
		v := r.Columns["g"].(float64)
		mean += v / float64(len(made))
		if u := r.Columns["u"].(float64); v > 9 || u < 1 || u > 2 || math.Abs(u*10-math.Round(u*10)) > 1e-9 {
			t.Fatal(v, u)
		}
	}
	near := func(key string, share float64) {
		if got := float64(count[key]) / float64(len(made)); math.Abs(got-share) > 0.04 {
			t.Errorf("%s: %.3f, want about %.3f", key, got, share)
		}
	}
	for i := -2; i <= 2; i++ {
		near(fmt.Sprintf("i=%d", i), 0.2)
	}
	near("w=a", 0.75)
	near("w=b", 0.25)
	near("w=c", 0)
	near("p=true", 0.2)
	near("d=2024-02-29", 1.0/3)
	near("d=2024-03-01", 1.0/3)
	near("c=1", 0.5)
	if math.Abs(mean-5) > 0.2 {
		t.Errorf("mean %.2f, want about 5", mean)
	}
}
