package linear

import (
	"cmp"
	"math"
	"slices"
)

// A vocabulary maps buckets to columns of the model and holds each column's inverse document frequency,
//
//	idf = ln((1+n)/(1+df)) + 1
//
// as scikit-learn smooths it. Only buckets that the training rows fill have a column, the most frequent first: their weights
// share cache lines.
type vocabulary struct {
	column []int32 // by bucket; -1: none
	bucket []uint32
	idf    []float32
}

// learn counts document frequencies over the chosen texts.
func learn(x *counts, texts []int, bits int) *vocabulary {
	df := make([]int, 1<<bits)
	for _, i := range texts {
		for _, b := range x.bucket[x.start[i]:x.start[i+1]] {
			df[b]++
		}
	}
	v := &vocabulary{}
	for b, n := range df {
		if n > 0 {
			v.bucket = append(v.bucket, uint32(b))
		}
	}
	slices.SortFunc(v.bucket, func(a, b uint32) int { return cmp.Or(cmp.Compare(df[b], df[a]), cmp.Compare(a, b)) })
	v.idf = make([]float32, len(v.bucket))
	for i, b := range v.bucket {
		v.idf[i] = float32(math.Log(float64(1+len(texts))/float64(1+df[b])) + 1)
	}
	v.index(bits)
	return v
}

// index makes column from bucket.
func (v *vocabulary) index(bits int) {
	v.column = slices.Repeat([]int32{-1}, 1<<bits)
	for i, b := range v.bucket {
		v.column[b] = int32(i)
	}
}

// A sparse is a matrix of rows with few nonzero entries.
type sparse struct {
	start []int // row i has entries start[i] to start[i+1]
	col   []uint32
	val   []float32
}

func (s *sparse) rows() int { return len(s.start) - 1 }

func (s *sparse) row(i int) ([]uint32, []float32) {
	lo, hi := s.start[i], s.start[i+1]
	return s.col[lo:hi], s.val[lo:hi]
}

// add appends text i of x: its counts times idf, divided by their Euclidean length. Buckets without a column are left out before the
// length is taken. A text without any known feature is a row of zeros.
func (s *sparse) add(v *vocabulary, x *counts, i int) {
	if s.start == nil {
		s.start = []int{0}
	}
	from := len(s.col)
	sum := 0.0
	for k := x.start[i]; k < x.start[i+1]; k++ {
		c := v.column[x.bucket[k]]
		if c < 0 {
			continue
		}
		w := x.value[k] * v.idf[c]
		s.col = append(s.col, uint32(c))
		s.val = append(s.val, w)
		sum += float64(w) * float64(w)
	}
	s.seal(from, sum)
}

// seal ends a row that began at entry from: it is divided by the root of sum.
func (s *sparse) seal(from int, sum float64) {
	if sum > 0 {
		f := float32(1 / math.Sqrt(sum))
		for k := from; k < len(s.val); k++ {
			s.val[k] *= f
		}
	}
	s.start = append(s.start, len(s.col))
}

// transpose gives the matrix of columns; each lists its rows in ascending order.
func (s *sparse) transpose(cols int) *sparse {
	t := &sparse{start: make([]int, cols+1), col: make([]uint32, len(s.col)), val: make([]float32, len(s.val))}
	for _, c := range s.col {
		t.start[c+1]++
	}
	for c := range cols {
		t.start[c+1] += t.start[c]
	}
	next := slices.Clone(t.start[:cols])
	for i := range s.rows() {
		col, val := s.row(i)
		for k, c := range col {
			t.col[next[c]], t.val[next[c]] = uint32(i), val[k]
			next[c]++
		}
	}
	return t
}
