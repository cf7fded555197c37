package mask

import (
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// A world of 5,000 types: 0 to 4 are special, 4 is the mask; words of one to three tokens, Zipf-distributed, with collocations.
const (
	vocab  = 5000
	maskID = 4
)

func special(id int32) bool { return id < 5 }

// text makes a sequence of about n tokens between two special ones.
func text(rng *rand.Rand, n int) (x Tokens) {
	zipf := rand.NewZipf(rng, 1.3, 4, 900)
	add := func(ids ...int32) {
		for i, id := range ids {
			x.IDs, x.Words, x.Fixed = append(x.IDs, id), append(x.Words, i == 0), append(x.Fixed, special(id))
		}
	}
	word := func(w int) {
		ids := []int32{int32(5 + w*5), int32(6 + w*5), int32(7 + w*5)}
		add(ids[:1+w%3]...)
	}
	add(0)
	for len(x.IDs) < n {
		if w := int(zipf.Uint64()); w%10 == 7 {
			word(920 + w%7) // "prime minister": these two words come together only
			word(940 + w%7)
		} else {
			word(w)
		}
	}
	add(1)
	return x
}

func corpus(sequences, length int) (all []Tokens) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range sequences {
		all = append(all, text(rng, length))
	}
	return all
}

func environment(all []Tokens) Env {
	return Env{MaskID: maskID, Vocab: vocab, Special: special, Corpus: func() iter.Seq[Seq] {
		return func(yield func(Seq) bool) {
			for _, x := range all {
				if !yield(Seq{x.IDs, x.Words}) {
					return
				}
			}
		}
	}}
}

func opened(t testing.TB, name string, all []Tokens) Masker {
	t.Helper()
	m := Catalog[name]()
	if err := Open(m, environment(all)); err != nil {
		t.Fatal(err)
	}
	return m
}

// run masks everything once.
func run(m Masker, all []Tokens, epoch int) (in [][]int32, counts [][]bool) {
	for r, x := range all {
		i, c := make([]int32, len(x.IDs)), make([]bool, len(x.IDs))
		m.Mask(x, NewBits(23, epoch, uint64(r)), i, c)
		in, counts = append(in, i), append(counts, c)
	}
	return in, counts
}

