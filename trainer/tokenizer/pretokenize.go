package tokenizer

import "strings"

// pretokenizer is the list of steps that cut a normalised text into the words of the model.
type pretokenizer struct {
	steps  []step
	tilers []tiler // the same steps, when all of them only cut
}

func newPretokenizer(steps []step) pretokenizer {
	p := pretokenizer{steps: steps}
	for _, s := range steps {
		t, ok := s.(tiler)
		if !ok {
			return p
		}
		p.tilers = append(p.tilers, t)
	}
	if len(p.tilers) == 0 {
		p.tilers = []tiler{whole{}}
	}
	return p
}

// each calls emit with every word of seg, in order.
func (p *pretokenizer) each(seg segment, buf *[2][]segment, emit func(segment)) {
	if len(seg.s) == 0 {
		return
	}
	if p.tilers != nil {
		tileEach(p.tilers, seg, emit)
		return
	}
	in := append(buf[0][:0], seg)
	out := buf[1][:0]
	for _, s := range p.steps {
		out = s.apply(in, out[:0])
		in, out = out, in
	}
	for _, s := range in {
		emit(s)
	}
	clear(in)
	clear(out)
	buf[0], buf[1] = in, out
}

func tileEach(t []tiler, seg segment, emit func(segment)) {
	for i := 0; i < len(seg.s); {
		j := t[0].next(seg.s, i)
		if part := seg.cut(i, j); len(t) == 1 {
			emit(part)
		} else {
			tileEach(t[1:], part, emit)
		}
		i = j
	}
}

// prefixSpace puts a space in front of texts that do not begin with one (ByteLevel's add_prefix_space).
type prefixSpace struct{}

func (prefixSpace) apply(in, out []segment) []segment {
	for _, seg := range in {
		if !strings.HasPrefix(seg.s, " ") {
			t := seg.text()
			t.prepend(" ")
			seg = t.segment(seg.from != nil)
		}
		out = append(out, seg)
	}
	return out
}

// byteMapped writes the segments in the byte-level alphabet.
type byteMapped struct{}

func (byteMapped) apply(in, out []segment) []segment {
	for _, seg := range in {
		t := seg.text()
		byteMapper{}.normalize(&t)
		out = append(out, t.segment(seg.from != nil))
	}
	return out
}

// prependScheme says when Metaspace puts its mark in front.
type prependScheme uint8

const (
	prependAlways prependScheme = iota
	prependFirst                // only at the beginning of the original text
	prependNever
)

var prependSchemes = map[string]prependScheme{"always": prependAlways, "first": prependFirst, "never": prependNever}

// metaspace writes spaces as a mark (▁), puts one in front, and cuts before each: "a b" is "▁a", "▁b".
type metaspace struct {
	mark    string
	prepend prependScheme
	split   bool
}

func (m metaspace) apply(in, out []segment) []segment {
	for _, seg := range in {
		front := (m.prepend == prependAlways || m.prepend == prependFirst && seg.base == 0) &&
			!strings.HasPrefix(seg.s, m.mark) && !strings.HasPrefix(seg.s, " ")
		if front || strings.Contains(seg.s, " ") {
			seg = m.mapped(seg, front)
		}
		if !m.split {
			out = append(out, seg)
			continue
		}
		at := 0
		for i := 1; i < len(seg.s); i++ {
			if strings.HasPrefix(seg.s[i:], m.mark) {
				out = append(out, seg.cut(at, i))
				at = i
			}
		}
		out = append(out, seg.cut(at, len(seg.s)))
	}
	return out
}

func (m metaspace) mapped(seg segment, front bool) segment {
	if seg.from == nil {
		s := strings.ReplaceAll(seg.s, " ", m.mark)
		if front {
			s = m.mark + s
		}
		seg.s = s
		return seg
	}
	t := seg.text()
	replace{literal(" "), m.mark}.normalize(&t)
	if front {
		t.prepend(m.mark)
	}
	return t.segment(true)
}
