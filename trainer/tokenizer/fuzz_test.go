package tokenizer

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// someFiles are small files that use every kind of component.
func someFiles() []string {
	return []string{
		`{` + tinyModel + `}`,
		`{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Lowercase"},{"type":"Strip"},{"type":"Prepend","prepend":"a"}]},` +
			`"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel"}]},"decoder":{"type":"ByteLevel"},` + tinyModel + `}`,
		`{"added_tokens":[{"id":5,"content":"é","normalized":true,"lstrip":true,"rstrip":true,"single_word":true}],"normalizer":{"type":"BertNormalizer"},` +
			`"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["b",1],"cls":["a",0]},"decoder":{"type":"WordPiece"},` +
			`"model":{"type":"WordPiece","unk_token":"a","vocab":{"a":0,"b":1,"##c":2}}}`,
		`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAABhAA=="},"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"first"},` +
			`"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Metaspace"},{"type":"Replace","pattern":{"Regex":"a+"},"content":"b"},{"type":"Fuse"}]},` +
			`"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["▁",-2],["▁a",-1.5],["<0x41>",-9]]}}`,
		`{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\s+|[^\\w]"},"behavior":"MergedWithNext","invert":true},"decoder":{"type":"CTC"},"post_processor":` +
			`{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"x","type_id":1}}],"pair":[{"Sequence":{"id":"B","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],` +
			`"special_tokens":{"x":{"id":"x","ids":[1,2],"tokens":["b","c"]}}},` + tinyModel + `}`,
	}
}

// tryFile parses data. What it gives must encode, decode, and be written and read again to the same hash.
func tryFile(t *testing.T, data []byte) {
	t.Helper()
	tok, err := Parse(data)
	if err != nil {
		if !strings.ContainsAny(err.Error(), ":.") {
			t.Errorf("error without a place: %v", err)
		}
		return
	}
	const text = "a ab\u0301 é İ 你好 \xff\xfe <unk> 12\r\n\t  b'll A"
	e := tok.Encode(text, Options{Special: true})
	if ids := tok.AppendIDs(nil, text, true); !slices.Equal(ids, e.IDs) {
		t.Errorf("AppendIDs %v, Encode %v of %s", ids, e.IDs, data)
	}
	tok.EncodePair(text, "b", Options{Special: true})
	tok.Decode(e.IDs, false)
	tok.WordStarts(nil, e.IDs)
	for _, o := range e.Offsets {
		if o.Start < 0 || o.Start > o.End || o.End > len(text) {
			t.Errorf("offset %v in a text of %d bytes", o, len(text))
		}
	}
	again, err := Parse(tok.file.bytes())
	if err != nil {
		t.Fatalf("written: %v", err)
	}
	if again.Hash() != tok.Hash() {
		t.Errorf("hash changes:\n%s\n%s", tok.file.bytes(), again.file.bytes())
	}
}

// FuzzParse: whatever the file, Parse gives a tokenizer or an error.
func FuzzParse(f *testing.F) {
	for _, s := range someFiles() {
		f.Add([]byte(s))
	}
	f.Fuzz(tryFile)
}

// TestParseMutations puts wrong values in every place of the files, one at a time.
func TestParseMutations(t *testing.T) {
	files := someFiles()
	if testing.Short() {
		files = files[:2]
	}
	for _, s := range files {
		var doc any
		if err := json.Unmarshal([]byte(s), &doc); err != nil {
			t.Fatal(err)
		}
		tryFile(t, []byte(s))
		mutate(doc, func() {
			data, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			tryFile(t, data)
		}, func(any) {})
	}
}

// mutate calls try with each value below v replaced in turn; set puts a value in v's place.
func mutate(v any, try func(), set func(any)) {
	for _, wrong := range []any{nil, -1, 1e6, 3.5, "", "x", "a b", []any{}, []any{"a", "b"}, []any{1}, map[string]any{}, true} {
		set(wrong)
		try()
	}
	set(v)
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			old := v[k]
			mutate(old, try, func(x any) { v[k] = x })
			delete(v, k)
			try()
			v[k] = old
		}
	case []any:
		for i, old := range v {
			mutate(old, try, func(x any) { v[i] = x })
		}
	}
}

// FuzzRoundTrip: byte-level BPE gives back every text, even what is not UTF-8; offsets follow each other and, without
// special tokens, cover the text.
func FuzzRoundTrip(f *testing.F) {
	var toks []*Tokenizer
	for _, split := range []string{"gpt2", "digits", "llama3", "o200k"} {
		tok, err := TrainBPE(slices.Values(strings.SplitAfter(inventedText(20000), "\n")), TrainOptions{Vocab: 400, Split: split, Special: []string{"<|end|>"}})
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	f.Add("Hello, world!  don't 123\r\n\r\n你好 👩‍👩‍👧 \u0301 ")
	f.Add("\xff\xc3\x28\xe2\x82<|end|>\x00 \u3000x")
	f.Add(strings.Repeat("a", 200) + strings.Repeat(" ", 90) + strings.Repeat("1", 70))
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range toks {
			e := tok.Encode(text, Options{})
			if got := string(tok.DecodeBytes(e.IDs, false)); got != text {
				t.Fatalf("%q comes back as %q", text, got)
			}
			if got := tok.Decode(e.IDs, false); got != validUTF8(text) {
				t.Fatalf("%q decodes to %q", text, got)
			}
			if ids := tok.AppendIDs(nil, text, false); !slices.Equal(ids, e.IDs) {
				t.Fatalf("AppendIDs(%q) = %v, Encode %v", text, ids, e.IDs)
			}
			at := 0
			for i, o := range e.Offsets {
				if o.Start > at || o.End < at || o.End <= o.Start {
					t.Fatalf("%q: token %d at %v, behind %d", text, i, o, at)
				}
				at = max(at, o.End)
			}
			if at != len(text) {
				t.Fatalf("%q: the tokens end at %d of %d", text, at, len(text))
			}
		}
	})
}

// FuzzOffsets: with normalisers of every kind, offsets stay in the text and on the borders of its characters, and the
// fast way gives the ids of the slow one.
func FuzzOffsets(f *testing.F) {
	var toks []*Tokenizer
	for _, name := range []string{"bert", "bert-short", "qwen2", "clip", "unigram", "unigram-bytes", "precompiled", "llama2", "mistral", "metaspace-first", "added", "added-normalized", "roberta"} {
		var g golden
		readGolden(f, "testdata/"+name+".json.gz", &g)
		tok, err := Parse(g.Tokenizer)
		if err != nil {
			f.Fatal(err)
		}
		toks = append(toks, tok)
	}
	if _, err := os.Stat("testdata/lines.json.gz"); err == nil {
		var lines []string
		readGolden(f, "testdata/lines.json.gz", &lines)
		for _, l := range lines[:30] {
			f.Add(l)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range toks {
			e := tok.Encode(text, Options{Special: true})
			if ids := tok.AppendIDs(nil, text, true); !slices.Equal(ids, e.IDs) {
				t.Fatalf("AppendIDs(%q) = %v, Encode %v", text, ids, e.IDs)
			}
			for i, o := range e.Offsets {
				if o.Start < 0 || o.Start > o.End || o.End > len(text) {
					t.Fatalf("%q: token %d at %v", text, i, o)
				}
				for _, at := range []int{o.Start, o.End} {
					if utf8.ValidString(text) && at < len(text) && !utf8.RuneStart(text[at]) {
						t.Fatalf("%q: token %d at %v, inside a character", text, i, o)
					}
				}
			}
		}
	})
}
