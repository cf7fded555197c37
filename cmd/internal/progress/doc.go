// Package progress shows how a run goes: as lines that stay in place on a terminal, as log lines from time to time elsewhere.
// It watches through the events of the engine and of the models, and changes nothing; what a run has done in the end is told
// by package report.
//
// meter.go sums up events; picture.go is what it knows at a moment, in words; bar.go is the terminal, plain.go the log,
// notes.go the things worth a line of their own.
package progress