func TestEveryMaskerHasItsFiles(t *testing.T) {
	for _, name := range Catalog.Names() {
		for _, path := range []string{name + ".go", "../../testdata/mask/" + name + ".txtar"} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
}

// The laws of every masker, over 10⁵ tokens and more.
func TestMaskers(t *testing.T) {
	all := corpus(900, 126)
	for _, name := range Catalog.Names() {
		t.Run(name, func(t *testing.T) {
			m := opened(t, name, all)
			in, counts := run(m, all, 3)
			var n, masked, both float64
			_, other := run(m, all, 4)
			for r, x := range all {
				for _, u := range x.words(nil) {
					chosen := counts[r][u.Start]
					for i := u.Start; i < u.End; i++ {
						n++
						if counts[r][i] {
							masked++
							if other[r][i] {
								both++
							}
						}
						if !counts[r][i] && in[r][i] != x.IDs[i] {
							t.Fatalf("sequence %d, position %d is changed and does not count", r, i)
						}
						if name != "token" && counts[r][i] != chosen {
							t.Fatalf("sequence %d: the word at %d is masked in part", r, u.Start)
						}
						if counts[r][i] && in[r][i] != maskID && special(in[r][i]) {
							t.Fatalf("special token %d stands in", in[r][i])
						}
					}
				}
				for i, f := range x.Fixed {
					if f && counts[r][i] {
						t.Fatalf("sequence %d: special position %d is masked", r, i)
					}
				}
			}
			rate := masked / n
			if n < 1e5 || math.Abs(rate-.15) > .005 {
				t.Errorf("rate %.4f over %.0f tokens, want .15 ± .005", rate, n)
			}
			if p := both / n; name != "rare" && math.Abs(p/(rate*rate)-1) > .1 {
				t.Errorf("overlap of two epochs %.5f, want p² = %.5f ± 10 %%", p, rate*rate)
			}
			kinds := [3]float64{} // masked, other token, unchanged: of words, or of tokens where they are masked singly
			for epoch := range 5 {
				in, counts := run(m, all, epoch)
				for r, x := range all {
					for i, id := range x.IDs {
						switch {
						case !counts[r][i] || name != "token" && !x.Words[i]:
						case in[r][i] == maskID:
							kinds[0]++
						case in[r][i] == id:
							kinds[2]++
						default:
							kinds[1]++
						}
					}
				}
			}
			// A span decides once for several words: there are fewer independent draws, so the statistic is divided by the mean length.
			total := kinds[0] + kinds[1] + kinds[2]
			chi := 0.
			for i, share := range []float64{.8, .1, .1} {
				chi += (kinds[i] - share*total) * (kinds[i] - share*total) / (share * total)
			}
			if name == "span" {
				chi /= 3.8
			}
			if chi > 9.21 { // 1 % of χ² with 2 degrees of freedom
				t.Errorf("80/10/10 is %.0f %.0f %.0f: χ² %.1f", kinds[0], kinds[1], kinds[2], chi)
			}
		})
	}
}

// A masker that is opened anew in the middle of a training masks as one that ran through, whatever came before.
func TestSameMaskAfterResume(t *testing.T) {
	all := corpus(60, 126)
	for _, name := range Catalog.Names() {
		through, resumed := opened(t, name, all), opened(t, name, all)
		for epoch := range 3 {
			in, _ := run(through, all, epoch)
			if l, ok := through.(Learner); ok {
				for r, x := range all {
					h := make([]float32, len(x.IDs))
					for i := range h {
						h[i] = float32(in[r][i]%7) * .3
					}
					l.Learn(x.IDs, h)
				}
			}
		}
		if l, ok := through.(Learner); ok {
			b, err := l.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if err := resumed.(Learner).UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if err := resumed.(Learner).UnmarshalBinary(b[1:]); err == nil {
				t.Errorf("%s: a state cut short is no error", name)
			}
		}
		slices.Reverse(all) // the order of work does not matter either
		for i, x := range all {
			a, b := make([]int32, len(x.IDs)), make([]int32, len(x.IDs))
			c := make([]bool, len(x.IDs))
			through.Mask(x, NewBits(17, 3, uint64(i)), a, c)
			resumed.Mask(x, NewBits(17, 3, uint64(i)), b, c)
			if !slices.Equal(a, b) {
				t.Fatalf("%s: sequence %d is masked otherwise after a resume", name, i)
			}
		}
	}
}

func TestScheduleAndStatic(t *testing.T) {
	all := corpus(300, 126)
	for _, name := range []string{"token", "word", "span"} {
		m := opened(t, name, all)
		b := m.(interface{ budget() *Budget }).budget()
		b.Rate, b.End = .3, .15
		for _, c := range []struct{ done, want float64 }{{0, .3}, {.5, .225}, {1, .15}} {
			n, masked := 0., 0.
			for r, x := range all {
				x.Done = c.done
				in, counts := make([]int32, len(x.IDs)), make([]bool, len(x.IDs))
				m.Mask(x, NewBits(1, 0, uint64(r)), in, counts)
				for i, is := range counts {
					if !x.Fixed[i] {
						n++
					}
					if is {
						masked++
					}
				}
			}
			if got := masked / n; math.Abs(got-c.want) > .008 {
				t.Errorf("%s: rate %.4f at %v of the training, want %.4f", name, got, c.done, c.want)
			}
		}
		b.Static = true
		one, _ := run(m, all, 1)
		two, _ := run(m, all, 2)
		for r := range one {
			if !slices.Equal(one[r], two[r]) {
				t.Fatalf("%s: static masks differ between epochs", name)
			}
		}
	}
}

// A long record is cut elsewhere in every epoch. Static masks stay with their tokens nevertheless: only the quotas of the parts differ.
func TestStaticMasksOutliveCuts(t *testing.T) {
	x := Tokens{IDs: make([]int32, 30000), Words: make([]bool, 30000)}
	for i := range x.IDs {
		x.IDs[i], x.Words[i] = int32(10+i*i%80), i%3 == 0
	}
	cut := func(m Masker, epoch, size int) []bool {
		in, counts := make([]int32, size), make([]bool, len(x.IDs))
		for at := 0; at < len(x.IDs); at += size {
			end := min(at+size, len(x.IDs))
			m.Mask(Tokens{IDs: x.IDs[at:end], Words: x.Words[at:end]}, NewBits(1, epoch, 7).From(at), in[:end-at], counts[at:end])
		}
		return counts
	}
	for _, static := range []bool{true, false} {
		m := &Token{Budget: DefaultBudget()}
		m.Static = static
		if err := Open(m, Env{MaskID: 0, Vocab: 90}); err != nil {
			t.Fatal(err)
		}
		a, b := cut(m, 1, 120), cut(m, 2, 128)
		same, all := 0., 0.
		for i := range a {
			if a[i] {
				all++
				if b[i] {
					same++
				}
			}
		}
		if share := same / all; static && share < .8 || !static && math.Abs(share-.15) > .03 {
			t.Errorf("static %v: %.2f of the masked tokens are masked again under other cuts", static, share)
		}
	}
}

func (b *Budget) budget() *Budget { return b }

// The counter-based generator equals the published vectors (Random123, kat_vectors).
func TestPhiloxKnownAnswers(t *testing.T) {
	const f = 1<<32 - 1
	for _, c := range []struct{ in, want [6]uint32 }{
		{[6]uint32{}, [6]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[6]uint32{f, f, f, f, f, f}, [6]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	} {
		a, b, d, e := philox(c.in[0], c.in[1], c.in[2], c.in[3], c.in[4], c.in[5])
		if got := [6]uint32{a, b, d, e}; got != c.want {
			t.Errorf("philox(%x) = %x, want %x", c.in, got, c.want)
		}
	}
}
