package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const tinyModel = `"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}`

// TestParseErrors: every error names the place in the file.
func TestParseErrors(t *testing.T) {
	with := func(part string) string { return `{` + part + `,` + tinyModel + `}` }
	for _, c := range []struct{ json, want string }{
		{``, "tokenizer.json: unexpected end of JSON input"},
		{`{"model":`, "tokenizer.json: unexpected end of JSON input"},
		{`[]`, "tokenizer.json: is a array"},
		{`{}`, "model: missing"},
		{`{"model":7}`, "model: is a number"},
		{`{"model":{"type":"Magic"}}`, `model.type: unknown model "Magic"`},
		{`{"model":{"type":"BPE","vocab":{}}}`, "model.vocab: empty"},
		{`{"model":{"type":"BPE","vocab":{"a":0,"b":0}}}`, `model.vocab: id 0 belongs to two tokens, "a" and "b"`},
		{`{"model":{"type":"BPE","vocab":{"a":-1}}}`, `model.vocab: token "a" has id -1`},
		{`{"model":{"type":"BPE","vocab":{"a":99999999}}}`, "has id 99999999"},
		{`{"model":{"type":"BPE","vocab":{"a":"x"}}}`, "model.vocab"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}`, "model.merges[0]"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]}}`, "model.merges[0]: 3 tokens"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","a"]]}}`, "model.merges[0]"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"dropout":2}}`, "model.dropout"},
		{`{"model":{"type":"WordPiece","vocab":{"a":0}}}`, "model.unk_token"},
		{`{"model":{"type":"Unigram","vocab":[["a"]]}}`, "model.vocab[0]"},
		{`{"model":{"type":"Unigram","vocab":[["a",0]],"unk_id":3}}`, "model.unk_id: 3"},
		{with(`"added_tokens":[{"id":-3,"content":"x"}]`), "added_tokens[0].id"},
		{with(`"added_tokens":[{"id":3,"content":""}]`), "added_tokens[0].content"},
		{with(`"added_tokens":[{"id":3,"content":"x"},{"id":3,"content":"y"}]`), "added_tokens[1].id"},
		{with(`"normalizer":{"type":"Other"}`), `normalizer.type: unknown normalizer "Other"`},
		{with(`"normalizer":{}`), "normalizer.type: missing"},
		{with(`"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"X"}]}`), "normalizer.normalizers[1].type"},
		{with(`"normalizer":{"type":"Precompiled","precompiled_charsmap":"AA=="}`), "normalizer.precompiled_charsmap"},
		{with(`"normalizer":{"type":"Replace","pattern":{},"content":"x"}`), "normalizer.pattern"},
		{with(`"pre_tokenizer":{"type":"UnicodeScripts"}`), `pre_tokenizer.type: unknown pre-tokenizer "UnicodeScripts"`},
		{with(`"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?<=a)b"},"behavior":"Isolated"}`), `pre_tokenizer.pattern.Regex: unknown pattern "(?<=a)b"`},
		{with(`"pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Sometimes"}`), `pre_tokenizer.behavior: unknown behavior "Sometimes"`},
		{with(`"pre_tokenizer":{"type":"Metaspace","replacement":"ab"}`), "pre_tokenizer.replacement"},
		{with(`"post_processor":{"type":"TemplateProcessing","single":[],"pair":[]}`), "post_processor.single: text A"},
		{with(`"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}]}`), "post_processor.single[0].SpecialToken.id"},
		{with(`"post_processor":{"type":"BertProcessing","sep":["x"],"cls":["y",1]}`), "post_processor"},
		{with(`"decoder":{"type":"Strip"}`), "decoder.content: empty"},
		{with(`"decoder":{"type":"Sequence","decoders":[{"type":"Z"}]}`), "decoder.decoders[0].type"},
	} {
		if _, err := Parse([]byte(c.json)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.json, err, c.want)
		}
	}
}

// TestOldForms: models without a type, merges as lines, Metaspace without a scheme.
func TestOldForms(t *testing.T) {
	tok, err := Parse([]byte(`{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":false},
		"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.AppendIDs(nil, "abba", false); !slices.Equal(got, []int32{2, 1, 0}) {
		t.Errorf("abba = %v", got)
	}
}

// TestCompanions reads special tokens and the chat template from the files beside tokenizer.json.
func TestCompanions(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"tokenizer.json": `{"added_tokens":[{"id":3,"content":"<go>","special":true},{"id":4,"content":"<halt>","special":true}],` + tinyModel + `}`,
		"tokenizer_config.json": `{"bos_token":{"content":"<go>","lstrip":false},"eos_token":"<halt>","pad_token":"not there","unk_token":null,
			"chat_template":[{"name":"tools","template":"T"},{"name":"default","template":"{{ messages }}"}]}`,
		"special_tokens_map.json": `{"mask_token":"<go>","eos_token":"<go>"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Special{BOS: 3, EOS: 4, PAD: -1, UNK: -1, MASK: 3, CLS: -1, SEP: -1}); tok.Special() != want {
		t.Errorf("special tokens %+v, want %+v", tok.Special(), want)
	}
	if tok.ChatTemplate() != "{{ messages }}" || tok.Vocab() != 5 || !tok.IsSpecial(4) || tok.IsSpecial(2) {
		t.Errorf("template %q, vocabulary %d", tok.ChatTemplate(), tok.Vocab())
	}
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte("J"), 0o600); err != nil {
		t.Fatal(err)
	}
	if tok, err = Load(filepath.Join(dir, "tokenizer.json")); err != nil || tok.ChatTemplate() != "J" {
		t.Errorf("chat_template.jinja: %q, %v", tok.ChatTemplate(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "tokenizer_config.json") {
		t.Errorf("broken tokenizer_config.json: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "nothing")); !os.IsNotExist(err) && err == nil {
		t.Errorf("no file: %v", err)
	}
}

// TestHash: what changes no id changes no hash, what changes one does.
func TestHash(t *testing.T) {
	hash := func(json string) string {
		tok, err := Parse([]byte(json))
		if err != nil {
			t.Fatal(err)
		}
		return tok.Hash()
	}
	base := hash(`{` + tinyModel + `}`)
	if base != hash(`{"version":"1.0", "padding":{"strategy":"x"},"truncation":{"max_length":9}, `+tinyModel+`}`) {
		t.Error("padding and truncation change the hash")
	}
	if base != hash(`{"model":{"merges":["a b"],"vocab":{"ab":2,"b":1,"a":0},"type":"BPE"}}`) {
		t.Error("the order of fields changes the hash")
	}
	if base == hash(`{"normalizer":{"type":"NFC"},`+tinyModel+`}`) || base == hash(strings.Replace(`{`+tinyModel+`}`, `"ab":2`, `"ab":3`, 1)) {
		t.Error("a normaliser or another id does not change the hash")
	}
}
