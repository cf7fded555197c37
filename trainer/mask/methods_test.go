package mask

import (
	"iter"
	"math"
	"slices"
	"testing"
)

func TestWordsWorkedExample(t *testing.T) {
	x := Tokens{IDs: make([]int32, 5), Words: []bool{true, false, true, true, false}, Fixed: []bool{false, false, false, true, false}}
	if got, want := x.words(nil), []Span{{0, 2}, {2, 3}, {4, 5}}; !slices.Equal(got, want) {
		t.Errorf("words %v, want %v", got, want)
	}
}

// Lengths follow the truncated geometric distribution; their mean is 3.8.
func TestSpanLengths(t *testing.T) {
	b, n := NewBits(1, 1, 1), 200000
	sum, first := 0, 0
	for i := range n {
		w, _, _, _ := b.At(i)
		l := geometric(w, .2, 10)
		if l < 1 || l > 10 {
			t.Fatalf("length %d", l)
		}
		sum += l
		if l == 1 {
			first++
		}
	}
	if mean := float64(sum) / float64(n); math.Abs(mean-3.797) > .02 {
		t.Errorf("mean length %.3f, want 3.797", mean)
	}
	if p := float64(first) / float64(n); math.Abs(p-.2/(1-math.Pow(.8, 10))) > .005 {
		t.Errorf("length 1 with chance %.4f", p)
	}
}

// Masked tokens lie together: with runs the neighbour of a masked word is masked far more often than the rate says.
func TestSpansAreContiguous(t *testing.T) {
	all := corpus(300, 126)
	neighbours := func(name string) float64 {
		_, counts := run(opened(t, name, all), all, 1)
		n, both := 0., 0.
		for r, x := range all {
			w := x.words(nil)
			for i := 1; i < len(w); i++ {
				if counts[r][w[i-1].Start] {
					n++
					if counts[r][w[i].Start] {
						both++
					}
				}
			}
		}
		return both / n
	}
	if word, span := neighbours("word"), neighbours("span"); word > .2 || span < .6 {
		t.Errorf("a masked word's neighbour is masked with chance %.2f by word, %.2f by span", word, span)
	}
}

// ab stands 8 times in 1000 words, a 10 and b 20 times; of three words the best cut decides.
func TestPMIWorkedExample(t *testing.T) {
	a, b, c := []int32{1}, []int32{2}, []int32{3}
	counts := map[uint64]int64{name([][]int32{a}): 10, name([][]int32{b}): 20, name([][]int32{c}): 50, name([][]int32{a, b}): 8,
		name([][]int32{b, c}): 5, name([][]int32{a, b, c}): 4}
	if got := pmi(pieces([][]int32{a, b}), 2, counts, 1000); math.Abs(got-math.Log(40)) > 1e-12 {
		t.Errorf("PMI(ab) = %v, want ln 40", got)
	}
	// a|b|c: .004/(.01·.02·.05) = 400; ab|c: .004/(.008·.05) = 10; a|bc: .004/(.01·.005) = 80.
	if got := pmi(pieces([][]int32{a, b, c}), 3, counts, 1000); math.Abs(got-math.Log(10)) > 1e-12 {
		t.Errorf("PMI(abc) = %v, want ln 10", got)
	}
}

// The planted pairs are found and masked as a whole; pairs of common words are not collocations.
func TestPMIFindsCollocations(t *testing.T) {
	all := corpus(900, 126)
	m := opened(t, "pmi", all).(*PMI)
	_, counts := run(m, all, 1)
	pairs, torn := 0, 0
	for r, x := range all {
		for i := 0; i+1 < len(x.IDs); i++ {
			if w := (x.IDs[i] - 5) / 5; x.Words[i] && w >= 920 && w < 927 {
				end := i + 1
				for !x.Words[end] {
					end++
				}
				if counts[r][i] || counts[r][end] {
					pairs++
					if counts[r][i] != counts[r][end] {
						torn++
					}
				}
			}
		}
	}
	if pairs < 100 || torn > 0 {
		t.Errorf("of %d masked pairs %d are torn", pairs, torn)
	}
}

