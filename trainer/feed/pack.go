package feed

import (
	"math/bits"
	"slices"
)

// A piece is a document, or the part of a long one, in a row.
type piece struct {
	doc    int32 // number in the window
	offset int32 // first token
	length int32
}

// split cuts a document of n tokens into pieces of at most size tokens; shift moves the cuts, so that every epoch has others. With overlap, the last token of
// a piece is the first of the next: a decoder predicts a token from those before it, and this way every token but the first is predicted.
//
//	n 10, size 4, shift 0, overlap: [0,4) [3,7) [6,10)
func split(dst []piece, doc, n, size, shift int, overlap bool) []piece {
	if n <= size {
		return append(dst, piece{int32(doc), 0, int32(n)})
	}
	over := 0
	if overlap {
		over = 1
	}
	end := size - shift
	for at := 0; ; {
		end = min(end, n)
		if end-at > over {
			dst = append(dst, piece{int32(doc), int32(at), int32(end - at)})
		}
		if end == n {
			return dst
		}
		at = end - over
		end = at + size
	}
}

// pack puts pieces into rows of a size by best-fit decreasing: the longest first, each into the row where it leaves the least room, into a new one where
// it fits nowhere (Johnson 1973; for language models arXiv 2404.10830). No piece is longer than size. The result is a function of the lengths and their
// order.
//
//	size 8, lengths 5 3 4 6: 6 | 5 3 | 4
func pack(pieces []piece, size int) [][]piece {
	order := make([]int32, len(pieces))
	count := make([]int32, size+2)
	for _, p := range pieces {
		count[size-int(p.length)+1]++
	}
	for i := 1; i < len(count); i++ {
		count[i] += count[i-1]
	}
	for i, p := range pieces {
		at := &count[size-int(p.length)]
		order[*at] = int32(i)
		*at++
	}
	var rows [][]piece
	r := newRoom(size)
	for _, i := range order {
		p := pieces[i]
		room := r.atLeast(int(p.length))
		if room < 0 {
			room = size
			rows = append(rows, make([]piece, 0, 4))
			r.add(size, int32(len(rows)-1))
		}
		row := r.take(room)
		rows[row] = append(rows[row], p)
		if room -= int(p.length); room > 0 {
			r.add(room, row)
		}
	}
	return slices.Clip(rows)
}

// A room finds the row with the least room that suffices: rows by their room, and one bit for every room that some row has.
type room struct {
	rows [][]int32
	has  []uint64
}

func newRoom(size int) *room {
	return &room{make([][]int32, size+1), make([]uint64, size/64+1)}
}

func (r *room) add(room int, row int32) {
	r.rows[room] = append(r.rows[room], row)
	r.has[room/64] |= 1 << (room % 64)
}

func (r *room) take(room int) int32 {
	list := r.rows[room]
	row := list[len(list)-1]
	if r.rows[room] = list[:len(list)-1]; len(list) == 1 {
		r.has[room/64] &^= 1 << (room % 64)
	}
	return row
}

// atLeast gives the smallest room that some row has and that is not below n; -1: none.
func (r *room) atLeast(n int) int {
	w := n / 64
	for b := r.has[w] &^ (1<<(n%64) - 1); ; b = r.has[w] {
		if b != 0 {
			return w*64 + bits.TrailingZeros64(b)
		}
		if w++; w == len(r.has) {
			return -1
		}
	}
}
