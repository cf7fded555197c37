package tokenizer

import (
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTrainBPEByHand: the words are hug×3, ␣pug×2, ␣hugs×1. The first counts are u+g 6, h+u 4, ␣+p 2, p+u 2, ...
func TestTrainBPEByHand(t *testing.T) {
	tok, err := TrainBPE(slices.Values([]string{"hug pug hugs", "hug", "hug pug"}), TrainOptions{Vocab: 256 + 4})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{{"u", "g"}, {"h", "ug"}, {"p", "ug"}, {"Ġ", "pug"}}
	if !slices.Equal(tok.file.Model.merges, want) {
		t.Errorf("merges %q, want %q", tok.file.Model.merges, want)
	}
}

// TestTrainBPEGolden trains on the texts of the golden files: the same merges and ids as the reference's trainer.
func TestTrainBPEGolden(t *testing.T) {
	var lines []string
	readGolden(t, "testdata/lines.json.gz", &lines)
	texts := slices.Concat(lines[:42], lines[:42], lines[:42]) // as make_golden.py trains
	for name, split := range map[string]string{"gpt2": "gpt2", "smollm": "digits", "qwen2": "qwen2", "o200k": "o200k", "llama3": "llama3"} {
		var g golden
		readGolden(t, "testdata/"+name+".json.gz", &g)
		want, err := Parse(g.Tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		got, err := TrainBPE(slices.Values(texts), TrainOptions{Vocab: want.Vocab(), Min: 1, Split: split, Special: []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.file.Model.merges, want.file.Model.merges) || !slices.Equal(got.vocab.tokens, want.vocab.tokens) {
			t.Errorf("%s: the reference learns other merges:\n got %q\nwant %q", name, got.file.Model.merges, want.file.Model.merges)
		}
	}
}

func TestTrainWordPiece(t *testing.T) {
	text := inventedText(50000)
	lines := strings.Split(text, "\n")
	tok, err := TrainWordPiece(slices.Values(lines), TrainOptions{Vocab: 700})
	if err != nil {
		t.Fatal(err)
	}
	if tok.Vocab() != 700 {
		t.Errorf("vocabulary %d, want 700", tok.Vocab())
	}
	ids := tok.AppendIDs(nil, text, true)
	if s := tok.Special(); slices.Contains(ids, s.UNK) || ids[0] != s.CLS || ids[len(ids)-1] != s.SEP {
		t.Errorf("unknown words in the text it was trained on, or no [CLS] [SEP]: %+v", s)
	}
	if words := len(strings.Fields(text)); len(ids) > 3*words {
		t.Errorf("%d tokens for %d words", len(ids), words)
	}
	again, err := TrainWordPiece(slices.Values(lines), TrainOptions{Vocab: 700})
	if err != nil || again.Hash() != tok.Hash() {
		t.Errorf("two trainings differ (%v)", err)
	}
	for _, bad := range []TrainOptions{{Vocab: 30}, {Vocab: 700, Special: []string{"[PAD]"}}} {
		if _, err := TrainWordPiece(slices.Values(lines), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestTrainUnigram(t *testing.T) {
	lines := strings.Split(inventedText(50000), "\n")
	lines = append(lines, strings.Repeat("ab", 400)) // a word too long for sums of probabilities
	o := TrainOptions{Vocab: 700}
	tok, err := TrainUnigram(slices.Values(lines), o)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Vocab() != 700 {
		t.Errorf("vocabulary %d, want 700", tok.Vocab())
	}
	sum := 0.0
	for _, s := range tok.file.Model.scores[4:] {
		if s >= 0 || math.IsNaN(s) || math.IsInf(s, 0) {
			t.Fatalf("a log probability of %v", s)
		}
		sum += math.Exp(s)
	}
	if sum < .8 || sum > 1.0001 {
		t.Errorf("the probabilities sum to %v", sum)
	}
	chars, tokens := 0, 0
	for _, l := range lines {
		ids := tok.AppendIDs(nil, l, false)
		if got := tok.Decode(ids, true); got != strings.TrimPrefix(l, " ") {
			t.Fatalf("%q decodes to %q", l, got)
		}
		chars += utf8.RuneCountInString(l)
		tokens += len(ids)
	}
	if tokens*2 > chars {
		t.Errorf("%d tokens for %d characters", tokens, chars)
	}
	again, err := TrainUnigram(slices.Values(lines), o)
	if err != nil || again.Hash() != tok.Hash() {
		t.Errorf("two trainings differ (%v)", err)
	}
	if _, err := TrainUnigram(slices.Values(lines), TrainOptions{Vocab: 20}); err == nil || !strings.Contains(err.Error(), "at least") {
		t.Errorf("a vocabulary of 20: %v", err)
	}
	few, err := TrainUnigram(slices.Values(lines), TrainOptions{Vocab: 80, Alphabet: 20})
	if err != nil || !slices.Contains(few.AppendIDs(nil, "a你b", false), few.Special().UNK) {
		t.Errorf("a character outside the alphabet is not unknown (%v)", err)
	}
}

// TestSeeds holds the seeds against counting every substring.
func TestSeeds(t *testing.T) {
	words := []wordCount{{"▁ab", 3}, {"▁abc", 2}, {"▁banana", 1}, {"▁ban", 4}, {"▁é", 1}, {"▁éé", 5}}
	counts := map[string]int{}
	for _, w := range words {
		r := []rune(w.text)
		for i := range r {
			for j := i + 2; j <= min(len(r), i+4); j++ {
				counts[string(r[i:j])] += w.count
			}
		}
	}
	seeds := seedPieces(words, 4, 1000)
	seen := map[string]bool{}
	for i, s := range seeds {
		n := utf8.RuneCountInString(s.text)
		if want := float64(counts[s.text] * n); s.score != want || seen[s.text] {
			t.Errorf("%q has score %v, want %v once", s.text, s.score, want)
		}
		seen[s.text] = true
		if i > 0 && s.score > seeds[i-1].score {
			t.Errorf("%q is out of order", s.text)
		}
	}
	for _, must := range []string{"▁ab", "▁abc", "an", "ana", "▁ban", "▁éé", "▁é"} {
		if !seen[must] {
			t.Errorf("%q is no seed: %v", must, seeds)
		}
	}
	if got := seedPieces(words, 4, 2); !slices.Equal(got, seeds[:2]) {
		t.Errorf("limited to 2: %v", got)
	}
}

// TestDigamma: ψ(1) is minus Euler's constant, ψ(1/2) = -γ - 2 ln 2.
func TestDigamma(t *testing.T) {
	const gamma = 0.57721566490153286
	for x, want := range map[float64]float64{1: -gamma, .5: -gamma - 2*math.Ln2, 2: 1 - gamma, 10: 2.251752589066721, 1e6: math.Log(1e6) - 5e-7} {
		if got := digamma(x); math.Abs(got-want) > 1e-10 {
			t.Errorf("digamma(%v) = %v, want %v", x, got, want)
		}
	}
}
