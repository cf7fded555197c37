package report

import (
	"strings"
	"testing"

	"sluice/pipeline"
	"sluice/schemas"
)

func TestRows(t *testing.T) {
	seed := &schemas.Record{ID: schemas.SeedID("requests.jsonl", 11), Text: "Why was I\ncharged twice?", Labels: []string{"billing"},
		Origin: schemas.Origin{Source: "requests.jsonl", Row: 11}}
	good, bad, lost := seed.Child("generators/paraphrase", 0, 0), seed.Child("generators/paraphrase", 0, 1), seed.Child("generators/paraphrase", 0, 2)
	good.Text, good.Scores = "I have been billed \x1b[31mtwo times", map[string]float64{"judge": .8}
	bad.Text = strings.Repeat("long ", 60)
	var b strings.Builder
	err := Rows(&b, &pipeline.Tried{
		Survey:  &pipeline.Survey{Sample: []*schemas.Record{seed}},
		Records: []*schemas.Record{good, seed},
		Rejects: []pipeline.Reject{
			{Record: bad, Stage: "dedup/minhash", Reason: "near_duplicate", Owner: seed.ID},
			{Record: lost, Stage: "generators/paraphrase", Reason: "bad_json", Failed: true, Detail: "the answer is no JSON object"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range []string{
		"requests.jsonl row 11 [billing]",
		"  +  seed                   Why was I charged twice?",
		"  +  generators/paraphrase  I have been billed ·[31mtwo times", // no escape reaches the terminal
		"  -  generators/paraphrase  long long",
		"  -  generators/paraphrase  ",
	} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want it to begin with %q", i, lines[i], want)
		}
	}
	if !strings.HasSuffix(lines[2], "judge 0.80") || !strings.HasSuffix(lines[3], "…  dedup/minhash: near_duplicate of "+seed.ID.String()[:8]) ||
		!strings.HasSuffix(lines[4], "generators/paraphrase: bad_json (the answer is no JSON object)") {
		t.Errorf("fates:\n%s", b.String())
	}
}
