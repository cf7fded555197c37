package filters

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/pipeline/text"
	"sluice/schemas"
)

// shared is the folder with test data that is not part of the project.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		dir = "../../shared"
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	return path
}

func readLines[T any](t testing.TB, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	in := bufio.NewScanner(z)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		if len(strings.TrimSpace(in.Text())) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(in.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

type goldenDoc struct{ ID, Text string }

type goldenVerdict struct {
	ID    string `json:"id"`
	Words string `json:"words_fnv"`
	Gr    []any  `json:"gr"`
	Stats map[string]float64
}

// TestRepetitionAgainstDatatrove holds every count and every verdict against datatrove 0.10.1 on real documents. Where our words are its
// words, all must agree; where they are not, the difference is the tokenizer's and is only counted.
func TestRepetitionAgainstDatatrove(t *testing.T) {
	docs := readLines[goldenDoc](t, shared(t, "golden/curation/docs.jsonl.gz"))
	verdicts := readLines[goldenVerdict](t, shared(t, "golden/curation/datatrove_verdicts.jsonl.gz"))
	if len(docs) != len(verdicts) || len(docs) < 3000 {
		t.Fatal(len(docs), len(verdicts))
	}
	f := newRepetition()
	same, sameVerdict := 0, 0
	var s repetitionScratch
	for i, d := range docs {
		v := verdicts[i]
		h := fnv.New64a()
		for w := range text.Words(d.Text) {
			if h.Sum64() != fnv.New64a().Sum64() {
				h.Write([]byte{0x1f})
			}
			h.Write([]byte(w))
		}
		s.load(d.Text, "reference")
		st := s.measure(d.Text)
		reason := any(nil)
		if failed := f.failed(st); len(failed) > 0 {
			reason = failed[0].reason
		}
		if reason == v.Gr[1] {
			sameVerdict++
		}
		if fmt.Sprintf("%016x", h.Sum64()) != v.Words {
			continue
		}
		same++
		if reason != v.Gr[1] {
			t.Errorf("%s: %v, datatrove %v", d.ID, reason, v.Gr[1])
		}
		got := map[string]int{"paras": st.paras, "dup_para": st.dupParas, "dup_para_chars": st.dupParaChars, "lines_nl": st.lines,
			"dup_line": st.dupLines, "dup_line_chars": st.dupLineChars, "top_2": st.top[0], "top_3": st.top[1], "top_4": st.top[2],
			"dup_5": st.dup[0], "dup_6": st.dup[1], "dup_7": st.dup[2], "dup_8": st.dup[3], "dup_9": st.dup[4], "dup_10": st.dup[5]}
		for k, n := range got {
			if float64(n) != v.Stats[k] {
				t.Errorf("%s: %s is %d, datatrove %v", d.ID, k, n, v.Stats[k])
			}
		}
	}
	t.Logf("words agree in %d of %d documents, verdicts in %d", same, len(docs), sameVerdict)
	if same < len(docs)*8/10 {
		t.Errorf("words agree in only %d of %d documents: the comparison says too little", same, len(docs))
	}
}

// measured is the definition, word for word, with strings and maps.
func measured(content string, words []string) repetitionStats {
	st := repetitionStats{chars: len([]rune(content))}
	dups := func(parts []string) (all, again, chars int) {
		seen := map[string]bool{}
		for _, p := range parts {
			if seen[p] {
				again++
				chars += len([]rune(p))
			}
			seen[p] = true
		}
		return len(parts), again, chars
	}
	st.paras, st.dupParas, st.dupParaChars = dups(slices.Collect(text.Paragraphs(content)))
	st.lines, st.dupLines, st.dupLineChars = dups(slices.Collect(text.LineRuns(content)))
	for n := 2; n <= 4; n++ {
		count := map[string]int{}
		var order []string
		for i := 0; i+n <= len(words); i++ {
			g := strings.Join(words[i:i+n], " ")
			if count[g]++; count[g] == 1 {
				order = append(order, g)
			}
		}
		best := ""
		for _, g := range order {
			if count[g] > count[best] {
				best = g
			}
		}
		st.top[n-2] = len([]rune(best)) * count[best]
	}
	for n := 5; n <= 10; n++ {
		seen := map[string]bool{}
		for i := 0; i+n <= len(words); {
			g := strings.Join(words[i:i+n], "")
			if seen[g] {
				st.dup[n-5] += len([]rune(g))
				i += n
				continue
			}
			seen[g] = true
			i++
		}
	}
	return st
}

// The hashes count what the definition counts, on texts made to repeat themselves, one scratch for all.
func TestRepetitionIsItsDefinition(t *testing.T) {
	var s repetitionScratch
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "ab", "b", "é", "word", " ", "\n", "\n\n", " the ", "a b a b a b"}), 0, 80).Draw(t, "parts")
		content := strings.Join(parts, rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
		s.load(content, "paper")
		if got, want := s.measure(content), measured(content, strings.Fields(content)); got != want {
			t.Fatalf("%q\n got %+v\nwant %+v", content, got, want)
		}
	})
}

// Worked by hand: "one two" stands twice in 27 characters, 7·2/27 > 0.20.
func TestRepetitionByHand(t *testing.T) {
	f := newRepetition()
	f.From = 0
	v, err := f.Judge(t.Context(), record("one two three one two three"))
	if err != nil || v.Reason != "top_2_gram" || !strings.HasPrefix(v.Detail, "14 of 27") {
		t.Error(v, err)
	}
	if v, _ := f.Judge(t.Context(), record("")); v.Reason != "" {
		t.Error("an empty text is not repetition's business:", v)
	}
	// A text that begins and ends with a newline has two equal empty lines: one of three counts as a repeat.
	var s repetitionScratch
	s.load("\na\n", "paper")
	if st := s.measure("\na\n"); st.lines != 3 || st.dupLines != 1 || st.paras != 1 {
		t.Errorf("%+v", st)
	}
}

func BenchmarkRepetition(b *testing.B) {
	var words []string
	for i := range 310 {
		words = append(words, []string{"river", "of", "the", "morning", "and"}[i%5], string(rune('a'+i*i%97%26))+string(rune('a'+i%23))+"ed")
	}
	content := strings.Join(words[:310], " ")
	for _, rule := range []string{"reference", "paper"} {
		b.Run(rule, func(b *testing.B) {
			f := newRepetition()
			f.Words = rule
			r := record(content)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if _, err := f.Judge(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// Source code, after one text of a megabyte or more: what a large text leaves behind must not slow the small ones.
func BenchmarkRepetitionCode(b *testing.B) {
	paths, err := filepath.Glob("../*/*.go")
	if err != nil || len(paths) == 0 {
		b.Fatal(len(paths), err)
	}
	var all []*schemas.Record
	var large strings.Builder
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, record(string(content)))
		for range 5 {
			large.Write(content)
		}
	}
	for _, rule := range []string{"reference", "paper"} {
		b.Run(rule, func(b *testing.B) {
			f := newRepetition()
			f.Words = rule
			if _, err := f.Judge(b.Context(), record(large.String())); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n, bytes := 0, 0
			for b.Loop() {
				r := all[n%len(all)]
				if _, err := f.Judge(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				n++
				bytes += len(r.Text)
			}
			b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
			b.ReportMetric(float64(bytes)/float64(n), "B/doc")
		})
	}
}
