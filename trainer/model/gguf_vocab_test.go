package model

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/model/gguf"
	"sluice/trainer/tokenizer"
)

// The way of SmolLM2's vocabulary from GGUF to a tokenizer to GGUF and back: the same split is found, and strange texts have the same ids.
func TestVocabularySmolLM2(t *testing.T) {
	if testing.Short() {
		t.Skip("a real vocabulary: not in -short")
	}
	f, err := gguf.Open(cached(t, "SLUICE_REAL_LLM", "real-llm/SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2 is not on this machine: run shared/tools/real-llm.sh gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first := vocabulary(f.Meta)
	tok, err := tokenizer.FromGGUF(first)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Vocabulary(tok)
	if err != nil {
		t.Fatal(err)
	}
	if v.Pre != "smollm" || !slices.Equal(v.Tokens, first.Tokens) || !slices.Equal(v.Merges, first.Merges) || !slices.Equal(v.Types, first.Types) ||
		v.BOS != first.BOS || v.EOS != first.EOS || v.ChatTemplate != first.ChatTemplate || v.AddBOS {
		t.Errorf("%s %s: %d tokens, %d merges, ends %d %d", v.Model, v.Pre, len(v.Tokens), len(v.Merges), v.BOS, v.EOS)
	}
	twin, err := tokenizer.FromGGUF(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"<|im_start|>user\nhi<|im_end|>", "def f(x):\n\treturn x**2  # 3.14159", strings.Join(probes, "")} {
		if a, b := tok.AppendIDs(nil, s, true), twin.AppendIDs(nil, s, true); !slices.Equal(a, b) {
			t.Errorf("%q: %v, want %v", s, b, a)
		}
	}
}

// A tokenizer of our own, byte-level, goes into the file of a model and comes back; SentencePiece's BPE too; WordPiece has no place there.
func TestVocabulary(t *testing.T) {
	texts := slices.Values([]string{"the cat sat on the mat", "the dog sat on the log", "a cat and a dog"})
	tok, err := tokenizer.TrainBPE(texts, tokenizer.TrainOptions{Vocab: 280})
	if err != nil {
		t.Fatal(err)
	}
	v, err := Vocabulary(tok)
	if err != nil {
		t.Fatal(err)
	}
	c := tiny(Llama, CausalLM)
	c.Vocab = 288
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := fresh(t, c).SaveGGUF(path, gguf.F16, v); err != nil {
		t.Fatal(err)
	}
	_, back, err := LoadGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	twin, err := tokenizer.FromGGUF(back)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(slices.Clone(probes), "the cat on the dog") {
		if a, b := tok.AppendIDs(nil, s, true), twin.AppendIDs(nil, s, true); !slices.Equal(a, b) {
			t.Errorf("%q: %v, want %v", s, b, a)
		}
	}
	piece, err := tokenizer.TrainWordPiece(texts, tokenizer.TrainOptions{Vocab: 60})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Vocabulary(piece); err == nil || !strings.Contains(err.Error(), "WordPiece") {
		t.Errorf("WordPiece: %v", err)
	}
}

// The 512 SentencePiece tokens of the stories model: merges from scores, scores from merges.
func TestVocabularyStories(t *testing.T) {
	tok := storiesTokenizer(t)
	v, err := Vocabulary(tok)
	if err != nil {
		t.Fatal(err)
	}
	twin, err := tokenizer.FromGGUF(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Once upon a time, there was a little girl named Lily.", "zß🙂  x", "She said, \"I want to play with your ball\""} {
		if a, b := tok.AppendIDs(nil, s, true), twin.AppendIDs(nil, s, true); !slices.Equal(a, b) {
			t.Errorf("%q: %v, want %v", s, b, a)
		}
	}
}
