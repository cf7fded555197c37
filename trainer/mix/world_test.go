package mix

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sluice/schemas"
)

// A world is texts by domain, for training and validation.
type world struct {
	names        []string
	train, valid map[string][]string
}

// planted reads one of the four worlds of the shared test data.
func planted(t testing.TB, name string) *world {
	t.Helper()
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	w := &world{train: map[string][]string{}, valid: map[string][]string{}}
	for _, part := range []string{"train", "valid"} {
		f, err := os.Open(filepath.Join(shared, "data/mixing", name, part+".jsonl.gz"))
		if os.IsNotExist(err) {
			t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 1<<24)
		for s.Scan() {
			var r struct{ ID, Domain, Text string }
			if err := json.Unmarshal(s.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if part == "train" {
				if len(w.train[r.Domain]) == 0 {
					w.names = append(w.names, r.Domain)
				}
				w.train[r.Domain] = append(w.train[r.Domain], r.Text)
			} else {
				w.valid[r.Domain] = append(w.valid[r.Domain], r.Text)
			}
		}
	}
	return w
}

// own is a small world of our own: two languages of different grammar, and noise.
func own() *world {
	w := &world{names: []string{"cart", "noise", "tide"}, train: map[string][]string{}, valid: map[string][]string{}}
	rng := rand.New(rand.NewPCG(5, 5))
	words := map[string][]string{"cart": {"wheel ", "axle ", "the ", "of ", "grease ", "turns ", "slowly "}, "tide": {"ebb, ", "flow, ", "moon; ", "and ", "low "}}
	for _, n := range w.names {
		for i := range 120 {
			var b []byte
			for len(b) < 320 {
				if n == "noise" {
					b = append(b, byte('!'+rng.IntN(64)))
				} else {
					b = append(b, words[n][rng.IntN(len(words[n]))]...)
				}
			}
			if i < 100 {
				w.train[n] = append(w.train[n], string(b))
			} else {
				w.valid[n] = append(w.valid[n], string(b))
			}
		}
	}
	return w
}

func (w *world) env(steps int64, seed uint64) Env {
	e := Env{Steps: steps, Batch: 1, Seed: seed, Records: func(domain int) iter.Seq2[*schemas.Record, error] {
		return func(yield func(*schemas.Record, error) bool) {
			for _, s := range w.train[w.names[domain]] {
				if !yield(&schemas.Record{Text: s, Scores: map[string]float64{"quality": .5 + .1*float64(domain)}}, nil) {
					return
				}
			}
		}
	}}
	for _, n := range w.names {
		chars := 0
		for _, s := range w.train[n] {
			chars += len(s)
		}
		e.Domains = append(e.Domains, Domain{Name: n, Examples: int64(chars / window), Tokens: int64(chars)})
	}
	return e
}

// window is how many characters make an example.
const window = 300

// A student is a model of characters that learns online: interpolated 1- to 4-grams (Witten, Bell 1991) over bytes.
type student struct {
	count [1 << 20]uint16 // of (context, character), hashed
	total [1 << 16]uint16 // of contexts
	kinds [1 << 16]uint16 // different characters after a context
}

// slots gives where a context and its character are counted; h is a hash of the context.
func (s *student) slots(h uint64, c byte) (pair, context uint32) {
	x := (h ^ h>>29) * 0xbf58476d1ce4e5b9
	return uint32((x^uint64(c)*0x9e3779b97f4a7c15)*0x94d049bb133111eb>>40) & (1<<20 - 1), uint32(x>>48) & (1<<16 - 1)
}

// read gives the mean loss of a text in nats a character, and learns it when asked.
func (s *student) read(b []byte, learn bool) float64 {
	loss := 0.
	for i, c := range b {
		p := 1. / 128
		var pairs, contexts [4]uint32
		h := uint64(0)
		for n := range min(4, i+1) {
			if n > 0 {
				h = h<<8 | uint64(b[i-n]) + 1
			}
			pair, context := s.slots(h+uint64(n)<<40, c)
			pairs[n], contexts[n] = pair, context
			if t := float64(s.total[context]); t > 0 {
				k := max(1, float64(s.kinds[context])) // collisions may hide a kind
				p = (float64(s.count[pair]) + k*p) / (t + k)
			}
		}
		loss -= math.Log(p)
		if !learn {
			continue
		}
		for n := range min(4, i+1) {
			if s.total[contexts[n]] == math.MaxUint16 {
				continue
			}
			if s.count[pairs[n]] == 0 {
				s.kinds[contexts[n]]++
			}
			s.count[pairs[n]]++
			s.total[contexts[n]]++
		}
	}
	return loss / float64(len(b))
}

// course is how a training went.
type course struct {
	shares []float64 // of the picks
	losses []float64 // of every domain on its validation texts; NaN where there are none
}

// mean is the mean loss over domains, but for those named.
func (c course) mean(w *world, but ...string) float64 {
	sum, n := 0., 0.
	for i, l := range c.losses {
		skip := math.IsNaN(l)
		for _, b := range but {
			skip = skip || w.names[i] == b
		}
		if !skip {
			sum += l
			n++
		}
	}
	return sum / n
}

// learn trains a student with a mixer that is open. Every domain is read in order of a seeded shuffle, window by window, over and over.
func (w *world) learn(t testing.TB, m Mixer, steps int64, seed uint64) course {
	t.Helper()
	k := len(w.names)
	text := make([][]byte, k)
	next := make([]int, k)
	for i, n := range w.names {
		docs := append([]string{}, w.train[n]...)
		rand.New(rand.NewPCG(seed, uint64(i))).Shuffle(len(docs), func(a, b int) { docs[a], docs[b] = docs[b], docs[a] })
		for _, d := range docs {
			text[i] = append(append(text[i], d...), '\n')
		}
	}
	s := &student{}
	measure := func() []float64 {
		losses := make([]float64, k)
		for i, n := range w.names {
			losses[i] = math.NaN()
			sum, chars := 0., 0.
			for _, d := range w.valid[n] {
				sum += s.read([]byte(d), false) * float64(len(d))
				chars += float64(len(d))
			}
			if chars > 0 {
				losses[i] = sum / chars
			}
		}
		return losses
	}
	c := course{shares: make([]float64, k)}
	for step := range steps {
		i := m.Pick(step, rand.New(rand.NewPCG(seed, uint64(step)<<8)))
		c.shares[i] += 1 / float64(steps)
		if next[i]+window > len(text[i]) {
			next[i] = 0
		}
		m.Learn(step, i, s.read(text[i][next[i]:next[i]+window], true))
		next[i] += window
		if v, ok := m.(Validator); ok && v.Due(step+1) {
			v.Validate(step+1, measure())
		}
	}
	c.losses = measure()
	return c
}

// trial is a [Trial] on this world.
func (w *world) trial(t testing.TB) Trial {
	return func(_ context.Context, m Mixer, steps int64, seed uint64) ([]float64, error) {
		if err := Open(m, w.env(steps, seed)); err != nil {
			return nil, err
		}
		return w.learn(t, m, steps, seed).losses, nil
	}
}
