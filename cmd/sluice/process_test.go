package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// linkProgram makes the program that tests start and kill: the test binary is sluice when it is called so.
func linkProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sluice")
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, program)
	}
	if err != nil {
		t.Skip("cannot link the program:", err)
	}
	return program
}

// killWhen ends a started program without warning as soon as when, asked at every pause, says so, and reports whether it was still at work. A program
// that fails by itself fails the test, with what it wrote to its error output.
func killWhen(t *testing.T, cmd *exec.Cmd, pause time.Duration, when func() bool) bool {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, cmd.Stderr)
			}
			return false
		case <-time.After(pause):
		}
		if when() {
			cmd.Process.Kill()
			<-ended
			return true
		}
	}
}
