package tokenizer

import "math/rand/v2"

// piece is a word for the model, or an added token found in the text.
type piece struct {
	segment
	id     int32 // of the added token; -1 for a word
	lo, hi int32 // of the added token, in the original, when offsets are wanted
}

// eachPiece calls emit with the pieces of text in order.
func (t *Tokenizer) eachPiece(text string, offsets bool, w *work, emit func(piece)) {
	word := func(s segment) { emit(piece{segment: s, id: -1}) }
	plain := func(lo, hi int) {
		seg := t.normalized(text[lo:hi], lo, offsets)
		if !t.added.hasNorm {
			t.pre.each(seg, &w.parts, word)
			return
		}
		find(&t.added.normalized, seg.s, func(lo, hi int, a *AddedToken) {
			if a == nil {
				t.pre.each(seg.cut(lo, hi), &w.parts, word)
				return
			}
			p := piece{id: a.ID}
			if offsets && lo < hi {
				p.lo, p.hi = seg.from[lo], seg.to[hi-1]
			}
			emit(p)
		})
	}
	if !t.added.hasRaw {
		plain(0, len(text))
		return
	}
	find(&t.added.raw, text, func(lo, hi int, a *AddedToken) {
		if a == nil {
			plain(lo, hi)
			return
		}
		emit(piece{id: a.ID, lo: int32(lo), hi: int32(hi)})
	})
}

// normalized returns the normalised form of s, which stands at base in the original.
func (t *Tokenizer) normalized(s string, base int, offsets bool) segment {
	if t.norm == nil || t.normal != nil && t.normal(s) {
		return plainSegment(s, base, offsets)
	}
	if !offsets && t.ascii != nil {
		if out, ok := t.ascii.apply(s); ok {
			return segment{s: out, base: int32(base)}
		}
	}
	txt := newText(s, base, make([]glyph, 0, len(s)))
	t.norm.normalize(&txt)
	return txt.segment(offsets)
}

// plainSegment is a text that stands for itself: each byte for its whole character.
func plainSegment(s string, base int, offsets bool) segment {
	seg := segment{s: s, base: int32(base)}
	if !offsets {
		return seg
	}
	seg.from, seg.to = make([]int32, len(s)), make([]int32, len(s))
	classes := sharedClasses()
	for i := 0; i < len(s); {
		_, n := classes.at(s, i)
		for j := i; j < i+n; j++ {
			seg.from[j], seg.to[j] = int32(base+i), int32(base+i+n)
		}
		i += n
	}
	return seg
}

// AppendIDs appends the ids of text to dst; addSpecial puts the template's tokens (such as [CLS] and [SEP]) around
// them. It is the fast way: no offsets are kept.
func (t *Tokenizer) AppendIDs(dst []int32, text string, addSpecial bool) []int32 {
	w := t.works.Get().(*work)
	defer t.works.Put(w)
	if addSpecial {
		dst = t.post.single.appendBefore(dst)
	}
	t.eachPiece(text, false, w, func(p piece) {
		if p.id >= 0 {
			dst = append(dst, p.id)
			return
		}
		for i := 0; i < len(p.s); {
			j := len(p.s)
			if t.cut != nil {
				j = t.cut(p.s, i)
			}
			for _, tok := range t.cache.tokens(t.model, w, p.s[i:j]) {
				dst = append(dst, tok.id)
			}
			i = j
		}
	})
	if addSpecial {
		dst = t.post.single.appendAfter(dst)
	}
	return dst
}

// AppendDropout is [Tokenizer.AppendIDs] with BPE-dropout: each merge is passed over with probability p, so that
// the same word is cut in many ways (Provilkov et al. 2020, arXiv 1910.13267). The result is a function of the text
// and the state of r. Models other than BPE have no merges and ignore p.
func (t *Tokenizer) AppendDropout(dst []int32, text string, addSpecial bool, p float64, r *rand.Rand) []int32 {
	if _, ok := t.model.(*bpe); !ok || p <= 0 {
		return t.AppendIDs(dst, text, addSpecial)
	}
	w := &work{dropout: p, random: r}
	if addSpecial {
		dst = t.post.single.appendBefore(dst)
	}
	t.eachPiece(text, false, w, func(p piece) {
		if p.id >= 0 {
			dst = append(dst, p.id)
			return
		}
		w.tokens = t.model.tokenize(w, p.s, w.tokens[:0])
		for _, tok := range w.tokens {
			dst = append(dst, tok.id)
		}
	})
	if addSpecial {
		dst = t.post.single.appendAfter(dst)
	}
	return dst
}
