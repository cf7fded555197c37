package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sluice/cmd/internal/progress"
	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/pipeline/state"
	"sluice/schemas"
)

func example() *Run {
	return &Run{
		Dataset: "out/support",
		Counts: []pipeline.Tally{
			{Stage: "source", In: 150, Out: 120, Dropped: map[string]int64{"held_out": 30}},
			{Stage: "generators/paraphrase", In: 120, Made: 480, Out: 590, Failed: map[string]int64{"bad_json": 10}},
			{Stage: "filters/length", In: 590, Out: 580, Dropped: map[string]int64{"too_short": 4, "too_long": 6}},
			{Stage: "sink", In: 580, Out: 580},
		},
		Labels: []Label{{"billing", 300, 240}, {"refund", 280, 220}},
		Held:   30,
		Models: llm.Status{
			Sum: state.Spend{Requests: 480, Prompt: 48_000, Completion: 9_600, Cost: int64(llm.Unit / 2)}, Currency: "USD",
			Spent: llm.Unit / 2, Cap: 5 * llm.Unit, CachedAnswers: 20, Saved: llm.Unit / 50,
		},
		Kept: progress.Paid{Cost: llm.Unit / 2, Tokens: 54_000}, Lost: progress.Paid{Cost: llm.Unit / 12, Tokens: 6_000},
		Took: 12 * time.Second, Rows: 150, Accepted: 580, Complete: true,
	}
}

func TestSummary(t *testing.T) {
	var b strings.Builder
	if err := Summary(&b, example()); err != nil {
		t.Fatal(err)
	}
	want := `stage                   in  made  dropped  failed  out
source                 150             30          120    held_out 30
generators/paraphrase  120   480               10  590    bad_json 10
filters/length         590             10          580    too_long 6, too_short 4
sink                   580                         580

150 read + 480 made = 580 accepted + 40 dropped + 10 failed
30 of the dropped rows are held out: the test split

label    accepted  of them made
billing       300           240
refund        280           220

models: 480 requests, 48,000 tokens in, 9,600 out, 0.50 USD
budget: 0.50 of 5.00 USD spent
ledger: 20 answers were there already, which saved 0.02 USD
per accepted row: 103 tokens, 0.001006 USD; 10 % of the tokens went into rows that were rejected

150 rows read and 580 accepted in 12.0 s: 13 rows/s in, 48 rows/s out
dataset: out/support
next: sluice show out/support · sluice verify out/support
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Where a phase ends and the next begins is shown while rows wait there, and is no news when all have passed.
func TestSummaryOfPhases(t *testing.T) {
	r := example()
	for _, waits := range []int64{0, 5} {
		var b strings.Builder
		r.Counts = []pipeline.Tally{{Stage: "source", In: 20, Out: 20}, {Stage: "spool", In: 20, Out: 20},
			{Stage: "phases/1", In: 20 - waits, Out: 20 - waits}, {Stage: "sink", In: 20 - waits, Out: 20 - waits}}
		if err := Summary(&b, r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "spool") || strings.Contains(b.String(), "phases/1") != (waits > 0) || strings.Contains(b.String(), "waiting for the next phase") != (waits > 0) {
			t.Errorf("%d rows wait:\n%s", waits, b.String())
		}
	}
}

// The law holds in the last line for any lawful counts, over phases and with rows that wait between them.
func TestSumBalances(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var counts []pipeline.Tally
		in, waiting := rng.Int64N(1000), int64(0)
		for i := range 1 + rng.IntN(6) {
			c := pipeline.Tally{Stage: fmt.Sprint("stage ", i), In: in, Made: rng.Int64N(100)}
			all := c.In + c.Made
			c.Out = rng.Int64N(all + 1)
			dropped := rng.Int64N(all - c.Out + 1)
			c.Dropped, c.Failed = map[string]int64{"a": dropped}, map[string]int64{"b": all - c.Out - dropped}
			counts = append(counts, c)
			if in = c.Out; rng.IntN(3) == 0 {
				in = rng.Int64N(c.Out + 1)
			}
			waiting += c.Out - in
		}
		waiting -= counts[len(counts)-1].Out - in // nothing reads the last stage
		s, err := Sum(counts)
		if err != nil {
			t.Fatal(err)
		}
		if s.Read+s.Made != s.Accepted+s.Dropped+s.Failed+s.Waiting || s.Waiting != waiting || s.Read != counts[0].In {
			t.Fatalf("%+v does not balance for %+v", s, counts)
		}
	}
}

func TestSumRefusesBrokenCounts(t *testing.T) {
	for _, counts := range [][]pipeline.Tally{
		{{Stage: "source", In: 3, Out: 2}},
		{{Stage: "source", In: 3, Out: 3}, {Stage: "next", In: 4, Out: 4}},
	} {
		if _, err := Sum(counts); err == nil {
			t.Errorf("%+v passed as lawful", counts)
		}
		if err := Summary(&strings.Builder{}, &Run{Counts: counts}); err == nil {
			t.Errorf("a summary was printed of %+v", counts)
		}
	}
}

func TestManyLabels(t *testing.T) {
	m := &schemas.Manifest{}
	for i := range 77 {
		m.Segments = append(m.Segments, schemas.Segment{Labels: map[string]int64{fmt.Sprintf("label%02d", i): int64(77 - i)}})
	}
	all := Labels(m)
	if len(all) != 77 || all[0].Name != "label00" || all[76].Rows != 1 {
		t.Fatalf("labels: %v", all)
	}
	var b strings.Builder
	if err := labels(&b, all); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 1+mostLabels+1 || !strings.Contains(b.String(), "… 57 more labels") || !strings.HasPrefix(lines[len(lines)-1], "label76") {
		t.Errorf("%d lines:\n%s", len(lines), b.String())
	}
}
