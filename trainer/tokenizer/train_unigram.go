package tokenizer

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// unigramTrainer fits a Unigram vocabulary to counted words as SentencePiece does: from many seeds, by rounds of
// expectation maximisation with a sparse prior, each followed by dropping the pieces whose loss costs least
// likelihood (Kudo 2018, arXiv 1804.10959, section 3.2).
type unigramTrainer struct {
	words    []wordCount
	alphabet []string // kept whatever happens
	maxPiece int
	pieces   []scoredPiece
	index    *trie
	low      float64 // the score of an unknown character
	required map[string]bool
}

// scoredPiece is a token and its log probability (of seeds: count × length).
type scoredPiece struct {
	text  string
	score float64
}

const (
	seedLimit     = 1_000_000
	rounds        = 2   // of expectation maximisation before each pruning
	shrink        = 0.8 // what a pruning leaves
	rareThreshold = 0.5 // expected count below which a piece goes
)

// train returns size pieces at most, the most probable first.
func (u *unigramTrainer) train(size int) []scoredPiece {
	u.seed()
	enough := size * 11 / 10
	for {
		for range rounds {
			u.maximize(u.expect())
		}
		if len(u.pieces) <= enough {
			break
		}
		before := len(u.pieces)
		u.prune(max(enough, int(shrink*float64(before))))
		if len(u.pieces) == before {
			break
		}
	}
	return u.finish(size)
}

// seed starts with all characters and the repeated substrings.
func (u *unigramTrainer) seed() {
	u.required = map[string]bool{}
	counts := map[string]int{}
	for _, w := range u.words {
		for _, r := range w.text {
			counts[string(r)] += w.count
		}
	}
	for _, c := range u.alphabet {
		u.required[c] = true
		u.pieces = append(u.pieces, scoredPiece{c, float64(counts[c])})
	}
	for _, p := range seedPieces(u.words, u.maxPiece, seedLimit) {
		if utf8.RuneCountInString(p.text) > 1 {
			u.pieces = append(u.pieces, p)
		}
	}
	sum := 0.0
	for _, p := range u.pieces {
		sum += p.score
	}
	for i, p := range u.pieces {
		u.pieces[i].score = math.Log(p.score) - math.Log(sum)
	}
	u.reindex()
}

func (u *unigramTrainer) reindex() {
	u.low = 0
	entries := make([]trieEntry, len(u.pieces))
	for i, p := range u.pieces {
		entries[i] = trieEntry{p.text, int32(i)}
		u.low = min(u.low, p.score)
	}
	u.index = newTrie(entries)
	u.low -= unknownPenalty
}

// edge is a piece at a place of a word.
type edge struct {
	lo, hi int32
	id     int32 // -1: a character that no piece covers
}

// edges appends the pieces at all places of s, ascending by lo.
func (u *unigramTrainer) edges(s string, out []edge) []edge {
	for at := 0; at < len(s); {
		_, width := utf8.DecodeRuneInString(s[at:])
		single := false
		node := int32(0)
		for i := at; i < len(s); i++ {
			if node = u.index.step(node, s[i]); node == 0 {
				break
			}
			if id := u.index.id[node]; id >= 0 {
				out = append(out, edge{int32(at), int32(i + 1), id})
				single = single || i+1 == at+width
			}
		}
		if !single {
			out = append(out, edge{int32(at), int32(at + width), -1})
		}
		at += width
	}
	return out
}

func (u *unigramTrainer) score(id int32) float64 {
	if id < 0 {
		return u.low
	}
	return u.pieces[id].score
}

// expect returns the expected count of each piece over all segmentations of all words (forward-backward). The sums
// run over probabilities; only for words too long for that they run over logarithms.
func (u *unigramTrainer) expect() []float64 {
	counts := make([]float64, len(u.pieces))
	prob := make([]float64, len(u.pieces))
	for i, p := range u.pieces {
		prob[i] = math.Exp(p.score)
	}
	unknown := math.Exp(u.low)
	var alpha, beta []float64
	var edges []edge
	for _, w := range u.words {
		n := len(w.text)
		edges = u.edges(w.text, edges[:0])
		alpha, beta = resized(alpha, n+1, 0), resized(beta, n+1, 0)
		alpha[0], beta[n] = 1, 1
		of := func(id int32) float64 {
			if id < 0 {
				return unknown
			}
			return prob[id]
		}
		for _, e := range edges {
			alpha[e.hi] += alpha[e.lo] * of(e.id)
		}
		if alpha[n] < 1e-290 {
			u.expectLong(edges, n, float64(w.count), counts)
			continue
		}
		for i := len(edges) - 1; i >= 0; i-- {
			beta[edges[i].lo] += beta[edges[i].hi] * of(edges[i].id)
		}
		scale := float64(w.count) / alpha[n]
		for _, e := range edges {
			if e.id >= 0 {
				counts[e.id] += alpha[e.lo] * prob[e.id] * beta[e.hi] * scale
			}
		}
	}
	return counts
}

// expectLong is expect for one word of n bytes, by logarithms.
func (u *unigramTrainer) expectLong(edges []edge, n int, count float64, counts []float64) {
	alpha, beta := resized(nil, n+1, math.Inf(-1)), resized(nil, n+1, math.Inf(-1))
	alpha[0], beta[n] = 0, 0
	for _, e := range edges {
		alpha[e.hi] = logAdd(alpha[e.hi], alpha[e.lo]+u.score(e.id))
	}
	for i := len(edges) - 1; i >= 0; i-- {
		e := edges[i]
		beta[e.lo] = logAdd(beta[e.lo], beta[e.hi]+u.score(e.id))
	}
	for _, e := range edges {
		if e.id >= 0 {
			counts[e.id] += count * math.Exp(alpha[e.lo]+u.score(e.id)+beta[e.hi]-alpha[n])
		}
	}
}

