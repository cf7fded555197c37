package training

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// bytesDecoder makes a byte of each id: half characters appear as in a byte-level tokenizer.
type bytesDecoder struct{}

func (bytesDecoder) Decode(ids []int32, _ bool) string {
	b := make([]byte, len(ids))
	for i, id := range ids {
		b[i] = byte(id)
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// chunks remembers what was written when.
type chunks []string

func (c *chunks) Write(b []byte) (int, error) {
	*c = append(*c, string(b))
	return len(b), nil
}

func TestStream(t *testing.T) {
	for name, c := range map[string]struct {
		says, stop string
		want       []string
	}{
		"letters":            {"abc", "", []string{"a", "b", "c"}},
		"a whole character":  {"é!", "", []string{"é", "!"}},
		"a stop that comes":  {"a\n\nb", "\n\n", []string{"a"}},
		"a stop that is not": {"a\nb", "\n\n", []string{"a", "\nb"}},
		"an end that waits":  {"ab\n", "\n\n", []string{"a", "b", "\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got chunks
			s := NewStream(&got, bytesDecoder{}, []string{c.stop})
			for _, b := range []byte(c.says) {
				if err := s.Add(int32(b)); err != nil {
					t.Fatal(err)
				}
			}
			whole := c.says
			if c.stop != "" {
				whole, _, _ = strings.Cut(whole, c.stop)
			}
			if err := s.Finish(whole); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("wrote %q, want %q", got, c.want)
			}
		})
	}
}

func TestTextsOfPlainFiles(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("\ufeffone\r\n\r\ntwo \xff\nthree"))
	z.Close()
	path := filepath.Join(dir, "lines.txt.gz")
	if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	read := func(o TextOptions) (texts []string) {
		ids := map[string]bool{}
		for text, err := range Texts([]string{path}, o) {
			if err != nil {
				t.Fatal(err)
			}
			if ids[text.ID.String()] {
				t.Errorf("%s has the id of another", text.Place())
			}
			ids[text.ID.String()] = true
			texts = append(texts, text.Value)
		}
		return texts
	}
	if got, want := read(TextOptions{}), []string{"one", "", "two \ufffd", "three"}; !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	if got, want := read(TextOptions{Pieces: true}), []string{"one\r\n\r\ntwo \ufffd\nthree"}; !slices.Equal(got, want) {
		t.Errorf("pieces %q, want %q", got, want)
	}
	if err := os.WriteFile(path, []byte("GGUF\x03\x00\x00\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, err := range Texts([]string{path}, TextOptions{}) {
		if !errors.Is(err, ErrNoText) {
			t.Errorf("a binary file: %v", err)
		}
	}
}

const sample = "The quick brown fox, 2024: don't stop the 12,345 foxes.\nMy card was swallowed by the machine.\n"

// Every way to split words that GGUF names is found again.
func TestVocabularyFindsTheSplit(t *testing.T) {
	for split, pre := range map[string]string{"gpt2": "gpt-2", "digits": "smollm", "llama3": "llama-bpe", "qwen2": "qwen2", "o200k": "gpt-4o"} {
		t.Run(split, func(t *testing.T) {
			tok, err := tokenizer.TrainBPE(slices.Values([]string{strings.Repeat(sample, 20)}), tokenizer.TrainOptions{Vocab: 330, Split: split, Special: []string{"<|endoftext|>", "<|im_end|>"}})
			if err != nil {
				t.Fatal(err)
			}
			v, err := Vocabulary(tok)
			if err != nil {
				t.Fatal(err)
			}
			if v.Pre != pre || v.Types[0] != ggufControl {
				t.Errorf("pre %q, type of <|endoftext|> %d", v.Pre, v.Types[0])
			}
		})
	}
}

// A vocabulary in the way of SentencePiece goes from GGUF to tokenizer.json and back to the same ids.
func TestVocabularySentencePiece(t *testing.T) {
	g := tokenizer.GGUF{Model: "llama", BOS: 1, EOS: 2, UNK: 0, PAD: -1, SEP: -1, CLS: -1, MASK: -1, AddBOS: true}
	add := func(token string, kind int32, score float32) {
		g.Tokens, g.Types, g.Scores = append(g.Tokens, token), append(g.Types, kind), append(g.Scores, score)
	}
	add("<unk>", ggufUnknown, 0)
	add("<s>", ggufControl, 0)
	add("</s>", ggufControl, 0)
	for b := range 256 {
		add("<0x"+strings.ToUpper(string("0123456789abcdef"[b>>4])+string("0123456789abcdef"[b&15]))+">", ggufByte, 0)
	}
	for i, piece := range []string{"th", "▁th", "▁the", "ca", "▁ca", "rd", "▁card", "er", "in", "▁t", "he"} {
		add(piece, ggufNormal, -float32(i))
	}
	for i, r := range "▁theacrdinosxyw" {
		if !slices.Contains(g.Tokens, string(r)) {
			add(string(r), ggufNormal, -100-float32(i))
		}
	}
	tok, err := tokenizer.FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Vocabulary(tok)
	if err != nil {
		t.Fatal(err)
	}
	if v.Model != "llama" || !v.AddBOS || v.AddEOS || v.NoSpacePrefix || v.Types[3] != ggufByte || v.Types[0] != ggufUnknown {
		t.Errorf("model %s, bos %t, eos %t, no prefix %t, types %v", v.Model, v.AddBOS, v.AddEOS, v.NoSpacePrefix, v.Types[:4])
	}
	back, err := tokenizer.FromGGUF(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"the card", "there", "thecard in the car", "é"} {
		if a, b := tok.AppendIDs(nil, text, true), back.AppendIDs(nil, text, true); !slices.Equal(a, b) {
			t.Errorf("%q: %v, then %v", text, a, b)
		}
	}
}

func TestVocabularyRefusesOthers(t *testing.T) {
	tok, err := tokenizer.TrainWordPiece(slices.Values([]string{sample}), tokenizer.TrainOptions{Vocab: 60})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Vocabulary(tok); err == nil || !strings.Contains(err.Error(), "WordPiece") {
		t.Errorf("WordPiece: %v", err)
	}
}

// A text that is cut keeps the tokens at its end.
func TestFit(t *testing.T) {
	tok, err := tokenizer.TrainWordPiece(slices.Values([]string{sample}), tokenizer.TrainOptions{Vocab: 80})
	if err != nil {
		t.Fatal(err)
	}
	w, err := model.New(model.Config{Family: model.BERT, Head: model.Body, Vocab: tok.Vocab(), Hidden: 8, Layers: 1, Heads: 1, Positions: 16}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := &Model{Model: w, Tokenizer: tok}
	s := tok.Special()
	whole := tok.AppendIDs(nil, "the fox", true)
	for _, most := range []int{2, 3, len(whole) - 1, len(whole), 0, 100} {
		got := m.Fit("the fox", most)
		want := whole
		if most > 0 && most < len(whole) {
			want = append(slices.Clone(whole[:most-1]), s.SEP)
		}
		if !slices.Equal(got, want) {
			t.Errorf("at most %d: %v, want %v", most, got, want)
		}
	}
	if got := m.Fit(strings.Repeat(sample, 3), 0); len(got) != 16 || got[0] != s.CLS || got[15] != s.SEP {
		t.Errorf("a long text: %v", got)
	}
}

// A weight that no rounding explains is named, whatever the format.
func TestCompareNamesTheCulprit(t *testing.T) {
	c := model.Config{Family: model.Llama, Head: model.CausalLM, Vocab: 40, Hidden: 32, Layers: 1, Heads: 2, Positions: 16}
	fresh := func() *model.Model {
		m, err := model.New(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	was := fresh()
	if d, err := Compare(was, fresh(), "f32"); err != nil || d.Relative != 0 || d.Weights != was.Size() {
		t.Fatalf("the same model: %+v, %v", d, err)
	}
	for format, off := range map[string]float64{"f32": 1e-6, "f16": .001, "bf16": .008, "q8_0": .01, "q4_0": .15} {
		is := fresh()
		p := is.Params()[3]
		p.Value()[5] += float32(off * 10) // weights are about .02
		_, err := Compare(was, is, format)
		culprit, ok := errors.AsType[*DriftError](err)
		if !ok || culprit.Tensor != p.Name() || culprit.At != 5 {
			t.Errorf("%s: %v", format, err)
		}
		p.Value()[5] = float32(math.NaN())
		if _, err := Compare(was, is, format); err == nil {
			t.Errorf("%s: NaN goes through", format)
		}
	}
}
