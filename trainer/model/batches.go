package model

import (
	"cmp"
	"fmt"
	"slices"

	"sluice/trainer/tensor"
)

// eachBatch runs f on batches of at most size rows of ids, cut to most tokens (0: as many as the model has positions for), in graphs of inference.
// Rows of like length share a batch, so that little is padded; order names the rows of a batch.
func (m *Model) eachBatch(e tensor.Engine, ids [][]int32, size, most int, f func(g *tensor.Graph, in Input, order []int)) error {
	if size < 1 {
		size = 32
	}
	if most < 1 || most > m.Config.MaxTokens() {
		most = m.Config.MaxTokens()
	}
	order := make([]int, len(ids))
	for i, row := range ids {
		if len(row) == 0 {
			return fmt.Errorf("row %d has no tokens", i)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(ids[b]), len(ids[a])) })
	for rows := range slices.Chunk(order, size) {
		in := Input{Batch: len(rows), Time: min(most, len(ids[rows[0]]))}
		in.IDs, in.Lengths = make([]int32, in.Batch*in.Time), make([]int32, in.Batch)
		for b, i := range rows {
			in.Lengths[b] = int32(copy(in.IDs[b*in.Time:(b+1)*in.Time], ids[i]))
			if m.Config.PadID > 0 {
				for t := int(in.Lengths[b]); t < in.Time; t++ {
					in.IDs[b*in.Time+t] = min(m.Config.PadID, int32(m.Config.Vocab)-1)
				}
			}
		}
		if err := e.Infer(func(g *tensor.Graph) { f(g, in, rows) }); err != nil {
			return err
		}
	}
	return nil
}
