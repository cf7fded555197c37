// Package report tells people what a command found out or did, as text: table.go lays out columns, summary.go tells what a
// run has done, rows.go shows rows. It computes nothing that its callers do not hand it.
package report
