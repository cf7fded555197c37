package tokenizer

import "slices"

// Span is a range of bytes [Start, End) in an original text.
type Span struct{ Start, End int }

// Encoding is an encoded text. All slices are of one length.
type Encoding struct {
	IDs     []int32
	Offsets []Span  // the bytes each token stands for; {0 0} for tokens of the template
	Words   []int32 // the number of the pre-tokenised word each token is part of; -1 for tokens of the template
	Types   []int32 // segment ids: with most templates 1 for the second text of a pair
	Special []bool  // whether the template put the token there
}

// Options says how to encode.
type Options struct {
	Special bool // add the tokens of the template, such as [CLS] and [SEP]
}

// Encode encodes text. Offsets and words are those of the reference, offsets in bytes.
func (t *Tokenizer) Encode(text string, o Options) Encoding {
	return t.post.single.apply([]Encoding{t.encode(text, 0)}, o.Special)
}

// EncodePair encodes two texts, such as a question and a passage, by the pair template. Each text's offsets are its own.
func (t *Tokenizer) EncodePair(a, b string, o Options) Encoding {
	return t.post.pair.apply([]Encoding{t.encode(a, 0), t.encode(b, 1)}, o.Special)
}

// encode encodes one text, without template.
func (t *Tokenizer) encode(text string, kind int32) Encoding {
	w := t.works.Get().(*work)
	defer t.works.Put(w)
	var e Encoding
	word := int32(0)
	t.eachPiece(text, true, w, func(p piece) {
		if p.id >= 0 {
			e.add(p.id, Span{int(p.lo), int(p.hi)}, word, kind, false)
		} else {
			t.encodeWord(&e, p, w, word, kind)
		}
		word++
	})
	if t.post.trim {
		trimOffsets(&e, text, t.post.prefixSpace, t.Token)
	}
	return e
}

func (t *Tokenizer) encodeWord(e *Encoding, p piece, w *work, word, kind int32) {
	for i := 0; i < len(p.s); {
		j := len(p.s)
		if t.cut != nil {
			j = t.cut(p.s, i)
		}
		for _, tok := range t.cache.tokens(t.model, w, p.s[i:j]) {
			span := Span{}
			if tok.lo < tok.hi {
				span = Span{int(p.from[i+int(tok.lo)]), int(p.to[i+int(tok.hi)-1])}
			}
			e.add(tok.id, span, word, kind, false)
		}
		i = j
	}
}

func (e *Encoding) add(id int32, span Span, word, kind int32, special bool) {
	e.IDs = append(e.IDs, id)
	e.Offsets = append(e.Offsets, span)
	e.Words = append(e.Words, word)
	e.Types = append(e.Types, kind)
	e.Special = append(e.Special, special)
}

func (e *Encoding) grow(n int) {
	e.IDs = slices.Grow(e.IDs, n)
	e.Offsets = slices.Grow(e.Offsets, n)
	e.Words = slices.Grow(e.Words, n)
	e.Types = slices.Grow(e.Types, n)
	e.Special = slices.Grow(e.Special, n)
}

// append adds all of x, as segment kind unless that is negative.
func (e *Encoding) append(x Encoding, kind int32) {
	e.IDs = append(e.IDs, x.IDs...)
	e.Offsets = append(e.Offsets, x.Offsets...)
	e.Words = append(e.Words, x.Words...)
	e.Special = append(e.Special, x.Special...)
	for _, k := range x.Types {
		if kind >= 0 {
			k = kind
		}
		e.Types = append(e.Types, k)
	}
}
