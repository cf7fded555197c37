package pipeline

import (
	"cmp"
	"container/heap"
	"context"
	"slices"

	"github.com/zeebo/xxh3"

	"sluice/schemas"
)

// Census is what one reading of a source has counted, held-out and bad rows left out.
type Census struct {
	Labels  []string         // in order of first appearance
	Seeds   map[string]int64 // by label; a seed of several labels counts for each, one without for ""
	Total   int64
	Extents []schemas.SourceExtent // how far each file was read
}

// ReadPool reads the seeds of src up to the extents upTo (nil: to its end) and keeps those that a [Pool] holds. held
// tells which rows are held out; it is asked once for every good row, in order. nil: none.
func ReadPool(ctx context.Context, src Source, upTo []schemas.SourceExtent, held func(*schemas.Record) bool) (*Pool, *Census, error) {
	start := make([]schemas.SourceExtent, len(upTo))
	left := int64(0)
	limit := make(map[string]int64, len(upTo))
	for i, x := range upTo {
		start[i].Name, limit[x.Name] = x.Name, x.Rows
		left += x.Rows
	}
	c := &Census{Seeds: map[string]int64{}}
	best := map[string]*smallest{}
	if upTo != nil && left == 0 {
		return pool(best, c), c, nil
	}
	read := newExtents(nil)
	for row, err := range src.Read(ctx, start) {
		if err != nil {
			return nil, nil, err
		}
		if upTo != nil && row.Row >= limit[row.File] {
			continue
		}
		read.read(&row)
		left--
		if row.Bad == nil && (held == nil || !held(row.Record)) {
			c.note(best, row.Record)
		}
		if upTo != nil && left == 0 {
			break
		}
	}
	c.Extents = read.list()
	return pool(best, c), c, nil
}

// note counts a seed, and keeps it if it is among the smallest of one of its labels.
func (c *Census) note(best map[string]*smallest, r *schemas.Record) {
	e := &pooled{at: c.Total, rank: xxh3.Hash(r.ID[:]), seed: r}
	c.Total++
	labels := r.Labels
	if len(labels) == 0 {
		labels = []string{""}
	}
	for _, label := range labels {
		if c.Seeds[label]++; c.Seeds[label] == 1 {
			c.Labels = append(c.Labels, label)
			best[label] = &smallest{}
		}
		h := best[label]
		switch {
		case len(*h) < PoolSize:
			heap.Push(h, e)
		case e.less((*h)[0]):
			(*h)[0] = e
			heap.Fix(h, 0)
		}
	}
}

// pool puts the kept seeds in source order.
func pool(best map[string]*smallest, c *Census) *Pool {
	p := &Pool{Labels: c.Labels, ByLabel: map[string][]int32{}}
	var kept []*pooled
	for _, label := range c.Labels {
		kept = append(kept, *best[label]...)
	}
	slices.SortFunc(kept, func(a, b *pooled) int { return cmp.Compare(a.at, b.at) })
	kept = slices.CompactFunc(kept, func(a, b *pooled) bool { return a.at == b.at })
	for i, e := range kept {
		p.Seeds = append(p.Seeds, e.seed)
		labels := e.seed.Labels
		if len(labels) == 0 {
			labels = []string{""}
		}
		for _, label := range labels {
			p.ByLabel[label] = append(p.ByLabel[label], int32(i))
		}
	}
	return p
}

// pooled is a seed that a pool may keep.
type pooled struct {
	at   int64  // place in the source
	rank uint64 // hash of its id
	seed *schemas.Record
}

func (e *pooled) less(f *pooled) bool {
	return e.rank < f.rank || e.rank == f.rank && e.at < f.at
}

// smallest keeps the pooled of least rank, the greatest of them on top.
type smallest []*pooled

func (s smallest) Len() int           { return len(s) }
func (s smallest) Less(i, j int) bool { return s[j].less(s[i]) }
func (s smallest) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *smallest) Push(e any)        { *s = append(*s, e.(*pooled)) }
func (s *smallest) Pop() any {
	old := *s
	e := old[len(old)-1]
	*s = old[:len(old)-1]
	return e
}
