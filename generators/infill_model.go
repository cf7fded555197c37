package generators

import (
	"math"
	"math/rand/v2"
	"sync"

	"sluice/trainer/kernel"
	"sluice/trainer/model"
	"sluice/trainer/tensor"
	"sluice/trainer/tokenizer"
)

// learned is what [Infill.Fit] has made: a masked language model and the words that it may insert. Several goroutines may ask it at once.
type learned struct {
	tok    *tokenizer.Tokenizer
	model  *model.Model
	set    kernel.Set
	words  []insertable
	files  map[string][]byte // learnedFiles by name
	voices sync.Pool         // of *voice: a model and its engine answer one question at a time
}

// insertable is a word that is a single token.
type insertable struct {
	ID   int32  `json:"id"`
	Text string `json:"text"` // in its usual spelling
}

type voice struct {
	engine *tensor.CPU
	model  *model.Model
}

// infilled is a copy at work.
type infilled struct {
	words  *words
	rng    *rand.Rand
	gaps   []int       // where words go in, ascending: before this word
	logits [][]float32 // what the model thinks of every insertable word, by gap
}

// infillPass is how many rows are asked at a time.
const infillPass = 32

// asked is a row of tokens and the copy that it is of.
type asked struct {
	ids   []int32
	masks []int32 // places of [MASK] in ids
	of    *infilled
}

// guess fills in the logits of copies of one text. What it asks depends on these copies alone, so equal copies get equal bits.
func (l *learned) guess(copies []*infilled) error {
	v, _ := l.voices.Get().(*voice)
	if v == nil {
		v = &voice{tensor.NewCPU(tensor.Options{Set: l.set, Threads: 1}), l.model.Clone()}
	}
	defer l.voices.Put(v)
	var word [][]int32
	for _, w := range copies[0].words.word {
		ids := l.tok.AppendIDs(nil, w, false)
		word = append(word, ids[:min(len(ids), infillRow-4)])
	}
	var rows []asked
	for _, c := range copies {
		rows = append(rows, l.rows(c, word)...)
	}
	for len(rows) > 0 {
		n := min(len(rows), infillPass)
		if err := l.ask(v, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// rows writes a copy as rows of tokens with [MASK] in its gaps: one row, or for a text that is longer than a row several, cut between words; those
// without a gap are left out.
func (l *learned) rows(c *infilled, word [][]int32) (rows []asked) {
	s := l.tok.Special()
	row := asked{ids: []int32{s.CLS}, of: c}
	flush := func() {
		if len(row.masks) > 0 {
			row.ids = append(row.ids, s.SEP)
			rows = append(rows, row)
		}
		row = asked{ids: []int32{s.CLS}, of: c}
	}
	gaps := c.gaps
	for i := range len(word) + 1 {
		var next []int32
		if i < len(word) {
			next = word[i]
		}
		if len(row.ids)+len(next)+2 > infillRow { // a mask and [SEP] besides
			flush()
		}
		if len(gaps) > 0 && gaps[0] == i {
			gaps = gaps[1:]
			row.masks = append(row.masks, int32(len(row.ids)))
			row.ids = append(row.ids, s.MASK)
		}
		row.ids = append(row.ids, next...)
	}
	flush()
	return rows
}

// ask runs the model on rows and gives their copies the logits, in order.
func (l *learned) ask(v *voice, rows []asked) error {
	in := model.Input{Batch: len(rows)}
	for _, r := range rows {
		in.Time = max(in.Time, len(r.ids))
	}
	in.IDs = make([]int32, in.Batch*in.Time) // padding is [PAD], which is 0, and not looked at
	var at []int32
	var of []*infilled
	for b, r := range rows {
		copy(in.IDs[b*in.Time:], r.ids)
		in.Lengths = append(in.Lengths, int32(len(r.ids)))
		for _, m := range r.masks {
			at, of = append(at, int32(b*in.Time)+m), append(of, r.of)
		}
	}
	return v.engine.Infer(func(g *tensor.Graph) {
		y := v.model.LogitsAt(g, in, at)
		all, vocab := y.Value(), y.Dim(-1)
		for i, c := range of {
			some := make([]float32, len(l.words))
			for k, w := range l.words {
				some[k] = all[i*vocab+int(w.ID)]
			}
			c.logits = append(c.logits, some)
		}
	})
}

// draw draws one of the top likeliest words that are not barred (in lower case), by softmax(logit/temperature); "" when all are barred.
func (l *learned) draw(logits []float32, top int, temperature float64, rng *rand.Rand, barred map[string]bool) string {
	best := make([]int, 0, top+1) // likeliest first, ties in order of the words
	for i, z := range logits {
		if len(best) == top && z <= logits[best[top-1]] || barred[plain(l.words[i].Text)] {
			continue
		}
		k := len(best)
		for k > 0 && z > logits[best[k-1]] {
			k--
		}
		best = append(best[:k], append([]int{i}, best[k:]...)...)
		best = best[:min(len(best), top)]
	}
	if len(best) == 0 {
		return ""
	}
	sum := 0.
	chances := make([]float64, len(best))
	for k, i := range best {
		chances[k] = math.Exp(float64(logits[i]-logits[best[0]]) / temperature)
		sum += chances[k]
	}
	u := rng.Float64() * sum
	for k, p := range chances {
		if u -= p; u < 0 {
			return l.words[best[k]].Text
		}
	}
	return l.words[best[len(best)-1]].Text
}
