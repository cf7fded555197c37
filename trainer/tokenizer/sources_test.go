package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// spm is a SentencePiece BPE vocabulary: every pair that makes a token may merge, the highest score first.
func spm() GGUF {
	g := GGUF{Model: "llama", BOS: 1, EOS: 2, UNK: 0, PAD: -1, SEP: -1, CLS: -1, MASK: -1, AddBOS: true}
	add := func(kind int32, score float32, tokens ...string) {
		for _, t := range tokens {
			g.Tokens, g.Types, g.Scores = append(g.Tokens, t), append(g.Types, kind), append(g.Scores, score)
		}
	}
	add(ggufUnknown, 0, "<unk>")
	add(ggufControl, 0, "<s>", "</s>")
	for b := range 256 {
		add(ggufByte, 0, byteToken(byte(b)))
	}
	add(ggufNormal, -5, "▁a", "ab") // equal scores: the leftmost pair goes first
	add(ggufNormal, -3, "bc")
	add(ggufNormal, -9, "▁", "a", "b", "c")
	return g
}

func TestGGUFSentencePiece(t *testing.T) {
	tok, err := FromGGUF(spm())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"ab":    {"<s>", "▁a", "b"},
		"abc":   {"<s>", "▁a", "bc"}, // bc before ▁a
		"cab":   {"<s>", "▁", "c", "ab"},
		"c é":   {"<s>", "▁", "c", "▁", "<0xC3>", "<0xA9>"},
		"a</s>": {"<s>", "▁a", "</s>"},
		"":      {"<s>"},
	} {
		ids := tok.AppendIDs(nil, text, true)
		if got := names(tok, ids); !slices.Equal(got, want) {
			t.Errorf("%q = %q, want %q", text, got, want)
		}
		if got := tok.Decode(ids, true); got != strings.TrimSuffix(text, "</s>") {
			t.Errorf("%q decodes to %q", text, got)
		}
	}
	if s := tok.Special(); s.BOS != 1 || s.EOS != 2 || s.UNK != 0 || s.PAD != -1 {
		t.Errorf("special tokens %+v", s)
	}
	again, err := Parse(tok.file.bytes())
	if err != nil || !slices.Equal(again.AppendIDs(nil, "abc ab", true), tok.AppendIDs(nil, "abc ab", true)) {
		t.Errorf("written and read again: %v", err)
	}
	g := spm()
	g.NoSpacePrefix, g.AddBOS = true, false
	if tok, err = FromGGUF(g); err != nil || tok.Decode(tok.AppendIDs(nil, " a b", true), true) != " a b" {
		t.Errorf("without the space in front: %v", err)
	}
}

func TestGGUFErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*GGUF)
		want   string
	}{
		{func(g *GGUF) { g.Model = "rwkv" }, `tokenizer.ggml.model: unknown model "rwkv"`},
		{func(g *GGUF) { g.Model, g.Pre = "gpt2", "mystery" }, `tokenizer.ggml.pre: unknown pre-tokenizer "mystery"`},
		{func(g *GGUF) { g.Model, g.Merges = "gpt2", []string{"ab"} }, "tokenizer.ggml.merges[0]"},
		{func(g *GGUF) { g.Model, g.Merges = "gpt2", []string{"a x"} }, "merges[0]"},
		{func(g *GGUF) { g.Scores = g.Scores[1:] }, "tokenizer.ggml.scores"},
		{func(g *GGUF) { g.Types = g.Types[1:] }, "tokenizer.ggml.token_type"},
		{func(g *GGUF) { g.EOS = 9999 }, "special token 9999"},
	} {
		g := spm()
		c.change(&g)
		if _, err := FromGGUF(g); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

// TestGGUFBert: GGUF writes ▁the and ing for the and ##ing; the ids are those of vocab.txt.
func TestGGUFBert(t *testing.T) {
	vocab := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "thing", "##ing", "##s", "th", "!"}
	text, err := FromVocabText(strings.NewReader(strings.Join(vocab, "\r\n")), true)
	if err != nil {
		t.Fatal(err)
	}
	g := GGUF{Model: "bert", BOS: -1, EOS: -1, UNK: 1, PAD: 0, SEP: 3, CLS: 2, MASK: 4}
	for _, tok := range vocab {
		switch rest, inside := strings.CutPrefix(tok, "##"); {
		case tok[0] == '[':
			g.Tokens, g.Types = append(g.Tokens, tok), append(g.Types, ggufControl)
		case inside:
			g.Tokens, g.Types = append(g.Tokens, rest), append(g.Types, ggufNormal)
		default:
			g.Tokens, g.Types = append(g.Tokens, "▁"+tok), append(g.Types, ggufNormal)
		}
	}
	from, err := FromGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	want := []int32{2, 5, 6, 8, 6, 1, 10, 4, 3}
	for name, tok := range map[string]*Tokenizer{"vocab.txt": text, "GGUF": from} {
		if got := tok.AppendIDs(nil, "The THÍNGS thing thingish! [MASK]", true); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if s := tok.Special(); s.CLS != 2 || s.SEP != 3 || s.MASK != 4 || s.PAD != 0 || s.UNK != 1 {
			t.Errorf("%s: special tokens %+v", name, s)
		}
	}
	if _, err := FromVocabText(strings.NewReader("a\nb\n"), true); err == nil || !strings.Contains(err.Error(), "[UNK]") {
		t.Errorf("vocab.txt without [UNK]: %v", err)
	}
}

func TestCharacters(t *testing.T) {
	const text = "To be, or not to be:\nthat is the question – né?"
	tok, err := Characters(text)
	if err != nil {
		t.Fatal(err)
	}
	ids := tok.AppendIDs(nil, text, true)
	if len(ids) != len([]rune(text)) || tok.Decode(ids, true) != text {
		t.Errorf("%d ids, text %q", len(ids), tok.Decode(ids, true))
	}
	if id, ok := tok.TokenID("\n"); !ok || id != 0 || tok.Token(id) != "\n" {
		t.Errorf("the line end has id %d", id)
	}
	if got := tok.Decode(tok.AppendIDs(nil, "to Zzz be", true), true); got != "to  be" {
		t.Errorf("unknown characters: %q", got)
	}
	var b bytes.Buffer
	if err := tok.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(b.Bytes())
	if err != nil || !slices.Equal(again.AppendIDs(nil, text, true), ids) {
		t.Errorf("written and read again: %v", err)
	}
	if _, err := Characters(""); err == nil {
		t.Error("an empty sample is taken")
	}
	masked, err := Characters(text, "[PAD]", "[MASK]")
	if err != nil {
		t.Fatal(err)
	}
	if s := masked.Special(); s.PAD != 0 || s.MASK != 1 || masked.Vocab() != tok.Vocab()+2 || !masked.IsSpecial(1) || masked.IsSpecial(2) {
		t.Errorf("special tokens %+v of %d", s, masked.Vocab())
	}
	for i, id := range masked.AppendIDs(nil, text, true) {
		if id != ids[i]+2 {
			t.Fatalf("character %d has id %d, want %d", i, id, ids[i]+2)
		}
	}
}

// TestShakespeare: 65 characters, as everyone counts them.
func TestShakespeare(t *testing.T) {
	text := tinyShakespeare(t)
	tok, err := Characters(text)
	if err != nil {
		t.Fatal(err)
	}
	if ids := tok.AppendIDs(nil, text, false); tok.Vocab() != 65 || len(ids) != 1115394 {
		t.Errorf("vocabulary %d, %d ids", tok.Vocab(), len(ids))
	}
}
