package model

import (
	"fmt"
	"testing"
)

// tiny gives a small config of a family with a head; its sizes leave tails in every kernel.
func tiny(f Family, h Head) Config {
	c := Config{Family: f, Head: h, Vocab: 53, Hidden: 24, Layers: 2, Heads: 4, FFN: 40, Positions: 40, PadID: -1, BOS: 1, EOS: []int32{2}, InitRange: .2}
	switch {
	case f == Llama:
		c.KVHeads = 2
	case f == RoBERTa:
		c.PadID = 1
	}
	if h == Classify || h == Tag {
		c.Labels = []string{"a", "b", "c"}
	}
	return c
}

// everyTiny lists all families with all their heads, tied and untied.
func everyTiny() []Config {
	var out []Config
	for _, f := range []Family{BERT, RoBERTa, GPT2, Llama} {
		for _, h := range []Head{Body, MaskedLM, CausalLM, Classify, Tag} {
			if h == MaskedLM && f.Decoder() || h == CausalLM && !f.Decoder() {
				continue
			}
			c := tiny(f, h)
			out = append(out, c)
			if h == MaskedLM || h == CausalLM {
				c.Untied = true
				out = append(out, c)
			}
			if h == Body && !f.Decoder() {
				c.Pooler = true
				out = append(out, c)
			}
		}
	}
	return out
}

func (c Config) label() string {
	return fmt.Sprintf("%s %s untied=%v pooler=%v", c.Family, c.Head, c.Untied, c.Pooler)
}

func fresh(t testing.TB, c Config) *Model {
	t.Helper()
	m, err := New(c, 7)
	if err != nil {
		t.Fatalf("%s: %v", c.label(), err)
	}
	return m
}

// ragged is a batch of rows of unequal lengths.
func ragged(c Config) Input {
	in := Input{Batch: 3, Time: 11, Lengths: []int32{11, 4, 7}}
	for i := range in.Batch * in.Time {
		in.IDs = append(in.IDs, int32(3+(i*i*7+i*5)%(c.Vocab-3)))
	}
	return in
}
