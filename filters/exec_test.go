//go:build unix

package filters

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/schemas"
)

func execFilter(t *testing.T, mode, more string) *Exec {
	t.Helper()
	config := fmt.Sprintf("{command: [%q], env: {SLUICE_TEST_PROGRAM: %s}%s}", os.Args[0], mode, more)
	return open(t, "exec", config, nil, nil, nil).(*Exec)
}

func TestExecFailures(t *testing.T) {
	for _, c := range []struct{ mode, more, text, want string }{
		{"broken", "", "x", "ended before its first answer: it ended: exit status 3; it said: no module named judge"},
		{"plain", "", "chatter", "no answer of this protocol"},
		{"plain", "", "undeclared", `score "other" is not declared`},
	} {
		f := execFilter(t, c.mode, c.more)
		_, err := f.Judge(t.Context(), record(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, want %s", c.mode, c.text, err, c.want)
		}
		if _, ok := errors.AsType[*schemas.Failure](err); ok {
			t.Errorf("%s %s: costs one record, but should stop the run", c.mode, c.text)
		}
	}
}

// A crash costs its row; the program starts again for the next, up to a bound.
func TestExecRestarts(t *testing.T) {
	f := execFilter(t, "plain", ", restarts: 2")
	for i := range 4 {
		if _, err := f.Judge(t.Context(), record(fmt.Sprint("good ", i))); err != nil {
			t.Fatal(err)
		}
		_, err := f.Judge(t.Context(), record(fmt.Sprint("crash ", i)))
		fail, ok := errors.AsType[*schemas.Failure](err)
		if i < 2 {
			if !ok || fail.Reason != "exec_crash" || !strings.Contains(err.Error(), "exit status 2; it said: about to crash") {
				t.Fatalf("crash %d: %v", i, err)
			}
			continue
		}
		if ok || !strings.Contains(err.Error(), "failed more than 2 times") {
			t.Fatalf("crash %d: %v", i, err)
		}
		return
	}
}

// A row that takes too long costs itself, and takes its program's children with it.
func TestExecTimeout(t *testing.T) {
	f := execFilter(t, "child", ", timeout: 0.5, scores: [size], columns: {first: string, n: int}")
	if _, err := f.Judge(t.Context(), record("good")); err != nil {
		t.Fatal(err)
	}
	_, err := f.Judge(t.Context(), record("sleep"))
	fail, ok := errors.AsType[*schemas.Failure](err)
	if !ok || fail.Reason != "exec_timeout" {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscanf(err.Error()[strings.Index(err.Error(), "child "):], "child %d", &pid); err != nil {
		t.Fatal(err)
	}
	for range 200 { // killed at once, collected by init some time later
		if dead(pid) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !dead(pid) {
		t.Errorf("child %d lives on", pid)
	}
	if _, err := f.Judge(t.Context(), record("good again")); err != nil {
		t.Fatal(err)
	}
}

func dead(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Contains(string(b), ") Z ")
}

// Many callers share a few processes, and each gets the answer about its own record.
func TestExecConcurrent(t *testing.T) {
	f := execFilter(t, "full", ", processes: 3, scores: [size], columns: {first: string, n: int}")
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			r := record(strings.Repeat("a", i+1))
			v, err := f.Judge(t.Context(), r)
			if err != nil || v.Scores["size"] != float64(i+1) || v.Columns["n"] != int64(3) {
				t.Error(i, v, err)
			}
		})
	}
	wg.Wait()
}
