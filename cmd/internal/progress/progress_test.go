package progress

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vbauerster/mpb/v8"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// batch is 10 source rows, one made for each, two dropped.
func batch(n int64) pipeline.BatchInfo {
	b := &pipeline.Batch{N: n, Counts: []pipeline.Tally{
		{Stage: "source", In: 10, Out: 10},
		{Stage: "generators/eda", In: 10, Made: 10, Out: 20},
		{Stage: "filters/length", In: 20, Out: 18, Dropped: map[string]int64{"too_short": 2}},
	}}
	for i := range 18 {
		b.Records = append(b.Records, &schemas.Record{Origin: schemas.Origin{Depth: i % 2}})
	}
	return pipeline.BatchInfo{Batch: b, Accepted: len(b.Records)}
}

func TestPictureCountsWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMeter(&schemas.Manifest{Segments: []schemas.Segment{
			{Counts: []pipeline.Tally{{Stage: "source", In: 100}}, Made: map[string]int64{"a": 40}},
			{Partial: true, Counts: []pipeline.Tally{{Stage: "source", In: 30}}, Made: map[string]int64{"a": 9}},
		}})
		e, models := m.Events(), m.LLM()
		e.RunStarted(pipeline.RunInfo{})
		e.PhaseBegun(pipeline.PhaseInfo{I: 1, Of: 1})
		m.Total(200)
		for n := range int64(4) {
			time.Sleep(time.Second)
			e.BatchDone(batch(n))
			models.Sent("writer", "generators/eda")
			models.Answered("writer", "generators/eda", llm.Usage{Prompt: 7, Completion: 3, Cost: int64(llm.Unit / 4)})
		}
		p := m.Picture()
		if p.Rows != 140 || p.Accepted != 72 || p.Made != 36 || p.Have != 76 || p.Dropped != 8 {
			t.Errorf("rows %d, accepted %d, made %d, have %d, dropped %d; want 140, 72, 36, 76, 8", p.Rows, p.Accepted, p.Made, p.Have, p.Dropped)
		}
		if p.Requests != 4 || p.Tokens != 40 || p.Cost != llm.Unit {
			t.Errorf("requests %d, tokens %d, cost %s", p.Requests, p.Tokens, p.Cost)
		}
		if p.PerSecond != 10 || p.ETA != 6*time.Second {
			t.Errorf("%v rows/s, ETA %s; want 10 and 6s: 60 rows are left", p.PerSecond, p.ETA)
		}
		for _, s := range p.Stages {
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(36 * time.Second) // nothing comes any more: the speed of late falls
		if p := m.Picture(); p.PerSecond > 2 {
			t.Errorf("%v rows/s after 36 s of silence", p.PerSecond)
		}
	})
}

func TestSecondPhaseCountsItsOwnRows(t *testing.T) {
	m := NewMeter(nil)
	e := m.Events()
	e.PhaseBegun(pipeline.PhaseInfo{I: 1, Of: 2})
	e.BatchDone(batch(0))
	if p := m.Picture(); p.Accepted != 0 {
		t.Errorf("%d rows accepted in a phase that only spools", p.Accepted)
	}
	e.PhaseBegun(pipeline.PhaseInfo{I: 2, Of: 2, Fits: "filters/top"})
	p := m.Picture()
	if p.Rows != 0 || p.Total != 18 || p.Fits != "filters/top" || !strings.Contains(p.done(), "phase 2 of 2") {
		t.Errorf("phase 2 starts with %d of %d rows: %s", p.Rows, p.Total, p.done())
	}
}

func TestTargetETA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMeter(nil)
		e := m.Events()
		e.RunStarted(pipeline.RunInfo{Target: &pipeline.TargetSpec{Accepted: 90}})
		e.PhaseBegun(pipeline.PhaseInfo{I: 1, Of: 1})
		time.Sleep(3 * time.Second)
		e.BatchDone(batch(0)) // 9 made rows in 3 s
		if p := m.Picture(); p.ETA != 27*time.Second || p.done() != "9 of 90 rows accepted" {
			t.Errorf("ETA %s, %q; want 27s for the 81 rows left", p.ETA, p.done())
		}
	})
}

func TestPausesRunOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMeter(nil)
		e := m.LLM()
		pause := llm.Pause{Model: "writer", Endpoint: "http://here/v1", Cause: "429", Left: 15 * time.Minute}
		e.Paused(pause)
		time.Sleep(190 * time.Second)
		lines := strings.Join((&Picture{Paused: m.Picture().Paused}).lines(), "\n")
		if want := "paused: http://here/v1 429 for 3m10s, 11m50s left"; !strings.Contains(lines, want) {
			t.Errorf("got %q, want %q in it", lines, want)
		}
		e.Resumed(pause)
		if len(m.Picture().Paused) != 0 {
			t.Error("still paused after it was resumed")
		}
	})
}

func TestPlainSpeaksFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m := NewMeter(nil)
		stop := Plain(m, slog.New(slog.NewTextHandler(&out, nil)), 10*time.Second)
		m.Events().PhaseBegun(pipeline.PhaseInfo{I: 1, Of: 1})
		time.Sleep(5 * time.Second)
		m.Events().BatchDone(batch(0))
		time.Sleep(26 * time.Second)
		stop()
		text := out.String()
		if n := strings.Count(text, "msg=progress"); n != 3 {
			t.Errorf("%d lines in 31 s, want 3:\n%s", n, text)
		}
		for _, want := range []string{"rows=10", "accepted=18", "rejected=2", "rows_per_s=1"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		if strings.Contains(text, "requests") || strings.Contains(text, "phase") {
			t.Errorf("speaks of what does not apply:\n%s", text)
		}
	})
}

// console is a terminal of 100 columns that remembers its frames, each with the lines by which the next goes up.
type console struct {
	bytes.Buffer
	frames chan frame
}

type frame struct {
	text  string
	lines int
}

func (*console) IsTerminal() bool               { return true }
func (*console) GetTermSize() (int, int, error) { return 100, 40, nil }
func (c *console) Flush(lines int) error {
	c.frames <- frame{c.String(), lines}
	c.Reset()
	return nil
}

func TestBarDrawsAndLetsLinesThrough(t *testing.T) {
	var after bytes.Buffer
	c := &console{frames: make(chan frame, 100)}
	m := NewMeter(nil)
	m.Total(40)
	m.Events().PhaseBegun(pipeline.PhaseInfo{I: 1, Of: 1})
	m.Events().BatchDone(batch(0))
	tick := make(chan any)
	above, stop := bar(m, &after, mpb.WithManualRefresh(tick), mpb.WithConsoleWriter(c))
	tick <- time.Now()
	first := <-c.frames
	for _, want := range []string{"━", "10 of 40 rows", "filters/length", "too_short 2"} {
		if !strings.Contains(first.text, want) {
			t.Errorf("no %q on the screen:\n%s", want, first.text)
		}
	}
	// What the next drawing goes up by must be what this one has: else the screen would scroll.
	if n := strings.Count(first.text, "\n"); n != first.lines || n != 5 {
		t.Errorf("%d lines are drawn and %d counted, want 5: the head, 3 stages, accepted\n%s", n, first.lines, first.text)
	}
	m.LLM().Sent("writer", "s")
	if _, err := io.WriteString(above, "a line of the log\n"); err != nil {
		t.Fatal(err)
	}
	tick <- time.Now()
	var second frame
	for !strings.Contains(second.text, "1 requests") {
		second = <-c.frames
	}
	if n := strings.Count(second.text, "\n"); !strings.HasPrefix(second.text, "a line of the log\n") || n != 7 || second.lines != 6 {
		t.Errorf("a line of the log above 6 lines of progress (%d counted):\n%s", second.lines, second.text)
	}
	stop()
	if _, err := io.WriteString(above, "and one after the end\n"); err != nil || after.String() != "and one after the end\n" {
		t.Errorf("after the end %q was written: %v", after.String(), err)
	}
}

func TestFitCutsLines(t *testing.T) {
	for _, c := range []struct {
		line, want string
		width      int
	}{{"abcdef", "abcdef", 6}, {"abcdef", "abcd…", 5}, {"äöüß", "äö…", 3}, {"abc", "abc", 0}} {
		if got := fit(c.line, c.width); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

// Notes must be complete on both sides, and JoinLLM must call both.
func TestJoinLLM(t *testing.T) {
	var calls []string
	note := func(name string) llm.Events {
		add := func(s string) { calls = append(calls, name+s) }
		return llm.Events{
			Sent:     func(string, string) { add("sent") },
			Answered: func(string, string, llm.Usage) { add("answered") },
			Retried:  func(string, string, *llm.Error, time.Duration) { add("retried") },
			Paused:   func(llm.Pause) { add("paused") },
			Resumed:  func(llm.Pause) { add("resumed") },
		}
	}
	e := JoinLLM(note("a "), JoinLLM(llm.Events{}, note("b ")))
	e.Sent("", "")
	e.Answered("", "", llm.Usage{})
	e.Retried("", "", nil, 0)
	e.Paused(llm.Pause{})
	e.Resumed(llm.Pause{})
	want := "a sent, b sent, a answered, b answered, a retried, b retried, a paused, b paused, a resumed, b resumed"
	if got := strings.Join(calls, ", "); got != want {
		t.Errorf("calls: %s", got)
	}
}
