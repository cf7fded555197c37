package feed

import (
	"fmt"

	"sluice/trainer/tokenizer"
)

// FIM asks for documents to be rearranged so that a decoder learns to fill in the middle (arXiv 2207.14255): cut at two places into prefix, middle and
// suffix, half of them become PRE prefix SUF suffix MID middle and half PRE SUF suffix MID prefix middle.
type FIM struct {
	Rate float64 // share of the documents
	tok  *tokenizer.Tokenizer

	pre, suf, mid int32
}

// FIMTokens are the marks, as the names of the tokens.
var FIMTokens = []string{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}

// NewFIM looks the marks up.
func NewFIM(rate float64, tok *tokenizer.Tokenizer) (*FIM, error) {
	f := &FIM{Rate: rate, tok: tok}
	if rate < 0 || rate > 1 {
		return nil, fmt.Errorf("fim is a share between 0 and 1, not %v", rate)
	}
	for i, p := range []*int32{&f.pre, &f.suf, &f.mid} {
		id, ok := tok.TokenID(FIMTokens[i])
		if !ok {
			return nil, fmt.Errorf("fim wants the token %s, which the tokenizer does not have", FIMTokens[i])
		}
		*p = id
	}
	return f, nil
}

// chosen tells whether the document is rearranged in an epoch; h is the document's number for that.
func (f *FIM) chosen(h uint64) bool { return f != nil && fraction(h) < f.Rate }

// apply appends the rearranged document, three tokens longer, to dst. Marks at the document's ends stay there.
//
//	ids 1 2 3 4, cut at 1 and 3: PRE 1 SUF 4 MID 2 3, or PRE SUF 4 MID 1 2 3
func (f *FIM) apply(dst, ids []int32, h uint64) []int32 {
	var first, last []int32
	if len(ids) > 0 && f.tok.IsSpecial(ids[0]) {
		first, ids = ids[:1], ids[1:]
	}
	if len(ids) > 0 && f.tok.IsSpecial(ids[len(ids)-1]) {
		ids, last = ids[:len(ids)-1], ids[len(ids)-1:]
	}
	n := uint64(len(ids)) + 1
	a, b := int(mix64(h+1)%n), int(mix64(h+2)%n)
	a, b = min(a, b), max(a, b)
	dst = append(append(dst, first...), f.pre)
	if mix64(h+3)&1 == 0 {
		dst = append(append(dst, ids[:a]...), f.suf)
		dst = append(append(dst, ids[b:]...), f.mid)
		dst = append(dst, ids[a:b]...)
	} else {
		dst = append(append(dst, f.suf), ids[b:]...)
		dst = append(append(append(dst, f.mid), ids[:a]...), ids[a:b]...)
	}
	return append(dst, last...)
}