// resized returns a slice of n times x, in the memory of s if that is enough.
func resized(s []float64, n int, x float64) []float64 {
	s = slices.Grow(s[:0], n)[:n]
	for i := range s {
		s[i] = x
	}
	return s
}

// logAdd returns log(eˣ + eʸ).
func logAdd(x, y float64) float64 {
	if x < y {
		x, y = y, x
	}
	if math.IsInf(y, -1) || x-y > 50 {
		return x
	}
	return x + math.Log1p(math.Exp(y-x))
}

// maximize makes probabilities of counts. Digamma instead of the logarithm takes from the rare pieces, as a sparse
// prior would; pieces that are hardly expected go, characters stay.
func (u *unigramTrainer) maximize(counts []float64) {
	kept := u.pieces[:0]
	sum := 0.0
	for i, p := range u.pieces {
		if counts[i] < rareThreshold {
			if !u.required[p.text] {
				continue
			}
			counts[i] = rareThreshold
		}
		kept = append(kept, scoredPiece{p.text, counts[i]})
		sum += counts[i]
	}
	u.pieces = kept
	for i, p := range kept {
		kept[i].score = digamma(p.score) - digamma(sum)
	}
	u.reindex()
}

// digamma is the derivative of the logarithm of the gamma function, by its asymptotic series at x ≥ 7 (Bernardo
// 1976, AS 103) and the recurrence ψ(x) = ψ(x+1) - 1/x below.
func digamma(x float64) float64 {
	r := 0.0
	for ; x < 7; x++ {
		r -= 1 / x
	}
	f := 1 / (x * x)
	return r + math.Log(x) - 1/(2*x) - f*(1.0/12-f*(1.0/120-f*(1.0/252-f*(1.0/240-f/132))))
}

// best returns the most probable segmentation of s; without leaves out the piece of that id.
func (u *unigramTrainer) best(s string, without int32, nodes []pathNode, edges []edge) ([]int32, []pathNode, []edge) {
	nodes = nodes[:0]
	for range len(s) + 1 {
		nodes = append(nodes, pathNode{from: -1})
	}
	edges = u.edges(s, edges[:0])
	for _, e := range edges {
		if e.id == without && e.id >= 0 || e.lo > 0 && nodes[e.lo].from < 0 {
			continue
		}
		if score := nodes[e.lo].score + u.score(e.id); nodes[e.hi].from < 0 || score > nodes[e.hi].score {
			nodes[e.hi] = pathNode{score, e.id, e.lo}
		}
	}
	var ids []int32
	for end := int32(len(s)); end > 0; end = nodes[end].from {
		if nodes[end].from < 0 {
			return nil, nodes, edges
		}
		ids = append(ids, nodes[end].id)
	}
	return ids, nodes, edges
}

// prune keeps the size pieces whose loss would cost most likelihood: a piece that goes is replaced by its next best
// segmentation wherever the best segmentation of a word holds it.
func (u *unigramTrainer) prune(size int) {
	freq := make([]float64, len(u.pieces))
	var nodes []pathNode
	var edges []edge
	var ids []int32
	total, words := 0.0, 0.0
	for _, w := range u.words {
		ids, nodes, edges = u.best(w.text, -1, nodes, edges)
		words += float64(w.count)
		for _, id := range ids {
			if id >= 0 {
				freq[id] += float64(w.count)
				total += float64(w.count)
			}
		}
	}
	type candidate struct {
		id   int
		loss float64
	}
	var candidates []candidate
	keep := make([]bool, len(u.pieces))
	kept := 0
	for id, p := range u.pieces {
		if u.required[p.text] {
			keep[id] = true
			kept++
			continue
		}
		if freq[id] == 0 {
			continue // no word needs it
		}
		ids, nodes, edges = u.best(p.text, int32(id), nodes, edges)
		now := math.Log(freq[id]) - math.Log(total)
		sum := math.Log(total + freq[id]*float64(len(ids)-1))
		then := 0.0
		for _, alt := range ids {
			f := freq[id]
			if alt >= 0 {
				f += freq[alt]
			}
			then += math.Log(f) - sum
		}
		candidates = append(candidates, candidate{id, freq[id] / words * (now - then)})
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.loss, a.loss) })
	for _, c := range candidates[:min(len(candidates), max(0, size-kept))] {
		keep[c.id] = true
	}
	out := u.pieces[:0]
	for id, p := range u.pieces {
		if keep[id] {
			out = append(out, p)
		}
	}
	u.pieces = out
	u.reindex()
}

// finish takes all characters and then the most probable pieces.
func (u *unigramTrainer) finish(size int) []scoredPiece {
	slices.SortFunc(u.pieces, func(a, b scoredPiece) int {
		if c := cmp.Compare(b.score, a.score); c != 0 {
			return c
		}
		return strings.Compare(a.text, b.text)
	})
	room := size - len(u.required)
	out := u.pieces[:0]
	for _, p := range u.pieces {
		if !u.required[p.text] {
			if room <= 0 {
				continue
			}
			room--
		}
		out = append(out, p)
	}
	return out
}
