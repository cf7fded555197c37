package pipeline

import (
	"slices"
	"strings"
	"testing"
)

func TestFingerprintLaws(t *testing.T) {
	const plain = `
sluice: 1
dataset: out
seed: 17
models:
  writer: {provider: echo, temperature: 0.5}
  idle: {provider: echo}
source: {jsonl: {path: seeds.jsonl, map: {text: text}}}
stages:
  - filters/size: {min: 4, words: [a, b]}
  - generators/echo: {model: writer}
`
	base := mustLoad(t, plain).Fingerprint()
	change := func(old, new string) string {
		if !strings.Contains(plain, old) {
			t.Fatalf("%q is not in the recipe", old)
		}
		return strings.Replace(plain, old, new, 1)
	}
	for name, recipe := range map[string]string{
		"comment":          "# a comment\n" + change("seed: 17", "seed: 17 # my birthday"),
		"order of keys":    change("dataset: out\nseed: 17", "seed: 17\ndataset: out"),
		"order in a stage": change("{min: 4, words: [a, b]}", "{words: [a, b], min: 4}"),
		"block style":      change("{min: 4, words: [a, b]}", "\n      \"min\": 0x4\n      words:\n      - 'a'\n      - \"b\""),
		"default written":  change("{min: 4,", "{max: 100, min: 4,"),
		"batch written":    change("seed: 17", "seed: 17\nbatch: 64"),
		"sink written":     plain + "sink: {parquet: {rows: 50000, compression: zstd-fastest}, seeds: keep}\n",
		"source default":   change("{text: text}}", "{text: text}, extra: error, max_line: 16777216}, holdout: 0.0"),
		"workers":          change("{model: writer}", "{model: writer, workers: 9}"),
		"max_depth 1":      change("{model: writer}", "{model: writer, max_depth: 1}"),
		"folders":          change("dataset: out", "dataset: elsewhere\nstate: there"),
		"tolerate":         plain + "tolerate: 0.5\n",
		"ledger":           plain + "ledger: {fsync: batch}\n",
		"train":            plain + "train: {steps: 3}\ncertify: {floor: 1}\n",
		"idle model":       change("idle: {provider: echo}", "idle: {provider: echo, max_tokens: 5}"),
		"limits":           change("temperature: 0.5}", "temperature: 0.5, in_flight: 3, per_minute: {requests: 9}, key_env: K, headers: {X: y}, patience: 3m}"),
		"price, budget":    change("temperature: 0.5}", "temperature: 0.5, price: {input: 0.1, output: 0.4}}") + "budget: {usd: 3}\n",
		"target":           plain + "target: {accepted: 5}\n",
		"anchor":           change("{min: 4, words: [a, b]}", "{<<: {min: 4, words: [x]}, words: [a, b]}"),
	} {
		if got := mustLoad(t, recipe).Fingerprint(); got.Hash != base.Hash {
			t.Errorf("%s changed the fingerprint:\n%s", name, strings.Join(Diff(base.Lines, got.Lines), "\n"))
		}
	}
	for name, recipe := range map[string]string{
		"- seed: 17|+ seed: 18":                                                     change("seed: 17", "seed: 18"),
		"- batch: 64|+ batch: 32":                                                   plain + "batch: 32\n",
		"+ source.holdout: 0.1":                                                     change("{text: text}}", "{text: text}}, holdout: 0.1"),
		"+ filters/size: max: 99":                                                   change("{min: 4,", "{max: 99, min: 4,"),
		"- filters/size: min: 4|+ filters/size: min: 5":                             change("{min: 4,", "{min: 5,"),
		"+ generators/echo: max_depth: 2":                                           change("{model: writer}", "{model: writer, max_depth: 2}"),
		"+ filters/size: on: \"made\"":                                              change("{min: 4,", "{on: made, min: 4,"),
		"- models.writer.temperature: 0.5|+ models.writer.temperature: 0":           change("temperature: 0.5", "temperature: 0"),
		"- sink.seeds: \"keep\"|+ sink.seeds: \"drop\"":                             plain + "sink: {seeds: drop}\n",
		"- sink.rows: 50000|+ sink.rows: 50":                                        plain + "sink: {parquet: {rows: 50}}\n",
		"- filters/size: words: [\"a\",\"b\"]|+ filters/size: words: [\"b\",\"a\"]": change("[a, b]", "[b, a]"),
		"+ stage dedup/same":                                                        plain + "  - dedup/same\n",
	} {
		got := mustLoad(t, recipe).Fingerprint()
		if diff := strings.Join(Diff(base.Lines, got.Lines), "|"); got.Hash == base.Hash || diff != name {
			t.Errorf("diff is\n%s\nwant\n%s", diff, name)
		}
	}
	moved := mustLoad(t, change("  - filters/size: {min: 4, words: [a, b]}\n  - generators/echo: {model: writer}",
		"  - generators/echo: {model: writer}\n  - filters/size: {min: 4, words: [a, b]}")).Fingerprint()
	if moved.Hash == base.Hash {
		t.Error("the order of stages does not count")
	}
}

func TestFingerprintHidesEnvironment(t *testing.T) {
	const recipe = "sluice: 1\ndataset: out\nsource: {path: seeds.jsonl}\nstages: [filters/size: {words: [x, \"${SECRET}\"]}]\n"
	a := mustLoad(t, recipe).Fingerprint()
	if text := strings.Join(a.Lines, "\n"); strings.Contains(text, "hunter2") || !strings.Contains(text, "#") {
		t.Errorf("the fingerprint shows a value of the environment, or nothing of it:\n%s", text)
	}
	moved := strings.Replace(recipe, "seeds.jsonl", "\"${NONE:-seeds.jsonl}\"", 1)
	if got := mustLoad(t, moved).Fingerprint().Lines; !slices.Contains(got, `source.path: "${NONE:-seeds.jsonl}"`) {
		t.Errorf("the path of the source: %q", got)
	}
	b := mustLoad(t, strings.Replace(recipe, "SECRET", "SIZE", 1)).Fingerprint()
	if a.Hash == b.Hash {
		t.Error("another value gave the same fingerprint")
	}
}

func TestDiff(t *testing.T) {
	words := func(s string) []string { return strings.Fields(s) }
	for _, c := range []struct{ from, to, want string }{
		{"a b c", "a b c", ""},
		{"a b c", "a x c", "- b + x"},
		{"a b c d", "b c e d", "- a + e"},
		{"", "a", "+ a"},
		{"a b", "", "- a - b"},
	} {
		if got := strings.Join(Diff(words(c.from), words(c.to)), " "); got != c.want {
			t.Errorf("Diff(%q, %q) = %q, want %q", c.from, c.to, got, c.want)
		}
	}
	if a := words("a b c"); len(Diff(a, slices.Clone(a))) > 0 {
		t.Error("a recipe differs from itself")
	}
}
