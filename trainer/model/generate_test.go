package model

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/tensor"
)

// letters decodes ids to letters, one byte each: 3 is "d".
type letters struct{}

func (letters) Decode(ids []int32, _ bool) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteByte(byte('a' + id%26))
	}
	return b.String()
}

// greedy continues a prompt without a cache: the whole sequence anew for every token.
func greedy(t *testing.T, e *tensor.CPU, m *Model, ids []int32, n int) []int32 {
	t.Helper()
	ids = slices.Clone(ids)
	for range n {
		if err := e.Infer(func(g *tensor.Graph) {
			z := m.Logits(g, Input{IDs: ids, Batch: 1, Time: len(ids)}).Value()
			z = z[len(z)-m.Config.Vocab:]
			ids = append(ids, int32(slices.Index(z, slices.Max(z))))
		}); err != nil {
			t.Fatal(err)
		}
	}
	return ids[len(ids)-n:]
}

// With the cache and several prompts in a batch, the tokens are those of running everything anew, prompt by prompt.
func TestCache(t *testing.T) {
	e := cpu(t, 2)
	for _, f := range []Family{GPT2, Llama} {
		c := tiny(f, CausalLM)
		c.EOS = nil
		m := fresh(t, c)
		prompts := [][]int32{{5, 6, 7, 8, 9, 10, 11}, {3}, {9, 4, 30}}
		got, err := m.Generate(t.Context(), e, prompts, Sampling{MaxTokens: 20}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range prompts {
			if want := greedy(t, e, m, p, 20); !slices.Equal(got[i].IDs, want) || got[i].End != "length" {
				t.Errorf("%s: prompt %d continues %v (%s), want %v", f, i, got[i].IDs, got[i].End, want)
			}
		}
		// A context that is full ends the answer; the other prompts go on.
		long := [][]int32{slices.Repeat([]int32{7}, 38), {3}}
		if got, err = m.Generate(t.Context(), e, long, Sampling{MaxTokens: 20}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if want := greedy(t, e, m, long[0], 3); !slices.Equal(got[0].IDs, want) || got[0].End != "length" || len(got[1].IDs) != 20 {
			t.Errorf("%s: %v (%s) and %d tokens, want %v and 20", f, got[0].IDs, got[0].End, len(got[1].IDs), want)
		}
	}
}

// Answers end at the end token, at a stop text, or where the caller has had enough; the same seed gives the same answer.
func TestGenerateEnds(t *testing.T) {
	c := tiny(Llama, CausalLM)
	c.EOS = nil
	m, e := fresh(t, c), cpu(t, 2)
	prompts := [][]int32{{5, 6, 7}, {9}}
	s := Sampling{MaxTokens: 30, Temperature: 1, Seed: 4}
	run := func(s Sampling, emit func(int, int32) bool) []Completion {
		t.Helper()
		out, err := m.Generate(t.Context(), e, prompts, s, letters{}, emit)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	free := run(s, nil)
	if again := run(s, nil); !slices.EqualFunc(free, again, func(a, b Completion) bool { return slices.Equal(a.IDs, b.IDs) && a.Text == b.Text }) {
		t.Errorf("the same seed gives %v, then %v", free, again)
	}
	other := s
	other.Seed++
	if again := run(other, nil); slices.Equal(again[0].IDs, free[0].IDs) {
		t.Error("another seed gives the same answer")
	}
	if len(free[0].IDs) != 30 || free[0].End != "length" || free[0].Text != (letters{}).Decode(free[0].IDs, true) {
		t.Errorf("free: %+v", free[0])
	}

	at := 11
	ended := s
	ended.EOS = []int32{free[0].IDs[at]}
	at = slices.Index(free[0].IDs, ended.EOS[0])
	if got := run(ended, nil); !slices.Equal(got[0].IDs, free[0].IDs[:at]) || got[0].End != "eos" {
		t.Errorf("end token: %+v, want %v", got[0], free[0].IDs[:at])
	}

	stop := s
	stop.Stop = []string{"###", free[0].Text[9:12], ""}
	at = strings.Index(free[0].Text, free[0].Text[9:12])
	if got := run(stop, nil); got[0].Text != free[0].Text[:at] || got[0].End != "stop" || len(got[0].IDs) != at+3 {
		t.Errorf("stop text: %+v, want %q", got[0], free[0].Text[:at])
	}

	n := 0
	got := run(s, func(prompt int, token int32) bool {
		if want := free[n%2].IDs[n/2]; prompt != n%2 || token != want {
			t.Errorf("token %d: %d of prompt %d, want %d", n, token, prompt, want)
		}
		n++
		return n < 5
	})
	if len(got[0].IDs) != 3 || len(got[1].IDs) != 2 || got[0].End != "length" {
		t.Errorf("interrupted: %+v", got)
	}

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Generate(cancelled, e, prompts, s, nil, nil); err == nil {
		t.Error("a cancelled context: no error")
	}
	for what, p := range map[string][][]int32{"empty": {{}}, "long": {make([]int32, 41)}, "token": {{53}}} {
		if _, err := m.Generate(t.Context(), e, p, s, nil, nil); err == nil {
			t.Errorf("%s prompt: no error", what)
		}
	}
	if _, err := fresh(t, tiny(BERT, MaskedLM)).Generate(t.Context(), e, prompts, s, nil, nil); err == nil {
		t.Error("an encoder generates")
	}
}

// Frequencies of 20,000 draws are the probabilities that the options leave: within five standard errors.
func TestSampling(t *testing.T) {
	logits := []float32{2, 1, 0, 1, -1}
	e := func(x float64) float64 { return math.Exp(x) }
	for what, c := range map[string]struct {
		s    Sampling
		seen []int32
		want []float64 // up to a factor
	}{
		"plain":         {Sampling{Temperature: 1}, nil, []float64{e(2), e(1), 1, e(1), e(-1)}},
		"warm":          {Sampling{Temperature: 2}, nil, []float64{e(1), e(.5), 1, e(.5), e(-.5)}},
		"top 2":         {Sampling{Temperature: 1, TopK: 2}, nil, []float64{e(2), e(1), 0, 0, 0}}, // of equals, the lower id
		"top 9":         {Sampling{Temperature: 1, TopK: 9}, nil, []float64{e(2), e(1), 1, e(1), e(-1)}},
		"nucleus":       {Sampling{Temperature: 1, TopP: .6}, nil, []float64{e(2), e(1), 0, 0, 0}},
		"tiny nucleus":  {Sampling{Temperature: 1, TopP: .01}, nil, []float64{1, 0, 0, 0, 0}},
		"whole nucleus": {Sampling{Temperature: 1, TopP: 1}, nil, []float64{e(2), e(1), 1, e(1), e(-1)}},
		"both":          {Sampling{Temperature: 1, TopK: 3, TopP: .99}, nil, []float64{e(2), e(1), 0, e(1), 0}},
		"penalty":       {Sampling{Temperature: 1, RepetitionPenalty: 2}, []int32{0, 4}, []float64{e(1), e(1), 1, e(1), e(-2)}},
		"greedy":        {Sampling{RepetitionPenalty: 4}, []int32{0}, []float64{0, 1, 0, 0, 0}},
	} {
		const n = 20000
		seen, counts := map[int32]bool{}, make([]int, len(logits))
		for _, id := range c.seen {
			seen[id] = true
		}
		var buf []choice
		for i := range n {
			c.s.Seed = 9
			counts[c.s.choose(slices.Clone(logits), seen, c.s.uniform(3, i), &buf)]++
		}
		sum := 0.0
		for _, w := range c.want {
			sum += w
		}
		for id, w := range c.want {
			p := w / sum
			if got := float64(counts[id]) / n; math.Abs(got-p) > 5*math.Sqrt(p*(1-p)/n) {
				t.Errorf("%s: token %d has share %.4f, want %.4f", what, id, got, p)
			}
		}
	}
}
