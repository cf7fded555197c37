package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// wholeWords joins the tokens between two word starts.
func wholeWords(tok *Tokenizer, text string, special bool) []string {
	ids := tok.AppendIDs(nil, text, special)
	var out []string
	for i, starts := range tok.WordStarts(nil, ids) {
		piece := string(tok.DecodeBytes(ids[i:i+1], false))
		if tok.file.Model.kind != "BPE" {
			piece = strings.TrimPrefix(strings.ReplaceAll(tok.Token(ids[i]), "▁", " "), "##")
		}
		if starts || len(out) == 0 {
			out = append(out, piece)
		} else {
			out[len(out)-1] += piece
		}
	}
	return out
}

func TestWordStarts(t *testing.T) {
	train := slices.Values(strings.SplitAfter(inventedText(30000)+"unbelievable naïve 你好 don't!\n", "\n"))
	bpe, err := TrainBPE(train, TrainOptions{Vocab: 300, Special: []string{"<|end|>"}})
	if err != nil {
		t.Fatal(err)
	}
	piece, err := TrainWordPiece(train, TrainOptions{Vocab: 200})
	if err != nil {
		t.Fatal(err)
	}
	gram, err := TrainUnigram(train, TrainOptions{Vocab: 120})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tok  *Tokenizer
		text string
		want []string
	}{
		{bpe, "Unbelievable naïve, don't!<|end|>go 1984", []string{"Unbelievable", " naïve", ",", " don", "'", "t", "!", "<|end|>", "go", " 1984"}},
		{bpe, "a  b\n\nc 你好", []string{"a", " ", " b", "\n", "\n", "c", " 你好"}},
		{piece, "Unbelievable naïve, don't!", []string{"[CLS]", "unbelievable", "naive", ",", "don", "'", "t", "!", "[SEP]"}},
		{gram, "unbelievable don't", []string{" unbelievable", " don", "'", "t"}},
	} {
		if got := wholeWords(c.tok, c.text, true); !slices.Equal(got, c.want) {
			t.Errorf("%q:\n got %q\nwant %q", c.text, got, c.want)
		}
	}
	if got := bpe.WordStarts(nil, []int32{-1, 1 << 20, 40}); !slices.Equal(got, []bool{true, true, true}) {
		t.Errorf("ids that are no tokens: %v", got)
	}
}

func TestValidUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"aé":               "aé",
		"\xe2\x82a":        "\uFFFDa",
		"\xe2\x82":         "\uFFFD",
		"\xff\xfe":         "\uFFFD\uFFFD",
		"\xf0\x9f\x98\xc3": "\uFFFD\uFFFD",
		"\xed\xa0\x80":     "\uFFFD\uFFFD\uFFFD", // a surrogate has no valid part but its first byte
		"\xf4\x90\x80\x80": "\uFFFD\uFFFD\uFFFD\uFFFD",
		"\xc0\xaf":         "\uFFFD\uFFFD",
		"x\uFFFDy\xe1\x80": "x\uFFFDy\uFFFD",
	} {
		if got := validUTF8(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestDecoders(t *testing.T) {
	for _, c := range []struct {
		json string
		in   []string
		want string
	}{
		{`{"type":"BPEDecoder"}`, []string{"un", "do</w>", "it</w>"}, "undo it"},
		{`{"type":"CTC"}`, []string{"h", "h", "<pad>", "i", "|", "<pad>", "|", "y"}, "hi  y"},
		{`{"type":"Strip","content":"_","start":1,"stop":2}`, []string{"__a___", "_"}, "_a_"},
		{`{"type":"ByteFallback"}`, []string{"<0xE5>", "<0x8f>", "<0xab>", "a", "<0xE5>", "<0x8F>"}, "叫a\uFFFD\uFFFD"},
		{`{"type":"WordPiece"}`, []string{"it", "is", "##n", "'", "t", "do", "not", "!"}, "it isn ' t do not!"},
		{`{"type":"Replace","pattern":{"Regex":"l+"},"content":"L"}`, []string{"hello", "all"}, "heLoaL"},
		{`{"type":"Metaspace","prepend_scheme":"never"}`, []string{"▁a", "▁b"}, " a b"},
	} {
		d, err := parseDecoder([]byte(c.json), "decoder")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(d.decode(slices.Clone(c.in), false), ""); got != c.want {
			t.Errorf("%s on %q = %q, want %q", c.json, c.in, got, c.want)
		}
	}
}
