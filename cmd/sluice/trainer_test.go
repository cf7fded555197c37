package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/schemas"
	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// called runs a command in this process.
func called(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	a := newApp(&out, &talk)
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	code = a.exit(root.ExecuteContext(t.Context()))
	return code, out.String(), talk.String()
}

func mustCall(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	code, out, talk := called(t, stdin, args...)
	if code != exitDone {
		t.Fatalf("sluice %s: exit code %d\n%s", strings.Join(args, " "), code, talk)
	}
	return out
}

const chatTemplate = `{% for m in messages %}{{ m.role }}: {{ m.content }}
{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}`

var corpus = strings.Repeat("the cash machine kept my card, and the card was new.\nwhere is my money? the transfer is late; 12 days is too long.\n", 40)

// tinyLlama makes a folder with a llama, fresh, and a tokenizer of 320 tokens.
func tinyLlama(t *testing.T) string {
	t.Helper()
	return tinyModel(t, model.Config{Family: model.Llama, Head: model.CausalLM, Hidden: 32, Layers: 2, Heads: 4, KVHeads: 2, FFN: 64, Positions: 64, InitRange: .3})
}

func tinyModel(t *testing.T, c model.Config) string {
	t.Helper()
	dir := t.TempDir()
	tok, err := tokenizer.TrainBPE(slices.Values([]string{corpus}), tokenizer.TrainOptions{Vocab: 320, Split: "digits", Special: []string{"<|endoftext|>"}})
	if err != nil {
		t.Fatal(err)
	}
	c.Vocab, c.BOS, c.PadID, c.EOS = tok.Vocab(), -1, -1, []int32{0}
	m, err := model.New(c, 7)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Save(dir, model.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tok.Write(&b); err != nil {
		t.Fatal(err)
	}
	config, _ := json.Marshal(map[string]string{"eos_token": "<|endoftext|>", "chat_template": chatTemplate})
	for name, data := range map[string][]byte{"tokenizer.json": b.Bytes(), "tokenizer_config.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A model goes to GGUF and back without a changed weight, and says the same on the way.
func TestConvertThereAndBack(t *testing.T) {
	dir, at := tinyLlama(t), t.TempDir()
	file, back := filepath.Join(at, "tiny.gguf"), filepath.Join(at, "back")
	mustCall(t, "", "convert", "--from", dir, "--to", file, "--type", "f32")
	mustCall(t, "", "convert", "--from", file, "--to", back)
	a, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(back, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the weights differ after the way to GGUF and back")
	}
	say := func(path string) string {
		return mustCall(t, "", "generate", "--model", path, "--chat", "--prompt", "where is my card?", "--max-tokens", "12", "--seed", "3")
	}
	want := say(dir)
	for _, path := range []string{file, back} {
		if got := say(path); got != want {
			t.Errorf("%s says %q, %s says %q", path, got, dir, want)
		}
	}
}

// Every type passes its verification, and takes less room the fewer bits it has.
func TestConvertTypes(t *testing.T) {
	dir, at := tinyLlama(t), t.TempDir()
	for _, kind := range []string{"f16", "bf16", "f32"} {
		to := filepath.Join(at, kind)
		mustCall(t, "", "convert", "--from", dir, "--to", to, "--type", kind)
		if _, err := os.Stat(filepath.Join(to, "tokenizer.json")); err != nil {
			t.Error(err)
		}
	}
	size := map[string]int64{}
	for _, kind := range []string{"f32", "f16", "q8_0", "q4_0"} {
		to := filepath.Join(at, kind+".gguf")
		mustCall(t, "", "convert", "--from", dir, "--to", to, "--type", kind)
		st, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		size[kind] = st.Size()
	}
	if !(size["f32"] > size["f16"] && size["f16"] > size["q8_0"] && size["q8_0"] > size["q4_0"]) {
		t.Errorf("sizes do not fall with the type: %v", size)
	}
	code, _, talk := called(t, "", "convert", "--from", dir, "--to", filepath.Join(at, "f16"))
	if code != exitRecipe || !strings.Contains(talk, "--force") {
		t.Errorf("an existing folder: exit code %d, %s", code, talk)
	}
	mustCall(t, "", "convert", "--from", dir, "--to", filepath.Join(at, "f16"), "--type", "f32", "--force")
	a, _ := os.ReadFile(filepath.Join(at, "f16", "model.safetensors"))
	b, _ := os.ReadFile(filepath.Join(at, "f32", "model.safetensors"))
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("--force did not replace the weights")
	}
	if left, _ := filepath.Glob(filepath.Join(at, "*.part*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Weights go into several files and back into one, and no file of before is left to be read instead.
func TestConvertShards(t *testing.T) {
	dir, to := tinyLlama(t), filepath.Join(t.TempDir(), "parts")
	mustCall(t, "", "convert", "--from", dir, "--to", to)
	mustCall(t, "", "convert", "--from", dir, "--to", to, "--shard", "40kB", "--force")
	parts, _ := filepath.Glob(filepath.Join(to, "model-*-of-*.safetensors"))
	if _, err := os.Stat(filepath.Join(to, "model.safetensors.index.json")); err != nil || len(parts) < 2 || exists(filepath.Join(to, "model.safetensors")) {
		t.Fatalf("%d files, %v", len(parts), err)
	}
	say := func(path string) string {
		return mustCall(t, "", "generate", "-m", path, "-p", "the card", "--max-tokens", "8", "--seed", "2")
	}
	if a, b := say(dir), say(to); a != b {
		t.Errorf("%q, from several files %q", a, b)
	}
	mustCall(t, "", "convert", "--from", dir, "--to", to, "--force")
	if parts, _ = filepath.Glob(filepath.Join(to, "model-*")); len(parts) > 0 {
		t.Errorf("left behind: %v", parts)
	}
	if code, _, talk := called(t, "", "convert", "--from", dir, "--to", "x.gguf", "--shard", "1GB"); code != exitRecipe || !strings.Contains(talk, "for folders alone") {
		t.Errorf("shards of GGUF: exit code %d, %s", code, talk)
	}
}

// A classifier keeps its head and labels, and what else lies in its folder.
func TestConvertClassifier(t *testing.T) {
	dir := tinyModel(t, model.Config{Family: model.BERT, Head: model.Classify, Problem: model.SingleLabel, Labels: []string{"card", "money"}, Hidden: 32, Layers: 1, Heads: 2, Positions: 32})
	to := filepath.Join(t.TempDir(), "half")
	mustCall(t, "", "convert", "--from", dir, "--to", to, "--type", "f16")
	m, err := model.Load(to, model.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Config.Head != model.Classify || !slices.Equal(m.Config.Labels, []string{"card", "money"}) {
		t.Errorf("head %s, labels %v", m.Config.Head, m.Config.Labels)
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		a, _ := os.ReadFile(filepath.Join(dir, name))
		b, _ := os.ReadFile(filepath.Join(to, name))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s was not copied", name)
		}
	}
	if code, _, talk := called(t, "", "generate", "-m", dir, "-p", "x"); code != exitRecipe || !strings.Contains(talk, "does not generate") {
		t.Errorf("a classifier that generates: exit code %d, %s", code, talk)
	}
}

func TestConvertRefuses(t *testing.T) {
	gpt := tinyModel(t, model.Config{Family: model.GPT2, Head: model.CausalLM, Hidden: 32, Layers: 1, Heads: 2, Positions: 32})
	dir := tinyLlama(t)
	broken := tinyLlama(t)
	weights := filepath.Join(broken, "model.safetensors")
	b, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[len(b)-4:], []byte{0, 0, 0xc0, 0x7f}) // NaN
	if err := os.WriteFile(weights, b, 0o644); err != nil {
		t.Fatal(err)
	}
	small := tinyLlama(t)
	if err := os.Remove(filepath.Join(small, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"gpt2":         {[]string{"--from", gpt, "--to", "x.gguf"}, exitRecipe, "it is for llamas"},
		"type":         {[]string{"--from", dir, "--to", "x.gguf", "--type", "bf16"}, exitRecipe, "f32, f16, q8_0, q4_0"},
		"folder type":  {[]string{"--from", dir, "--to", "x", "--type", "q8_0"}, exitRecipe, "f32, f16, bf16"},
		"itself":       {[]string{"--from", dir, "--to", dir, "--force"}, exitRecipe, "write beside it"},
		"missing":      {[]string{"--from", "nowhere", "--to", "x"}, exitRecipe, "config.json"},
		"nan":          {[]string{"--from", broken, "--to", "x"}, exitFailed, "NaN"},
		"no tokenizer": {[]string{"--from", small, "--to", "x.gguf"}, exitRecipe, "tokenizer.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, _, talk := called(t, "", append([]string{"convert"}, c.args...)...)
			if code != c.code || !strings.Contains(talk, c.want) {
				t.Errorf("exit code %d, want %d: %s (want %q)", code, c.code, talk, c.want)
			}
			if left, _ := filepath.Glob("*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What streams is what the whole answer is, and stop texts are never shown.
func TestGenerateStreams(t *testing.T) {
	dir := tinyLlama(t)
	args := []string{"generate", "--model", dir, "--prompt", "the card", "--max-tokens", "24", "--temperature", "1"}
	var whole struct{ Text, End string }
	if err := json.Unmarshal([]byte(mustCall(t, "", append(args, "--json")...)), &whole); err != nil {
		t.Fatal(err)
	}
	streamed := mustCall(t, "", args...)
	if streamed != whole.Text+"\n" || whole.Text == "" {
		t.Fatalf("streamed %q, whole %q", streamed, whole.Text)
	}
	if again := mustCall(t, "", append(args, "--threads", "1")...); again != streamed {
		t.Errorf("one thread says %q, all say %q", again, streamed)
	}
	r := []rune(whole.Text)
	stop := string(r[len(r)/2 : len(r)/2+3])
	before, _, _ := strings.Cut(whole.Text, stop)
	if got := mustCall(t, "", append(args, "--stop", stop)...); strings.TrimSuffix(got, "\n") != strings.TrimSuffix(before, "\n") {
		t.Errorf("stopped by %q: %q, want %q", stop, got, before)
	}
	lines := strings.Split(strings.TrimSpace(mustCall(t, "", append(args, "-n", "3", "--json")...)), "\n")
	if len(lines) != 3 || lines[0] == lines[1] && lines[1] == lines[2] {
		t.Errorf("three answers: %q", lines)
	}
}

func TestGenerateReadsConversations(t *testing.T) {
	dir := tinyLlama(t)
	common := []string{"generate", "-m", dir, "--chat", "--max-tokens", "8", "--temperature", "0"}
	a := mustCall(t, "", append(common, "--system", "be brief", "--prompt", "hello")...)
	b := mustCall(t, `[{"role":"system","content":"be brief"},{"role":"user","content":"hello"}]`, append(common, "--messages", "-")...)
	c := mustCall(t, "", "generate", "-m", dir, "--max-tokens", "8", "--temperature", "0", "--prompt", "system: be brief\nuser: hello\nassistant:")
	if a != b || a != c {
		t.Errorf("one conversation three ways: %q, %q, %q", a, b, c)
	}
	for _, stdin := range []string{"", "[]", `[{"content":"x"}]`, `{"messages":3}`} {
		if code, _, talk := called(t, stdin, append(common, "--messages", "-")...); code != exitRecipe || !strings.Contains(talk, "hint") {
			t.Errorf("conversation %q: exit code %d, %s", stdin, code, talk)
		}
	}
}

// Vectors keep the order of their texts in every format, and have length 1 unless asked otherwise.
func TestEmbedKeepsOrder(t *testing.T) {
	dir, at := tinyModel(t, model.Config{Family: model.BERT, Head: model.Body, Hidden: 32, Layers: 1, Heads: 2, Positions: 32}), t.TempDir()
	texts := strings.Split(strings.TrimSpace(corpus), "\n")[:6]
	for i := range texts {
		texts[i] = texts[i][:len(texts[i])-7*i]
	}
	stdin := strings.Join(texts, "\n")
	type row struct {
		ID, Text  string
		Embedding []float64
	}
	var rows []row
	for line := range strings.Lines(mustCall(t, stdin, "embed", "-m", dir, "--batch", "2", "-")) {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if len(rows) != len(texts) {
		t.Fatalf("%d rows, want %d", len(rows), len(texts))
	}
	for i, r := range rows {
		square := 0.0
		for _, v := range r.Embedding {
			square += v * v
		}
		if r.Text != texts[i] || len(r.Embedding) != 32 || math.Abs(square-1) > 1e-5 {
			t.Errorf("row %d: text %q, %d numbers, length² %v", i, r.Text, len(r.Embedding), square)
		}
		one := mustCall(t, texts[i], "embed", "-m", dir, "--batch", "1", "-")
		var alone row
		if err := json.Unmarshal([]byte(one), &alone); err != nil {
			t.Fatal(err)
		}
		for j, v := range alone.Embedding {
			if math.Abs(v-r.Embedding[j]) > 1e-5 {
				t.Fatalf("row %d, number %d: %v alone, %v in company", i, j, v, r.Embedding[j])
			}
		}
	}
	for _, format := range []string{"parquet", "arrow", "jsonl"} {
		out := filepath.Join(at, "vectors."+format)
		mustCall(t, stdin, "embed", "-m", dir, "--batch", "2", "--out", out, "-")
		n := 0
		for r, err := range schemas.ReadRows(out, schemas.ReadOptions{}) {
			if err != nil || r.Err != nil {
				t.Fatal(err, r.Err)
			}
			list, _ := r.Values["embedding"].([]any)
			if r.Values["text"] != texts[n] || r.Values["id"] != rows[n].ID || len(list) != 32 {
				t.Fatalf("%s row %d: %.200v", format, n, r.Values)
			}
			for j, v := range list {
				if float32(v.(float64)) != float32(rows[n].Embedding[j]) {
					t.Fatalf("%s row %d, number %d: %v, want %v", format, n, j, v, rows[n].Embedding[j])
				}
			}
			n++
		}
		if n != len(texts) {
			t.Errorf("%s: %d rows", format, n)
		}
	}
	if code, _, talk := called(t, "one\n\ntwo", "embed", "-m", dir, "-"); code != exitFailed || !strings.Contains(talk, "stdin, text 2") {
		t.Errorf("an empty line: exit code %d, %s", code, talk)
	}
	if out := mustCall(t, "one\n\ntwo", "embed", "-m", dir, "--skip", "-"); strings.Count(out, "\n") != 2 {
		t.Errorf("an empty line with --skip: %s", out)
	}
}
