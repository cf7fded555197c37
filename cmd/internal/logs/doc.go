// Package logs is what the program says while it works: structured lines on the error stream, without secrets. It is
// not for data, which goes to the output stream, and not for the journal of a dataset, which the engine writes.
//
// redact.go takes secrets out of everything that is written; logs.go makes the logger.
package logs
