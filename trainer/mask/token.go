package mask

// Token masks single tokens, all with the same chance (arXiv 1810.04805).
type Token struct {
	Budget `yaml:",inline"`
}

// Mask implements [Masker].
func (t *Token) Mask(x Tokens, bits Bits, in []int32, counts []bool) {
	t.units = t.units[:0]
	for i := range x.IDs {
		if x.maskable(i) {
			t.units = append(t.units, Span{i, i + 1})
		}
	}
	t.Pick(x, bits, t.units, nil, in, counts)
}
