package model

import "sluice/trainer/tensor"

// A cache holds the keys and values of the tokens that a batch of sequences has so far, so that a new token costs one position.
type cache struct {
	batch, room, width int
	keys, values       [][]float32 // per layer, [batch, room, width]
	used               []int32     // per sequence
}

func newCache(c Config, batch, room int) *cache {
	k := &cache{batch: batch, room: room, width: c.KVHeads * c.HeadDim, used: make([]int32, batch)}
	for range c.Layers {
		k.keys = append(k.keys, make([]float32, batch*room*k.width))
		k.values = append(k.values, make([]float32, batch*room*k.width))
	}
	return k
}

// extend writes the keys and values of new tokens behind the old ones and gives all of them, [batch, room, width].
func (k *cache) extend(g *tensor.Graph, layer int, in Input, keys, values *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
	for b := range k.batch {
		n := int(in.Lengths[b]) * k.width
		at := (b*k.room + int(k.used[b])) * k.width
		from := b * in.Time * k.width
		copy(k.keys[layer][at:at+n], keys.Value()[from:])
		copy(k.values[layer][at:at+n], values.Value()[from:])
	}
	return g.Input(k.keys[layer], k.batch, k.room, k.width), g.Input(k.values[layer], k.batch, k.room, k.width)
}

// next runs new tokens, in.Lengths of each sequence, and gives the logits that follow the last of them, [batch, vocabulary]. It is for inference.
func (m *Model) next(g *tensor.Graph, in Input, k *cache) *tensor.Tensor {
	p := &pass{Graph: g, m: m, in: in, cache: k, attn: tensor.Attn{Heads: m.Config.Heads, KVHeads: m.Config.KVHeads}}
	n := in.Batch * in.Time
	p.pos, p.attn.Ends = make([]int32, n), make([]int32, n)
	rows := make([]int32, in.Batch)
	for i := range n {
		b := i / in.Time
		t := k.used[b] + min(int32(i%in.Time), in.Lengths[b]-1) // padding stands where the last token does
		p.pos[i], p.attn.Ends[i] = t, t+1
		rows[b] = int32(b*in.Time) + in.Lengths[b] - 1
	}
	y := p.headOn(p.run(nil), rows)
	for b := range k.used {
		k.used[b] += in.Lengths[b]
	}
	return y
}
