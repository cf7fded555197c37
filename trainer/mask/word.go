package mask

// Word masks whole words, all with the same chance: a model cannot guess a piece from the other pieces of its word (whole word masking, as released
// with BERT in 2019). A word shows the mask token, random tokens or itself as a whole.
type Word struct {
	Budget `yaml:",inline"`
}

// Mask implements [Masker].
func (w *Word) Mask(x Tokens, bits Bits, in []int32, counts []bool) {
	w.units = x.words(w.units[:0])
	w.Pick(x, bits, w.units, nil, in, counts)
}
