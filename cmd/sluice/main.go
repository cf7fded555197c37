// The command sluice makes, curates and uses training data for language models: one binary, one recipe.
//
// It is wiring and words: what a command does is in the packages it calls. main.go and root.go start it, one file for each
// subcommand adds it, wiring.go hands the engine its parts, signals.go listens to Ctrl-C, exit.go turns errors into
// exit codes and hints. Data goes to stdout, talk to stderr; nothing ever asks a question.
package main

import (
	"io"
	"os"
	"runtime/debug"
)

func main() {
	// A run streams: what it allocates dies young. Collecting at half the usual growth costs a tenth more CPU and saves a fifth of the
	// memory (measured on 10,000 calls with 256 in flight). GOGC overrides it.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	a := newApp(stdout, stderr)
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(a.stderr)
	return a.exit(root.Execute())
}
