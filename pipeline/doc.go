// Package pipeline is the engine: batches flow through a range loop of iterators, from a source
// through stages into sealed shards.
//
// Authors of components write one pure method: a [Generator], [Filter] or [Deduper] of stage.go. lift.go turns it into
// a [Stage] and does all the counting; ordered.go owns every goroutine of the data path. recipe.go reads the YAML that names the
// components, source.go the rows. intake.go cuts rows into batches (and, with a target, decides what to ask for: target.go);
// shards.go writes them to disk and seals them: the rename of the manifest is the only commit point. run.go is
// the way of a run from lock to last seal; phases.go is what happens where a filter must see everything first.
//
// What it is not: it knows no component by name, no file format, no provider, and it prints nothing.
//
// Two kinds of stop are told apart. A soft stop ([Halt]) takes nothing new, lets requests that have left finish (they are paid
// for), seals what is whole and can be resumed. A cancelled context leaves at once.
package pipeline
