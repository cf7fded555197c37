package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"

	"sluice/trainer/kernel"
	"sluice/trainer/tensor"
	"sluice/trainer/tokenizer"
)

// stories reads a model in the format of llama2.c: seven sizes, then the weights of all layers kind by kind; rotary pairs are neighbours.
func stories(t testing.TB) (*Model, *tokenizer.Tokenizer) {
	t.Helper()
	b, err := os.ReadFile(shared(t, "data/stories260k/stories260K.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var h [7]int
	for i := range h {
		h[i] = int(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	b = b[28:]
	c := Config{Family: Llama, Head: CausalLM, Hidden: h[0], FFN: h[1], Layers: h[2], Heads: h[3], KVHeads: h[4], Vocab: h[5], Positions: h[6], BOS: 1, EOS: []int32{1, 2}, PadID: -1}
	m, err := New(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(plain string) {
		x := m.Param("model." + plain).Value()
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		b = b[4*len(x):]
		if heads, ok := m.Config.permuted(plain); ok {
			copy(x, halves(x, heads, c.Hidden))
		}
	}
	fill("embed_tokens.weight")
	for _, part := range []string{"input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm",
		"mlp.gate_proj", "mlp.down_proj", "mlp.up_proj"} {
		for l := range c.Layers {
			fill("layers." + string(rune('0'+l)) + "." + part + ".weight")
		}
	}
	fill("norm.weight")
	if want := c.Positions * m.Config.HeadDim * 4; len(b) != want { // tables of cosines and sines
		t.Fatalf("%d bytes behind the weights, want %d", len(b), want)
	}
	return m, storiesTokenizer(t)
}

// storiesTokenizer reads the vocabulary: the longest token's length, then score, length and bytes of every token.
func storiesTokenizer(t testing.TB) *tokenizer.Tokenizer {
	b, err := os.ReadFile(shared(t, "data/stories260k/tok512.bin"))
	if err != nil {
		t.Fatal(err)
	}
	v := tokenizer.GGUF{Model: "llama", BOS: 1, EOS: 2, UNK: 0, PAD: -1, SEP: -1, CLS: -1, MASK: -1, AddBOS: true}
	for b = b[4:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b[4:])
		s := strings.ReplaceAll(string(b[8:8+n]), " ", "▁")
		v.Scores, v.Types = append(v.Scores, math.Float32frombits(binary.LittleEndian.Uint32(b))), append(v.Types, 1)
		switch i := len(v.Tokens); {
		case i == 0:
			v.Types[i] = 2
		case i < 3:
			s, v.Types[i] = strings.TrimSpace(s), 3
		case strings.HasPrefix(s, "<0x"):
			v.Types[i] = 6
		}
		v.Tokens, b = append(v.Tokens, s), b[8+n:]
	}
	tok, err := tokenizer.FromGGUF(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// storiesGreedy is the hash of the text that llama2.c prints with this model: 200 tokens at temperature 0, from the token that begins a text.
const storiesGreedy = "beeb5cb46785efee81a8545300b31e396b595e5ce6f3b77db201545501981d14"

// TestGoldenStories: the greedy text of a real tiny model is the published one on every instruction set, and the model finds its own text likely and the same
// tokens in another order unlikely.
func TestGoldenStories(t *testing.T) {
	m, tok := stories(t)
	var first string
	for _, s := range kernel.Available() {
		e := tensor.NewCPU(tensor.Options{Set: s, Threads: 2})
		got, err := m.Generate(t.Context(), e, [][]int32{{1}}, Sampling{MaxTokens: 200}, tok, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(got[0].Text))
		if first == "" {
			first = got[0].Text
		}
		if got[0].Text != first || hex.EncodeToString(sum[:]) != storiesGreedy {
			t.Errorf("%v: greedy text %q, its hash %x", s, got[0].Text, sum)
		}
		ids := append([]int32{1}, got[0].IDs...)
		back := append([]int32{1}, got[0].IDs...)
		for i, j := 1, len(back)-1; i < j; i, j = i+1, j-1 {
			back[i], back[j] = back[j], back[i]
		}
		sums, n, err := m.LogLikelihood(e, [][]int32{ids, back}, 2)
		if err != nil {
			t.Fatal(err)
		}
		own, reversed := -sums[0]/float64(n[0]), -sums[1]/float64(n[1])
		if !(own > .05 && own < 1) || !(reversed > 4) {
			t.Errorf("%v: loss %.3f on the model's own text, %.3f on the text reversed", s, own, reversed)
		}
	}
}