func TestRareWorkedExample(t *testing.T) {
	r := &Rare{}
	r.weigh(map[uint64]int64{1: 8, 2: 2}, 10)
	mean := -.8*math.Log(.8) - .2*math.Log(.2)
	if math.Abs(r.weight[1]+math.Log(.8)) > 1e-12 || math.Abs(r.weight[2]+math.Log(.2)) > 1e-12 || math.Abs(mean-.5004) > 1e-4 {
		t.Errorf("weights %v, want .223 and 1.609", r.weight)
	}
	r.weigh(map[uint64]int64{1: 999999, 2: 1}, 1000000)
	mean = -.999999*math.Log(.999999) - 1e-6*math.Log(1e-6)
	if math.Abs(r.weight[2]-10*mean) > 1e-12 || math.Abs(r.weight[1]-.1*mean) > 1e-12 {
		t.Errorf("weights %v are not held within .1 and 10 times %v", r.weight, mean)
	}
}

// share is how often a type is masked.
func share(m Masker, all []Tokens, id int32) float64 {
	n, masked := 0., 0.
	for epoch := range 4 {
		_, counts := run(m, all, epoch)
		for r, x := range all {
			for i, t := range x.IDs {
				if t == id {
					n++
					if counts[r][i] {
						masked++
					}
				}
			}
		}
	}
	return masked / n
}

func TestRareMasksRareWordsMore(t *testing.T) {
	all := corpus(400, 126)
	seen := map[int32]int{}
	for _, x := range all {
		for _, id := range x.IDs {
			seen[id]++
		}
	}
	m := opened(t, "rare", all)
	common, rare := share(m, all, 5), 0. // word 0 is the commonest
	for w := int32(600); w < 900; w++ {
		if id := 5 + w*5; seen[id] > 0 {
			rare = max(rare, share(m, all[:100], id))
		}
	}
	if common > .12 || rare < .2 {
		t.Errorf("the commonest word is masked at %.3f, rare ones at up to %.3f", common, rare)
	}
}

// What the model finds easy is masked less, what it finds hard more; the mean is exact.
func TestEntropyFollowsTheModel(t *testing.T) {
	all := corpus(400, 126)
	m := opened(t, "entropy", all).(*Entropy)
	before := share(m, all, 5)
	for range 40 {
		m.Learn([]int32{5, 20, 35}, []float32{.1, 4, 4})
	}
	easy, hard := share(m, all, 5), share(m, all, 20)
	if math.Abs(before-.15) > .02 || easy > .03 || hard < .15 {
		t.Errorf("masked at %.3f before, then easy %.3f and hard %.3f", before, easy, hard)
	}
	n := opened(t, "entropy", all).(*Entropy)
	n.Learn([]int32{9, 9, 9}, []float32{2, float32(math.NaN()), 4})
	if math.Abs(float64(n.mean[9])-2.2) > 1e-6 || math.Abs(n.sum-2.2) > 1e-6 || n.seen != 1 {
		t.Errorf("average %v, sum %v of %d, want 2.2", n.mean[9], n.sum, n.seen)
	}
}

func TestOpenRefuses(t *testing.T) {
	all := corpus(5, 50)
	empty := environment(all)
	empty.Corpus = func() iter.Seq[Seq] { return func(func(Seq) bool) {} }
	none := environment(all)
	none.Corpus = nil
	for name, c := range map[string]struct {
		m   Masker
		env Env
	}{
		"no mask token":     {&Word{Budget: DefaultBudget()}, Env{MaskID: -1, Vocab: 10}},
		"rate":              {&Word{Budget: Budget{Rate: 1.5}}, environment(all)},
		"shares":            {&Word{Budget: Budget{Rate: .1, MaskShare: .8, RandomShare: .3}}, environment(all)},
		"span p":            {&Runs{Budget: DefaultBudget(), Most: 3}, environment(all)},
		"pmi top":           {&PMI{Budget: DefaultBudget(), MinCount: 5}, environment(all)},
		"pmi no corpus":     {&PMI{Budget: DefaultBudget(), MinCount: 5, Top: 5}, none},
		"rare no corpus":    {&Rare{Budget: DefaultBudget()}, none},
		"rare empty":        {&Rare{Budget: DefaultBudget()}, empty},
		"entropy decay":     {&Entropy{Budget: DefaultBudget(), Decay: 1}, environment(all)},
		"nothing stands in": {&Word{Budget: DefaultBudget()}, Env{MaskID: 1, Vocab: 3, Special: special}},
	} {
		if err := Open(c.m, c.env); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
