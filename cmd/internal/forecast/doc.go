// Package forecast tells what a run will take before it begins: requests, tokens, money, time, disk. What it says is
// an estimate; the cap on money is not its business but that of the models, who keep it exactly.
//
// flow.go follows rows through the stages by what components say of themselves; measure.go renders a few real prompts, without
// asking anyone, to learn how long they are; plan.go puts both together. bootstrap.go extrapolates from rows that were really
// made, with an interval.
package forecast
