package dedup

import "sluice/pipeline/text"

// signer computes the keys and the stored sketch of a text in buffers of its own: it allocates nothing once they have
// grown. It serves one goroutine.
type signer struct {
	minHashPlan
	tokens   text.Tokeniser
	fss      *text.FSS
	folded   []byte
	shingles []uint64
	set      []uint32

	keys   []uint64 // by band
	sketch []byte   // low bytes of the slots, or the set of shingles
}

func newSigner(p minHashPlan, seed uint64) (*signer, error) {
	f, err := text.NewFSS(p.slots, seed)
	if err != nil {
		return nil, err
	}
	return &signer{minHashPlan: p, fss: f}, nil
}

// sign sets keys and sketch and reports whether the text has any.
func (s *signer) sign(content string) bool {
	if s.unit == "characters" {
		s.folded = text.AppendFolded(s.folded[:0], content)
		s.shingles = text.AppendCharShingles(s.shingles[:0], s.folded, s.shingle)
	} else {
		s.shingles = text.AppendShingles(s.shingles[:0], s.tokens.Hashes(content), s.shingle)
	}
	if len(s.shingles) == 0 {
		return false
	}
	slots := s.fss.Sketch(s.shingles)
	s.keys = text.AppendBands(s.keys[:0], slots, s.bands, s.rows)
	switch s.verify {
	case "sketch":
		s.sketch = text.AppendLowBytes(s.sketch[:0], slots)
	case "exact":
		s.sketch, s.set = text.AppendSet(s.sketch[:0], s.shingles, s.set)
	}
	return true
}
