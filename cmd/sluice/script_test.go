package main

import (
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/cmd/internal/fakellm"
)

// The scripts in testdata/script run the program itself: the test binary is sluice when it is called so. Beside the commands of
// testscript they have
//
//	exits CODE PROGRAM ARGS…   run it to its end, which must be with this code
//	fakellm FLAGS…             start a practice server; $LLM_URL is its address
//	hold, release              let requests wait at its door from now on; let them in
//	asked N                    wait until the server was asked N times
//	paid N                     the server has billed N answers, none of them twice
//	signal INT                 send a signal to the program in the background, and remember it for
//	code CODE                  the exit code of that program, after `wait`
func TestScripts(t *testing.T) {
	recipes, err := filepath.Abs("../../testdata/recipes")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("RECIPES", recipes)
			e.Setenv("SLUICE_TEST_KEY", scriptKey)
			e.Values[practiceKey] = &practice{open: make(chan struct{})}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "fakellm": startFake, "hold": hold, "release": release, "asked": asked, "paid": paid,
			"signal": sendSignal, "code": exitCode,
		},
	})
}

// scriptKey is in the environment of every script and must be in no output, dataset or store.
const scriptKey = "planted-5e1f-key"

var update = flag.Bool("update", false, "rewrite the expected output in scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

// practice is what a script has under way.
type practice struct {
	server  *fakellm.Server
	arrived atomic.Int64  // requests, those that wait at the door included
	held    atomic.Bool   // new requests wait
	open    chan struct{} // until this is closed
	cmd     *exec.Cmd     // the one that was sent a signal
}

func (p *practice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.arrived.Add(1)
	if p.held.Load() {
		select {
		case <-p.open:
		case <-r.Context().Done():
			return
		}
	}
	p.server.ServeHTTP(w, r)
}

type practiceValue struct{}

var practiceKey = practiceValue{}

func of(ts *testscript.TestScript) *practice { return ts.Value(practiceKey).(*practice) }

func number(ts *testscript.TestScript, args []string) int {
	if len(args) == 0 {
		ts.Fatalf("a number is missing")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	return n
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want := number(ts, args)
	err, got := ts.Exec(args[1], args[2:]...), 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func startFake(ts *testscript.TestScript, _ bool, args []string) {
	var c fakellm.Config
	fs := flag.NewFlagSet("fakellm", flag.ContinueOnError)
	c.AddFlags(fs)
	ts.Check(fs.Parse(args))
	p := of(ts)
	p.server = fakellm.New(c)
	p.arrived.Store(0)
	s := httptest.NewServer(p)
	ts.Defer(s.CloseClientConnections)
	ts.Setenv("LLM_URL", s.URL+"/v1")
}

func hold(ts *testscript.TestScript, _ bool, _ []string) { of(ts).held.Store(true) }

func release(ts *testscript.TestScript, _ bool, _ []string) { close(of(ts).open) }

func asked(ts *testscript.TestScript, _ bool, args []string) {
	want := int64(number(ts, args))
	for begun := time.Now(); of(ts).arrived.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			ts.Fatalf("asked %d times in a minute, want %d", of(ts).arrived.Load(), want)
		}
	}
}

func paid(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts).server.Stats()
	if want := number(ts, args); s.Paid != want || s.PaidRepeats != 0 {
		ts.Fatalf("%d answers were paid, %d of them again; want %d, none again", s.Paid, s.PaidRepeats, want)
	}
}

func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	running := ts.BackgroundCmds()
	if len(args) != 1 || signals[args[0]] == nil || len(running) != 1 {
		ts.Fatalf("usage: signal INT|TERM|KILL, with one program in the background (there are %d)", len(running))
	}
	of(ts).cmd = running[0]
	ts.Check(running[0].Process.Signal(signals[args[0]]))
}

func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	if got, want := of(ts).cmd.ProcessState.ExitCode(), number(ts, args); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
