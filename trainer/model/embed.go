package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sluice/trainer/tensor"
)

// A Pooling makes one vector of a sequence's hidden states.
type Pooling string

const (
	PoolDefault Pooling = ""     // mean
	PoolMean    Pooling = "mean" // of the tokens that are no padding
	PoolCLS     Pooling = "cls"  // the first token's
	PoolLast    Pooling = "last" // the last token's
)

// EmbedOptions say how embeddings are made.
type EmbedOptions struct {
	Pooling   Pooling
	Raw       bool // keep the length; else vectors have length 1
	Batch     int  // rows at a time; 0: 32
	MaxTokens int  // rows are cut to so many tokens; 0: the model's positions
}

// Embed gives a vector for every row of token ids, in the order of the rows.
func (m *Model) Embed(e tensor.Engine, ids [][]int32, o EmbedOptions) ([][]float32, error) {
	out := make([][]float32, len(ids))
	if !slices.Contains([]Pooling{PoolDefault, PoolMean, PoolCLS, PoolLast}, o.Pooling) {
		return nil, fmt.Errorf("unknown pooling %q: want mean, cls or last", o.Pooling)
	}
	err := m.eachBatch(e, ids, o.Batch, o.MaxTokens, func(g *tensor.Graph, in Input, order []int) {
		y := m.Pool(g, in, o.Pooling)
		if !o.Raw {
			y = g.L2Norm(y)
		}
		for b, i := range order {
			out[i] = slices.Clone(y.Value()[b*m.Config.Hidden : (b+1)*m.Config.Hidden])
		}
	})
	return out, err
}

// Pool runs the body and gives one vector per row, [Batch, Hidden], of any length: what a contrastive loss trains.
func (m *Model) Pool(g *tensor.Graph, in Input, pooling Pooling) *tensor.Tensor {
	h := m.Hidden(g, in, nil)
	rows := make([]int32, in.Batch)
	mask := make([]float32, in.Batch*in.Time)
	for b := range rows {
		n := in.Time
		if in.Lengths != nil {
			n = int(in.Lengths[b])
		}
		rows[b] = int32(b * in.Time)
		if pooling == PoolLast {
			rows[b] += int32(n) - 1
		}
		for t := range n {
			mask[b*in.Time+t] = 1
		}
	}
	if pooling == PoolCLS || pooling == PoolLast {
		return g.Gather(g.Reshape(h, -1, m.Config.Hidden), rows)
	}
	return g.MaskedMean(h, mask)
}

// LoadEmbedOptions reads what a sentence-transformers folder says: 1_Pooling/config.json, sentence_bert_config.json and modules.json. Where these are
// absent, the zero options stand.
func LoadEmbedOptions(dir string) (EmbedOptions, error) {
	var o EmbedOptions
	var pooling struct {
		CLS  bool `json:"pooling_mode_cls_token"`
		Mean bool `json:"pooling_mode_mean_tokens"`
		Last bool `json:"pooling_mode_lasttoken"`
		Max  bool `json:"pooling_mode_max_tokens"`
		Root bool `json:"pooling_mode_mean_sqrt_len_tokens"`
	}
	found, err := readJSON(filepath.Join(dir, "1_Pooling", ConfigName), &pooling)
	if err != nil {
		return o, err
	}
	switch {
	case !found:
	case pooling.Max || pooling.Root:
		return o, fmt.Errorf("%s: only pooling by mean, first and last token is supported", filepath.Join(dir, "1_Pooling", ConfigName))
	case pooling.CLS:
		o.Pooling = PoolCLS
	case pooling.Last:
		o.Pooling = PoolLast
	default:
		o.Pooling = PoolMean
	}
	var length struct {
		Max int `json:"max_seq_length"`
	}
	if _, err := readJSON(filepath.Join(dir, "sentence_bert_config.json"), &length); err != nil {
		return o, err
	}
	o.MaxTokens = length.Max
	var modules []struct {
		Type string `json:"type"`
	}
	if found, err = readJSON(filepath.Join(dir, "modules.json"), &modules); err != nil {
		return o, err
	}
	if found {
		o.Raw = true
		for _, mod := range modules {
			if filepath.Ext(mod.Type) == ".Normalize" {
				o.Raw = false
			}
		}
	}
	return o, nil
}

func readJSON(path string, v any) (found bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		if err = json.Unmarshal(b, v); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	return true, err
}
