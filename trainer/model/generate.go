package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/trainer/tensor"
)

// A Decoder turns ids into text: a tokenizer.
type Decoder interface {
	Decode(ids []int32, skipSpecial bool) string
}

// A Completion is the answer to one prompt.
type Completion struct {
	IDs  []int32 // without the prompt and without the token that ended it
	Text string  // of IDs, cut before a stop text
	End  string  // why it ended: eos, stop, length
}

// Generate continues prompts, each at least one token long, all in one batch. The answer to a prompt is a function of the weights, the prompts, the sampling
// and the kernel set. emit, when not nil, is shown every new token of every prompt; when it returns false, generation ends early with what is there.
func (m *Model) Generate(ctx context.Context, e tensor.Engine, prompts [][]int32, s Sampling, d Decoder, emit func(prompt int, token int32) bool) ([]Completion, error) {
	if m.Config.Head != CausalLM {
		return nil, fmt.Errorf("a %s with a %s head does not generate", m.Config.Family, m.Config.Head)
	}
	if len(prompts) == 0 {
		return nil, nil
	}
	if s.EOS == nil {
		s.EOS = m.Config.EOS
	}
	if s.MaxTokens <= 0 {
		s.MaxTokens = 256
	}
	r := &generation{m: m, s: s, d: d, emit: emit, out: make([]Completion, len(prompts)), seen: make([]map[int32]bool, len(prompts))}
	longest := 0
	for i, p := range prompts {
		if len(p) == 0 || len(p) > m.Config.MaxTokens() {
			return nil, fmt.Errorf("prompt %d has %d tokens, want 1 to %d", i, len(p), m.Config.MaxTokens())
		}
		longest = max(longest, len(p))
		r.seen[i] = map[int32]bool{}
		for _, id := range p {
			if id < 0 || int(id) >= m.Config.Vocab {
				return nil, fmt.Errorf("prompt %d: token %d is not in the vocabulary of %d", i, id, m.Config.Vocab)
			}
			r.seen[i][id] = true
		}
	}
	k := newCache(m.Config, len(prompts), min(longest+s.MaxTokens, m.Config.MaxTokens()))
	in := Input{Batch: len(prompts), Time: longest, IDs: make([]int32, len(prompts)*longest), Lengths: make([]int32, len(prompts))}
	for i, p := range prompts {
		in.Lengths[i] = int32(copy(in.IDs[i*longest:], p))
	}
	for step := 0; ; step++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var fresh []int32
		if err := e.Infer(func(g *tensor.Graph) { fresh = r.step(m.next(g, in, k).Value(), step, k) }); err != nil {
			return nil, err
		}
		if fresh == nil {
			for i := range r.out {
				if c := &r.out[i]; d != nil && c.End != "stop" {
					c.Text = d.Decode(c.IDs, true)
				}
			}
			return r.out, nil
		}
		in = Input{Batch: len(prompts), Time: 1, IDs: fresh, Lengths: make([]int32, len(prompts))}
		for i := range in.Lengths {
			in.Lengths[i] = 1
		}
	}
}

// A generation is the state of Generate.
type generation struct {
	m    *Model
	s    Sampling
	d    Decoder
	emit func(prompt int, token int32) bool
	out  []Completion
	seen []map[int32]bool
	buf  []choice
}

// step chooses a token for every prompt that has not ended and gives the next input, nil when all have ended.
func (r *generation) step(logits []float32, step int, k *cache) []int32 {
	vocab := r.m.Config.Vocab
	fresh, open := make([]int32, len(r.out)), false
	for i := range r.out {
		if r.out[i].End != "" {
			if int(k.used[i]) == k.room {
				k.used[i]-- // a row that has ended goes on in place
			}
			continue
		}
		id := r.s.choose(logits[i*vocab:(i+1)*vocab], r.seen[i], r.s.uniform(i, step), &r.buf)
		r.seen[i][id] = true
		if fresh[i] = id; !r.take(i, id) {
			clear(fresh)
			return r.quit()
		}
		if r.out[i].End == "" && (len(r.out[i].IDs) == r.s.MaxTokens || int(k.used[i]) == k.room) {
			r.out[i].End = "length"
		}
		if r.out[i].End == "" {
			open = true
		} else if int(k.used[i]) == k.room {
			k.used[i]--
		}
	}
	if !open {
		return nil
	}
	return fresh
}

// take adds a token to an answer; false when the caller wants no more.
func (r *generation) take(i int, id int32) bool {
	c := &r.out[i]
	if slices.Contains(r.s.EOS, id) {
		c.End = "eos"
		return true
	}
	c.IDs = append(c.IDs, id)
	if r.stopped(c.IDs) {
		if text, found := r.cut(r.d.Decode(c.IDs, true)); found {
			c.Text, c.End = text, "stop"
		}
	}
	return r.emit == nil || r.emit(i, id)
}

// stopped tells whether a stop text may lie in the newest tokens: as many as its bytes, and some for those that have no text.
func (r *generation) stopped(ids []int32) bool {
	if r.d == nil || len(r.s.Stop) == 0 {
		return false
	}
	tail := 16
	for _, stop := range r.s.Stop {
		tail = max(tail, len(stop)+16)
	}
	_, found := r.cut(r.d.Decode(ids[max(0, len(ids)-tail):], true))
	return found
}

// cut gives the text before the first stop text.
func (r *generation) cut(text string) (string, bool) {
	first := -1
	for _, stop := range r.s.Stop {
		if at := strings.Index(text, stop); stop != "" && at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	if first < 0 {
		return text, false
	}
	return text[:first], true
}

// quit ends every answer that has not ended.
func (r *generation) quit() []int32 {
	for i := range r.out {
		if r.out[i].End == "" {
			r.out[i].End = "length"
		}
	}
	return nil
}
