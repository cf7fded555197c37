package pipeline

import (
	"context"
	"fmt"

	"sluice/schemas"
)

// prepare gives the intake its target and the job its pool, reading the source once where one of them asks for it. A run
// that goes on after an interruption sees the same prefix of the source as the one before it.
func (j *job) prepare(ctx context.Context, in *intake, cur *Cursor) error {
	in.target = j.r.Target
	in.candidates = candidates(j.r.Stages)
	wants := in.target != nil && in.target.PerLabel.Mode != ""
	for _, s := range j.r.Stages {
		if p, ok := s.Component.(Pooler); ok && p.NeedsPool() {
			wants = true
		}
	}
	seen := &Census{}
	if wants {
		upTo := cur.Pool
		if j.man.Complete {
			upTo = nil
		}
		var rows Cursor
		var err error
		held := func(r *schemas.Record) bool { return in.holdout.takes(&rows, r) }
		if j.pool, seen, err = ReadPool(ctx, in.source, upTo, held); err != nil {
			return err
		}
		cur.Pool = seen.Extents
	}
	if in.target == nil {
		return nil
	}
	q, err := quotas(in.target, seen.Labels, seen.Seeds)
	if err != nil {
		return err
	}
	if cur.Plan == nil {
		cur.Plan = &plan{Labels: map[string]*labelPlan{}}
	}
	cur.Plan.aim(q, in.target)
	return nil
}

// aim sets the quotas. Where they or the stop rules have changed, a run that had stopped starts to look again.
func (p *plan) aim(q map[string]int64, t *TargetSpec) {
	rules := fmt.Sprint(q, t.MaxCandidates, t.MinYield, t.MaxDuplicates)
	if p.Rules != rules {
		p.Rules, p.Stop, p.LowRuns, p.Window = rules, "", 0, yieldWindow{}
	}
	for label, n := range q {
		if p.Labels[label] == nil {
			p.Labels[label] = &labelPlan{}
		}
		p.Labels[label].Quota = n
	}
}

// candidates is how many made rows one visit of a seed leads to, by the forecasts of the generators.
func candidates(stages []StageSpec) float64 {
	byDepth := []float64{1}
	for _, s := range stages {
		f, ok := s.Component.(Forecaster)
		if _, generates := s.Component.(Generator); !ok || !generates {
			continue
		}
		_, made := f.Forecast()
		for d := min(s.MaxDepth, len(byDepth)) - 1; d >= 0; d-- {
			if d+1 == len(byDepth) {
				byDepth = append(byDepth, 0)
			}
			byDepth[d+1] += byDepth[d] * made
		}
	}
	sum := 0.0
	for _, n := range byDepth[1:] {
		sum += n
	}
	return max(sum, 1)
}
