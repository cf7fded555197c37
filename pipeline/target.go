package pipeline

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"sluice/schemas"
)

// lag is how many batches a decision that needs feedback looks back: batch b is planned from the tallies of
// batches up to b - lag. It is fixed, so that timing never changes the output.
const lag = 16

// firstYield is the share of candidates expected to be accepted before anything is known. Measured in the simulation of the tests (three
// labels at yields .9, .5 and .3, 64 seeds a batch): a guess of .5 makes 18 % more candidates than are needed, .75 under 12 %.
const firstYield = 0.75

// priorVisits is the weight of that first guess, in visits of seeds.
const priorVisits = 4

// plan decides, batch by batch, how many seeds of each label to visit so that exactly the wanted number of
// rows is accepted in the end: quota - settled - expected from what is under way, over the yield per visit seen so far.
//
//	quota 100, accepted 40, 30 visits under way at 1.5 accepted rows a visit: (100 - 40 - 45) / 1.5 = 10 visits
//
// Rows refused by any later stage, duplicates included, reopen their quota by themselves.
type plan struct {
	Labels  map[string]*labelPlan `json:"labels"`
	Flight  []batchPlan           `json:"flight,omitempty"` // batches planned but not yet settled, oldest first
	Made    int64                 `json:"made"`             // candidates of settled batches
	Window  yieldWindow           `json:"window"`
	LowRuns int                   `json:"low_runs,omitempty"` // windows in a row with too small a yield
	Stop    string                `json:"stop,omitempty"`     // the stop rule that ended the run
	Rules   string                `json:"rules"`              // what was asked for when the plan was made
}

// labelPlan is the state of one label; without per_label there is a single one named "".
type labelPlan struct {
	Quota    int64   `json:"quota"`
	Accepted int64   `json:"accepted"`         // made rows of settled batches within the quota
	Visits   float64 `json:"visits,omitempty"` // of settled batches, decayed
	Yield    float64 `json:"yield,omitempty"`  // accepted in those, decayed
}

// batchPlan is what a batch was planned to visit.
type batchPlan struct {
	N      int64            `json:"n"`
	Visits map[string]int64 `json:"visits,omitempty"`
}

// yieldWindow sums settled batches for the stop rules.
type yieldWindow struct {
	Batches    int   `json:"batches,omitempty"`
	Made       int64 `json:"made,omitempty"`
	Accepted   int64 `json:"accepted,omitempty"`
	Duplicates int64 `json:"duplicates,omitempty"`
}

// settled is what became of a batch: the gate reports it, the plan reads it.
type settled struct {
	N          int64            `json:"n"`
	Accepted   map[string]int64 `json:"accepted,omitempty"` // made rows that count, by label
	Made       int64            `json:"made,omitempty"`     // candidates
	Duplicates int64            `json:"duplicates,omitempty"`
}

func (p *plan) clone() *plan {
	if p == nil {
		return nil
	}
	c := *p
	c.Labels = make(map[string]*labelPlan, len(p.Labels))
	for k, l := range p.Labels {
		copied := *l
		c.Labels[k] = &copied
	}
	c.Flight = slices.Clone(p.Flight)
	return &c
}

// labelOf is the label whose quota a record counts for.
func (p *plan) labelOf(r *schemas.Record) string {
	if _, single := p.Labels[""]; single {
		return ""
	}
	return r.Label()
}

// settle folds the outcome of the oldest batch in flight into the plan.
func (p *plan) settle(s settled, t *TargetSpec) {
	b := p.Flight[0]
	p.Flight = p.Flight[1:]
	if b.N != s.N {
		panic(fmt.Sprintf("plan: batch %d settled, %d expected", s.N, b.N))
	}
	p.Made += s.Made
	for c, v := range b.Visits {
		l := p.Labels[c]
		l.Visits = .9*l.Visits + float64(v)
		l.Yield = .9*l.Yield + float64(s.Accepted[c])
	}
	for c, n := range s.Accepted {
		if l := p.Labels[c]; l != nil {
			l.Accepted += n
		}
	}
	p.judge(s, t)
}

