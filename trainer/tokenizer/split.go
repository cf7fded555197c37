package tokenizer

import "fmt"

// A step of pre-tokenisation cuts segments into smaller ones, and may change their characters.
type step interface {
	// apply appends the parts of every segment of in to out; none is empty.
	apply(in, out []segment) []segment
}

// A tiler is a step that only cuts: its parts, put together, are the text. Next returns the end of the part that
// begins at s[i].
type tiler interface {
	step
	next(s string, i int) int
}

// behavior says what becomes of the matches of a split.
type behavior uint8

const (
	removed            behavior = iota // a-b: a, b
	isolated                           // a-b: a, -, b
	mergedWithPrevious                 // a-b: a-, b
	mergedWithNext                     // a-b: a, -b
	contiguous                         // a--b: a, --, b
)

// behaviors are the names of the file format.
var behaviors = map[string]behavior{
	"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

func parseBehavior(name string) (behavior, error) {
	b, ok := behaviors[name]
	if !ok {
		return 0, fmt.Errorf("unknown behavior %q", name)
	}
	return b, nil
}

// splitter cuts at the matches of a pattern; inverted, at what lies between them.
type splitter struct {
	pattern pattern
	behave  behavior
	invert  bool
}

// charSplitter cuts around single characters: those of class gone vanish, those of class alone stand by themselves.
type charSplitter struct {
	classes     *classes
	gone, alone uint8
}

func (p charSplitter) apply(in, out []segment) []segment {
	for _, seg := range in {
		at := 0
		for i := 0; i < len(seg.s); {
			k, n := p.classes.at(seg.s, i)
			if k&(p.gone|p.alone) != 0 {
				if at < i {
					out = append(out, seg.cut(at, i))
				}
				if at = i + n; k&p.gone == 0 {
					out = append(out, seg.cut(i, at))
				}
			}
			i += n
		}
		if at < len(seg.s) {
			out = append(out, seg.cut(at, len(seg.s)))
		}
	}
	return out
}

// part is a piece of a text and whether the pattern matched it.
type part struct {
	lo, hi  int
	matched bool
}

// parts returns the tiling of s into matches and what lies between, after inversion.
func (p splitter) parts(s string, out []part) []part {
	at := 0
	p.pattern.matches(s, func(lo, hi int) {
		if at < lo {
			out = append(out, part{at, lo, p.invert})
		}
		out = append(out, part{lo, hi, !p.invert})
		at = hi
	})
	if at < len(s) {
		out = append(out, part{at, len(s), p.invert})
	}
	return out
}

func (p splitter) apply(in, out []segment) []segment {
	var buf []part
	for _, seg := range in {
		buf = p.behave.merge(p.parts(seg.s, buf[:0]))
		for _, c := range buf {
			if c.hi > c.lo && !(p.behave == removed && c.matched) {
				out = append(out, seg.cut(c.lo, c.hi))
			}
		}
	}
	return out
}

// merge joins parts as the behaviour says. A match joins a neighbour only if that is no joined match itself.
func (b behavior) merge(parts []part) []part {
	n := 0
	switch b {
	case contiguous:
		for i, p := range parts {
			if i > 0 && p.matched == parts[n-1].matched {
				parts[n-1].hi = p.hi
				continue
			}
			parts[n] = p
			n++
		}
		return parts[:n]
	case mergedWithPrevious:
		previous := false
		for _, p := range parts {
			joins := p.matched && !previous && n > 0
			previous = p.matched
			if joins {
				parts[n-1].hi = p.hi
				continue
			}
			parts[n] = p
			n++
		}
		return parts[:n]
	case mergedWithNext:
		n = len(parts)
		next := false
		for i := len(parts) - 1; i >= 0; i-- {
			p := parts[i]
			joins := p.matched && !next && n < len(parts)
			next = p.matched
			if joins {
				parts[n].lo = p.lo
				continue
			}
			n--
			parts[n] = p
		}
		return parts[n:]
	}
	return parts
}

// tileStep makes a step of a tiler's next.
func tileStep(t tiler, in, out []segment) []segment {
	for _, seg := range in {
		for i := 0; i < len(seg.s); {
			j := t.next(seg.s, i)
			out = append(out, seg.cut(i, j))
			i = j
		}
	}
	return out
}

// scanTiler cuts at the matches of a scanner.
type scanTiler tiles

func (t scanTiler) next(s string, i int) int          { return t.scan(t.classes, s, i) }
func (t scanTiler) apply(in, out []segment) []segment { return tileStep(t, in, out) }

// digitTiler separates numbers from the rest, one by one or in runs.
type digitTiler struct {
	numerals
	single bool
}

func (t digitTiler) next(s string, i int) int {
	first, n := t.numeric(s, i)
	i += n
	if first && t.single {
		return i
	}
	for i < len(s) {
		is, n := t.numeric(s, i)
		if is != first {
			break
		}
		i += n
	}
	return i
}

func (t digitTiler) apply(in, out []segment) []segment { return tileStep(t, in, out) }

// whole leaves texts as they are.
type whole struct{}

func (whole) next(s string, _ int) int          { return len(s) }
func (whole) apply(in, out []segment) []segment { return append(out, in...) }
