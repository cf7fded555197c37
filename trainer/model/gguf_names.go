package model

import "strings"

// ggufNames are what GGUF calls the weights of a Llama, by their plain names; N stands for the number of the layer.
var ggufNames = map[string]string{
	"embed_tokens.weight":                      "token_embd.weight",
	"norm.weight":                              "output_norm.weight",
	"lm_head.weight":                           "output.weight",
	"layers.N.input_layernorm.weight":          "blk.N.attn_norm.weight",
	"layers.N.self_attn.q_proj.weight":         "blk.N.attn_q.weight",
	"layers.N.self_attn.k_proj.weight":         "blk.N.attn_k.weight",
	"layers.N.self_attn.v_proj.weight":         "blk.N.attn_v.weight",
	"layers.N.self_attn.o_proj.weight":         "blk.N.attn_output.weight",
	"layers.N.post_attention_layernorm.weight": "blk.N.ffn_norm.weight",
	"layers.N.mlp.gate_proj.weight":            "blk.N.ffn_gate.weight",
	"layers.N.mlp.up_proj.weight":              "blk.N.ffn_up.weight",
	"layers.N.mlp.down_proj.weight":            "blk.N.ffn_down.weight",
}

// toGGUF gives GGUF's name of a weight.
//
// Example: layers.3.self_attn.q_proj.weight is blk.3.attn_q.weight.
func toGGUF(plain string) (string, bool) { return renamed(plain, "layers.", ggufNames) }

// fromGGUF gives the plain name of a GGUF tensor.
func fromGGUF(name string) (string, bool) {
	back := make(map[string]string, len(ggufNames))
	for k, v := range ggufNames {
		back[v] = k
	}
	return renamed(name, "blk.", back)
}

func renamed(name, layers string, names map[string]string) (string, bool) {
	rest, inLayer := strings.CutPrefix(name, layers)
	if !inLayer {
		to, ok := names[name]
		return to, ok
	}
	number, part, ok := strings.Cut(rest, ".")
	if !ok || number == "" || strings.Trim(number, "0123456789") != "" {
		return "", false
	}
	to, ok := names[layers+"N."+part]
	return strings.Replace(to, "N", number, 1), ok
}

// interleave turns the rows of a query or key matrix, [heads·d, cols], from halves, where j turns with j+d/2, to pairs, where 2j turns with 2j+1, as
// GGUF's llama has them: [heads, 2, d/2, cols] becomes [heads, d/2, 2, cols]. halves undoes it.
//
// Example: the rows 0 1 2 3 of a head of four become 0 2 1 3.
func interleave(x []float32, heads, cols int) []float32 { return permute(x, heads, cols, 2) }

func halves(x []float32, heads, cols int) []float32 {
	return permute(x, heads, cols, len(x)/(heads*cols)/2)
}

// permute sees the rows of every head as [a, d/a] and turns them to [d/a, a].
func permute(x []float32, heads, cols, a int) []float32 {
	out := make([]float32, 0, len(x))
	d := len(x) / (heads * cols)
	for h := range heads {
		for j := range d / a {
			for i := range a {
				row := h*d + i*(d/a) + j
				out = append(out, x[row*cols:(row+1)*cols]...)
			}
		}
	}
	return out
}

// permuted tells whether GGUF holds a weight with turned rows, and for how many heads.
func (c Config) permuted(plain string) (heads int, ok bool) {
	switch {
	case strings.HasSuffix(plain, ".q_proj.weight"):
		return c.Heads, true
	case strings.HasSuffix(plain, ".k_proj.weight"):
		return c.KVHeads, true
	}
	return 0, false
}
