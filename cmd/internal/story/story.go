// Package story tells how one row of a dataset came to be: what became of it, the rows it was made from, back to a seed
// (story.go, find.go), and what models were asked and answered on the way (answers.go). print.go writes it for people, json.go for programs.
//
// It reads sealed shards and, where a store is at hand, the ledger of answers. It computes nothing that is not written there.
package story

import (
	"fmt"
	"slices"
	"strings"

	"sluice/schemas"
)

// Fates of a row.
const (
	Accepted = "accepted"
	HeldOut  = "held out"
	Rejected = "rejected"
	Waiting  = "waiting" // a phase has let it through, and the next has not read it yet
)

// A Story is all that the dataset knows of one row.
type Story struct {
	Fate   string
	Record *schemas.Record
	Reject *schemas.Reject // set where Fate is Rejected
	File   string          // the shard it is in
	Stages []Passage       // in order, from the row's making to where it left
	Line   []Ancestor      // the row's maker's input, that one's, and so on to the seed
	Others []Ancestor      // further rows that it was made from, such as demonstrations
	Owner  *Ancestor       // the earlier row that it repeats
}

// A Passage is what a stage did with the row.
type Passage struct {
	Stage, Did string // Did: made it, passed, or why it left
}

// An Ancestor is a row that the story's row descends from. Its Record is nil where the dataset does not keep it.
type Ancestor struct {
	ID     schemas.ID
	Fate   string
	Record *schemas.Record
}

// deepest bounds a line of ancestors: a damaged dataset may go in circles.
const deepest = 64

// Tell finds out all about the row with that id.
func Tell(d *schemas.Dataset, id schemas.ID) (*Story, error) {
	f, err := find(d, id)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fmt.Errorf("%s: %w %s", d.Dir, ErrNotFound, id)
	}
	s := &Story{Fate: fate(f), Record: f.Record, Reject: f.Reject, File: f.Shard.Path}
	s.Stages = passages(d.Manifest, f)
	if f.Reject != nil && !f.Reject.Owner.IsZero() {
		if s.Owner, err = ancestor(d, f.Reject.Owner); err != nil {
			return nil, err
		}
	}
	seen := map[schemas.ID]bool{id: true}
	for r := f.Record; r != nil && len(r.Origin.Parents) > 0 && !seen[r.Origin.Parents[0]] && len(s.Line) < deepest; {
		a, err := ancestor(d, r.Origin.Parents[0])
		if err != nil {
			return nil, err
		}
		seen[a.ID] = true
		s.Line = append(s.Line, *a)
		r = a.Record
	}
	if parents := f.Record.Origin.Parents; len(parents) > 1 {
		for _, p := range parents[1:min(len(parents), deepest)] {
			a, err := ancestor(d, p)
			if err != nil {
				return nil, err
			}
			s.Others = append(s.Others, *a)
		}
	}
	return s, nil
}

func ancestor(d *schemas.Dataset, id schemas.ID) (*Ancestor, error) {
	a := &Ancestor{ID: id}
	f, err := find(d, id)
	if err != nil || f == nil {
		return a, err
	}
	a.Fate, a.Record = fate(f), f.Record
	return a, nil
}

func fate(f *schemas.Found) string {
	switch f.Shard.Role {
	case schemas.RoleTrain:
		return Accepted
	case schemas.RoleTest:
		return HeldOut
	case schemas.RoleRejects:
		return Rejected
	}
	return Waiting
}

// passages lists what the stages did with a row. A row that went a way is known from where it ended: those before let it pass.
func passages(m *schemas.Manifest, f *schemas.Found) []Passage {
	stages := stageNames(m)
	var ps []Passage
	first := 0
	if o := &f.Record.Origin; o.Depth > 0 {
		if i := slices.Index(stages, o.Stage); i >= 0 {
			first = i + 1
		}
		if f.Reject == nil || f.Reject.Stage != o.Stage {
			ps = append(ps, Passage{o.Stage, "made it"})
		}
	}
	last, end := len(stages), ""
	switch fate(f) {
	case HeldOut:
		return append(ps, Passage{"source", "held out: no stage has seen it"})
	case Rejected:
		end = f.Reject.Stage
		if last = slices.Index(stages, end); last < 0 {
			last = first
		}
	case Waiting:
		last = phaseEnd(m, f.Shard, stages)
	}
	for i := first; i < last; i++ {
		ps = append(ps, Passage{stages[i], "passed"})
	}
	if end != "" {
		ps = append(ps, Passage{end, "took it out"})
	}
	return ps
}

// stageNames are the stages of all phases, without what the engine counts around them.
func stageNames(m *schemas.Manifest) []string {
	var names []string
	for _, t := range m.Counts() {
		if strings.Contains(t.Stage, "/") && !strings.HasPrefix(t.Stage, schemas.PhasesDir+"/") || !engines[t.Stage] && !strings.Contains(t.Stage, "/") {
			names = append(names, t.Stage)
		}
	}
	return names
}

// engines are names in the counts that are not stages of a recipe.
var engines = map[string]bool{"source": true, "spool": true, "sink": true}

// phaseEnd is the number of stages before the end of the phase that a spool belongs to.
func phaseEnd(m *schemas.Manifest, shard schemas.Shard, stages []string) int {
	n := 0
	for _, p := range m.Phases {
		one := schemas.Manifest{Segments: p.Segments}
		n += len(stageNames(&one))
		for _, s := range p.Segments {
			if slices.ContainsFunc(s.Files, func(f schemas.Shard) bool { return f.Path == shard.Path }) {
				return min(n, len(stages))
			}
		}
	}
	return len(stages)
}
