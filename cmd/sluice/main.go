// The command sluice makes, curates and uses training data for language models: one binary, one recipe.
//
// It is wiring and words: what a command does is in the packages it calls. main.go and root.go start it, one file for each
// subcommand adds it, wiring.go hands the engine its parts, signals.go listens to Ctrl-C, exit.go turns errors into
// exit codes and hints. Data goes to stdout, talk to stderr; nothing ever asks a question.
package main

import (
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	a := newApp(stdout, stderr)
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(a.stderr)
	return a.exit(root.Execute())
}
