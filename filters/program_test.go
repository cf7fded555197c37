package filters

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the outside program of filters/exec (see program).
func TestMain(m *testing.M) {
	if mode := os.Getenv("SLUICE_TEST_PROGRAM"); mode != "" {
		program(mode)
		return
	}
	os.Exit(m.Run())
}

// program is the outside program of these tests: the test binary itself. It drops texts with the word "bad", and does what a text asks for.
func program(mode string) {
	if mode == "broken" {
		fmt.Fprintln(os.Stderr, "no module named judge")
		os.Exit(3)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var r struct{ ID, Text string }
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			panic(err)
		}
		a := map[string]any{"id": r.ID, "keep": !strings.Contains(r.Text, "bad")}
		switch {
		case strings.Contains(r.Text, "crash"):
			fmt.Fprintln(os.Stderr, "about to crash")
			os.Exit(2)
		case strings.Contains(r.Text, "sleep"):
			if mode == "child" { // a grandchild that would outlive us
				c := exec.Command("sleep", "60")
				c.Stderr = os.Stderr
				c.Start()
				fmt.Fprintf(os.Stderr, "child %d\n", c.Process.Pid)
			}
			time.Sleep(time.Minute)
		case strings.Contains(r.Text, "chatter"):
			fmt.Println("loading model …")
		case strings.Contains(r.Text, "undeclared"):
			a["scores"] = map[string]any{"other": 1}
		case strings.Contains(r.Text, "shout"):
			a["text"] = strings.ToUpper(r.Text)
		}
		if a["keep"] == false {
			a["reason"], a["detail"] = "bad_word", "it says bad"
		}
		if _, ok := a["scores"]; !ok && mode != "plain" {
			a["scores"], a["columns"] = map[string]any{"size": len(r.Text)}, map[string]any{"first": r.Text[:1], "n": 3}
		}
		b, _ := json.Marshal(a)
		fmt.Printf("%s\n", b)
	}
}