// judge applies the stop rules that look at what comes out. A window is lag batches that made something.
func (p *plan) judge(s settled, t *TargetSpec) {
	if s.Made == 0 {
		return
	}
	w := &p.Window
	w.Batches++
	w.Made += s.Made
	w.Duplicates += s.Duplicates
	for _, n := range s.Accepted {
		w.Accepted += n
	}
	if w.Batches < lag {
		return
	}
	switch {
	case p.deficit() == 0:
	case float64(w.Duplicates) > t.MaxDuplicates*float64(w.Made):
		p.Stop = fmt.Sprintf("duplicates above %.0f %%: %d of the last %d candidates", 100*t.MaxDuplicates, w.Duplicates, w.Made)
	case float64(w.Accepted) < t.MinYield*float64(w.Made):
		if p.LowRuns++; p.LowRuns == 2 {
			p.Stop = fmt.Sprintf("yield below %.0f %% twice: %d of the last %d candidates accepted", 100*t.MinYield, w.Accepted, w.Made)
		}
	default:
		p.LowRuns = 0
	}
	p.Window = yieldWindow{}
}

// deficit is how many accepted rows are missing by what has settled.
func (p *plan) deficit() int64 {
	var d int64
	for _, l := range p.Labels {
		d += max(0, l.Quota-l.Accepted)
	}
	return d
}

// perVisit is the number of accepted rows expected of one visit of a seed.
func (l *labelPlan) perVisit(candidates float64) float64 {
	y := (l.Yield + priorVisits*firstYield*candidates) / (l.Visits + priorVisits)
	return max(y, .01)
}

// ask returns how many seeds of each label batch n may visit; candidates is what one visit makes.
func (p *plan) ask(t *TargetSpec, candidates float64) map[string]int64 {
	room := math.Inf(1)
	if t.MaxCandidates > 0 {
		under := int64(0)
		for _, b := range p.Flight {
			for _, v := range b.Visits {
				under += v
			}
		}
		room = (float64(t.MaxCandidates-p.Made) - float64(under)*candidates) / candidates
		if room < 1 && under == 0 && p.deficit() > 0 && p.Stop == "" {
			p.Stop = fmt.Sprintf("max_candidates: %d of %d made", p.Made, t.MaxCandidates)
		}
	}
	want := make(map[string]int64)
	for _, c := range slices.Sorted(maps.Keys(p.Labels)) {
		l := p.Labels[c]
		missing := float64(l.Quota - l.Accepted)
		if missing <= 0 {
			continue
		}
		per := l.perVisit(candidates)
		for _, b := range p.Flight {
			missing -= float64(b.Visits[c]) * per
		}
		if missing <= 0 {
			continue
		}
		v := min(math.Ceil(missing/per), math.Floor(room))
		if v >= 1 {
			want[c] = int64(v)
			room -= v
		}
	}
	return want
}

// quotas spreads the target over labels: nil labels is one quota for all. counts are the seeds of each label.
func quotas(t *TargetSpec, labels []string, counts map[string]int64) (map[string]int64, error) {
	switch {
	case len(t.PerLabel.Counts) > 0:
		return t.PerLabel.Counts, nil
	case t.PerLabel.Mode == "":
		return map[string]int64{"": t.Accepted}, nil
	case len(labels) == 0:
		return nil, fmt.Errorf("target.per_label needs labels, but the source has none")
	case t.PerLabel.Mode == PerLabelLevel:
		return level(t.Accepted, labels, counts), nil
	}
	q := make(map[string]int64, len(labels))
	n := int64(len(labels))
	for i, c := range labels {
		q[c] = t.Accepted / n
		if int64(i) < t.Accepted%n {
			q[c]++
		}
	}
	return q, nil
}

// level gives each new row to the label that has fewest rows so far, seeds included (ties: the label seen first):
// level(4, {a: 5, b: 2, c: 3}) = {b: 3, c: 1}... until all are equal, then round and round.
func level(accepted int64, labels []string, counts map[string]int64) map[string]int64 {
	q := make(map[string]int64, len(labels))
	order := slices.Clone(labels)
	slices.SortStableFunc(order, func(a, b string) int { return int(counts[a] - counts[b]) })
	for filled := 1; accepted > 0; filled++ {
		// raise the lowest labels, all equal by now, to the next one's height or as far as rows last
		height := int64(math.MaxInt64)
		if filled < len(order) {
			height = counts[order[filled]]
		}
		low := order[:min(filled, len(order))]
		have := counts[low[0]] + q[low[0]]
		if height == math.MaxInt64 || (height-have)*int64(len(low)) >= accepted {
			for i, c := range low {
				q[c] += accepted / int64(len(low))
				if int64(i) < accepted%int64(len(low)) {
					q[c]++
				}
			}
			return q
		}
		for _, c := range low {
			q[c] += height - have
			accepted -= height - have
		}
	}
	return q
}
