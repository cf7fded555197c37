package main

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/cmd/internal/fakellm"
)

// Real kills: the program itself, a real store, real sockets, kill -9.

// killWorld is a folder, a server, and the program to run in it.
type killWorld struct {
	*stageWorld
	program string
	url     string
}

const killRecipe = `
sluice: 1
dataset: out
state: state
seed: 5
batch: 16
models:
  writer: {endpoint: "${LLM_URL}", identity: practice, model: practice, key_env: SLUICE_TEST_KEY}
source: {path: seeds.jsonl}
stages:
  - generators/paraphrase: {model: writer, samples: 2, workers: 32}
  - filters/length: {min: 20}
  - dedup/exact: {}
  - dedup/minhash: {preset: short-text}
sink: {parquet: {rows: 400}}
`

func newKillWorld(t *testing.T, rows int, c fakellm.Config) *killWorld {
	t.Helper()
	w := &killWorld{stageWorld: newStage(t, rows, killRecipe, c)}
	if err := os.WriteFile(filepath.Join(w.dir, "recipe.yaml"), []byte(killRecipe), 0o644); err != nil {
		t.Fatal(err)
	}
	w.program = linkProgram(t)
	s := httptest.NewServer(w.server)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	w.url = s.URL + "/v1"
	return w
}

func (w *killWorld) start() *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(w.program, "run", "recipe.yaml", "--progress", "none")
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "LLM_URL="+w.url, "SLUICE_TEST_KEY="+plantedSecret)
	cmd.Stderr = new(strings.Builder)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd
}

// finish runs the program to its end, which must be a good one.
func (w *killWorld) finish() string {
	w.t.Helper()
	cmd := w.start()
	if err := cmd.Wait(); err != nil {
		w.t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
	return fmt.Sprint(cmd.Stderr)
}

// kill ends the program without warning as soon as when says so, and reports whether it was still at work.
func (w *killWorld) kill(when func() bool) bool {
	w.t.Helper()
	return killWhen(w.t, w.start(), time.Millisecond, when)
}

func long() bool { return os.Getenv("SLUICE_LONG") != "" }

// Killed at a quarter and at half of the calls: what had arrived is never asked again, and what was in flight
// is all that may be paid twice.
func TestKillPaysNothingTwice(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no kill -9 on windows")
	}
	rows := 200
	if long() {
		rows = 2000
	}
	w := newKillWorld(t, rows, fakellm.Config{Latency: 20 * time.Millisecond, Sigma: .5})
	inFlight := 0
	calls := 2 * rows
	for _, share := range []int{4, 2} {
		w.kill(func() bool {
			s := w.server.Stats()
			if s.Paid < calls/share {
				return false
			}
			inFlight += 32
			return true
		})
	}
	told := w.finish()
	s := w.server.Stats()
	if s.PaidRepeats > inFlight {
		t.Errorf("%d answers paid twice, at most %d were in flight", s.PaidRepeats, inFlight)
	}
	if s.Distinct != calls {
		t.Errorf("%d different requests, want %d", s.Distinct, calls)
	}
	t.Logf("%d calls, %d paid twice; told: %s", s.Paid, s.PaidRepeats, strings.SplitN(told, "\n", 2)[0])
	w.finish()
	if again := w.server.Stats(); again.Requests != s.Requests {
		t.Errorf("a finished run asked %d times more", again.Requests-s.Requests)
	}
}

// Killed at random moments, again and again: the bytes of an undisturbed run.
func TestKillAtRandomGivesTheSameBytes(t *testing.T) {
	if runtime.GOOS == "windows" || testing.Short() {
		t.Skip("long")
	}
	kills, rows := 4, 150
	if long() {
		kills, rows = 20, 600
	}
	c := fakellm.Config{Latency: 10 * time.Millisecond, Sigma: 1, Faults: faults(t, "429:rate=0.05,retry_after=0.05", "fence:rate=0.2,heal=false", "truncate:rate=0.1,heal=false")}
	clean := newKillWorld(t, rows, c)
	clean.finish()
	want := clean.files()

	w := newKillWorld(t, rows, c)
	rng := rand.New(rand.NewPCG(21, 22))
	killed := 0
	for range kills {
		deadline := time.Now().Add(time.Duration(50+rng.IntN(700)) * time.Millisecond)
		if w.kill(func() bool { return time.Now().After(deadline) }) {
			killed++
		}
	}
	w.finish()
	t.Logf("%d kills", killed)
	got := w.files()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs: %d bytes, want %d", name, len(got[name]), len(want[name]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	cmd := exec.Command(w.program, "verify", "out")
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "unknown command") {
		t.Errorf("verify: %v\n%s", err, out)
	}
}
