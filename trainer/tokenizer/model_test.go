package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestBPEByHand: merges in order are l+o, lo+w, e+r; "lower" is low er, the word "ow" has no merge.
func TestBPEByHand(t *testing.T) {
	v := newVocabulary([]string{"l", "o", "w", "e", "r", "lo", "low", "er", "<unk>"})
	m, err := newBPE(v, [][2]string{{"l", "o"}, {"lo", "w"}, {"e", "r"}}, nil, bpeOptions{unk: "<unk>"})
	if err != nil {
		t.Fatal(err)
	}
	got := m.tokenize(&work{}, "lowerow?", nil)
	want := []token{{6, 0, 3}, {7, 3, 5}, {1, 5, 6}, {2, 6, 7}, {8, 7, 8}}
	if !slices.Equal(got, want) {
		t.Errorf("lowerow? = %v, want %v", got, want)
	}
	if _, err := newBPE(v, [][2]string{{"l", "x"}}, nil, bpeOptions{}); err == nil || !strings.Contains(err.Error(), "merges[0]") {
		t.Errorf("unknown merge: %v", err)
	}
}

// TestMergeWays: looking through all pairs and the heap give the same, ties included.
func TestMergeWays(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		merges := newPairTable[merge](64)
		for i := range int32(40) {
			m, _ := merges.at(pairKey(int32(r.IntN(12)), int32(r.IntN(12))))
			*m = merge{i / 2, int32(r.IntN(12))} // pairs of equal ranks
		}
		var start []symbol
		for range 2 + r.IntN(60) {
			start = append(start, symbol{id: int32(r.IntN(6)), n: 1})
		}
		result := func(long bool) []symbol {
			w := &work{symbols: slices.Clone(start)}
			if long {
				for i := range w.symbols {
					w.symbols[i].prev, w.symbols[i].next = int32(i-1), int32(i+1)
				}
				w.symbols[len(start)-1].next = -1
				w.mergeHeap(merges, false)
			} else {
				w.mergeShort(merges)
			}
			var out []symbol
			for i := int32(0); i >= 0; i = w.symbols[i].next {
				out = append(out, symbol{id: w.symbols[i].id, n: w.symbols[i].n})
			}
			return out
		}
		if short, heap := result(false), result(true); !slices.Equal(short, heap) {
			t.Fatalf("start %v\nshort %v\nheap  %v", start, short, heap)
		}
	}
}

func TestWordPieceByHand(t *testing.T) {
	m, err := newWordPiece(newVocabulary([]string{"[UNK]", "un", "##aff", "##able", "##a", "una"}), "[UNK]", "##", 12)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string][]token{
		"unaffable":     {{0, 0, 9}}, // una is longer than un, and ##ffable is no token
		"unable":        {{0, 0, 6}},
		"un":            {{1, 0, 2}},
		"unaaff":        {{5, 0, 3}, {2, 3, 6}},
		"unaaaaaaaaaaa": {{0, 0, 13}}, // too long
	} {
		if got := m.tokenize(nil, word, nil); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", word, got, want)
		}
	}
}

// TestUnigramByHand: ab+c costs -2-1, a+bc -1-1.5, so the second wins; x and y are unknown together.
func TestUnigramByHand(t *testing.T) {
	v := newVocabulary([]string{"<unk>", "a", "b", "c", "ab", "bc"})
	m := newUnigram(v, []float64{0, -1, -3, -1, -2, -1.5}, 0, false)
	for word, want := range map[string][]token{
		"abc":  {{1, 0, 1}, {5, 1, 3}},
		"xyab": {{0, 0, 2}, {4, 2, 4}},
		"éa":   {{0, 0, 2}, {1, 2, 3}},
	} {
		if got := m.tokenize(&work{}, word, nil); !slices.Equal(got, want) {
			t.Errorf("%s = %v, want %v", word, got, want)
		}
	}
}

func TestTrie(t *testing.T) {
	tr := newTrie([]trieEntry{{"ab", 1}, {"a", 2}, {"abc", 3}, {"b", 4}, {"ab", 5}, {"", 6}, {"aé", 7}})
	for _, c := range []struct {
		s  string
		id int32
	}{{"a", 2}, {"ab", 5}, {"abc", 3}, {"b", 4}, {"aé", 7}, {"a\xc3", -1}, {"c", -1}, {"abcd", -1}} {
		at, id := int32(0), int32(-1)
		for i := range len(c.s) {
			if at = tr.step(at, c.s[i]); at == 0 {
				break
			}
		}
		if at != 0 {
			id = tr.id[at]
		}
		if id != c.id {
			t.Errorf("%q leads to %d, want %d", c.s, id, c.id)
		}
	}
}

// trainedOn returns a small byte-level tokenizer.
func trainedOn(t testing.TB, text string, size int) *Tokenizer {
	t.Helper()
	tok, err := TrainBPE(slices.Values(strings.SplitAfter(text, "\n")), TrainOptions{Vocab: size, Special: []string{"<|endoftext|>"}})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestDropout(t *testing.T) {
	tok := trainedOn(t, inventedText(40000), 600)
	const text = "the station thesis tion ingness 123 naïve"
	plain := tok.AppendIDs(nil, text, false)
	draw := func(p float64, seed uint64) []int32 {
		return tok.AppendDropout(nil, text, false, p, rand.New(rand.NewPCG(seed, 0)))
	}
	if !slices.Equal(draw(0, 1), plain) {
		t.Error("dropout 0 changes the ids")
	}
	if got := draw(1, 1); len(got) != len(text) {
		t.Errorf("dropout 1 leaves %d tokens of %d bytes", len(got), len(text))
	}
	if !slices.Equal(draw(.3, 7), draw(.3, 7)) {
		t.Error("equal seeds, different ids")
	}
	seen := map[int]bool{}
	for seed := range uint64(30) {
		ids := draw(.3, seed)
		if got := tok.Decode(ids, true); got != text {
			t.Fatalf("seed %d decodes to %q", seed, got)
		}
		seen[len(ids)] = true
	}
	if len(seen) < 3 {
		t.Errorf("30 draws have only %d different lengths", len(seen))
	}
}

// TestConcurrent: many goroutines, one tokenizer, the same ids as one.
func TestConcurrent(t *testing.T) {
	text := inventedText(60000)
	tok := trainedOn(t, text, 500)
	lines := strings.Split(text, "\n")
	want := make([][]int32, len(lines))
	for i, l := range lines {
		want[i] = tok.AppendIDs(nil, l, true)
	}
	again, err := Parse(tok.file.bytes()) // with an empty cache
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, l := range lines {
				if got := again.AppendIDs(nil, l, true); !slices.Equal(got, want[i]) {
					t.Errorf("%q: %v, want %v", l, got, want[i])
					return
				}
			}
		})
	}
	wg.Wait()
}
