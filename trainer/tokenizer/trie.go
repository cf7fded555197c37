package tokenizer

import (
	"slices"
	"strings"
)

// trie finds the tokens that begin at a place of a text, byte by byte. Nodes are numbered breadth first, so a node's
// children are neighbours, in order of their bytes; node 0 is the root.
type trie struct {
	root  [256]int32 // children of the root, the hottest ones; 0 is none
	first []int32    // children of node n are first[n] … first[n+1]-1
	label []byte     // the byte that leads to each node
	id    []int32    // the token that ends at each node, -1 for none
}

type trieEntry struct {
	token string
	id    int32
}

// newTrie builds the trie of the entries, which it sorts. Of equal tokens the last counts; empty ones are left out.
func newTrie(entries []trieEntry) *trie {
	slices.SortStableFunc(entries, func(a, b trieEntry) int { return strings.Compare(a.token, b.token) })
	for len(entries) > 0 && entries[0].token == "" {
		entries = entries[1:]
	}
	t := &trie{label: []byte{0}}
	type span struct{ lo, hi, depth int } // the entries below a node
	queue := []span{{0, len(entries), 0}}
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		id := int32(-1)
		for s.lo < s.hi && len(entries[s.lo].token) == s.depth {
			id = entries[s.lo].id
			s.lo++
		}
		t.id = append(t.id, id)
		t.first = append(t.first, int32(len(queue)))
		for lo := s.lo; lo < s.hi; {
			b := entries[lo].token[s.depth]
			hi := lo + 1
			for hi < s.hi && entries[hi].token[s.depth] == b {
				hi++
			}
			if n == 0 {
				t.root[b] = int32(len(queue))
			}
			t.label = append(t.label, b)
			queue = append(queue, span{lo, hi, s.depth + 1})
			lo = hi
		}
	}
	t.first = append(t.first, int32(len(queue)))
	return t
}

// step returns the child of node at by b, or 0.
func (t *trie) step(at int32, b byte) int32 {
	if at == 0 {
		return t.root[b]
	}
	lo, hi := t.first[at], t.first[at+1]
	for hi-lo > 8 {
		if mid := (lo + hi) / 2; t.label[mid] <= b {
			lo = mid
		} else {
			hi = mid
		}
	}
	for ; lo < hi; lo++ {
		if t.label[lo] == b {
			return lo
		}
	}
	return 0
}
