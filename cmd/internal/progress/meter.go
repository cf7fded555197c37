package progress

import (
	"sync"
	"time"

	"sluice/pipeline"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// A Meter sums up the events of one run. Events come from the engine and from requests under way, readers from displays: it
// may be used concurrently.
type Meter struct {
	mu    sync.Mutex
	begun time.Time

	sealed base  // what earlier runs have sealed
	total  int64 // rows of the source; 0: not known
	target int64 // made rows wanted; 0: no target

	phase    pipeline.PhaseInfo
	counts   []pipeline.Tally // of this phase in this run, the source first
	read     int64            // source rows of this run
	accepted int64            // rows that went into the dataset
	made     int64            // those of them that are no seeds
	dropped  map[string]int64 // by reason, all phases
	failed   map[string]int64 // by cause
	rates    rate
	kept     Paid // what models were paid for rows that are in the dataset, by their origins
	lost     Paid // and for rows that were rejected

	sent, retried, answers int64
	tokens                 int64
	cost                   llm.Money
	paused                 map[string]pausedAt // by model
}

// Paid is what answers cost when they were paid, in whatever run that was.
type Paid struct {
	Cost   llm.Money
	Tokens int64
}

func (p *Paid) add(o *schemas.Origin) {
	p.Cost += llm.Money(o.Cost)
	p.Tokens += o.PromptTokens + o.CompletionTokens
}

// base is what a dataset held when the run began.
type base struct {
	rows int64 // source rows read
	made int64 // accepted made rows
}

type pausedAt struct {
	llm.Pause
	since time.Time
}

// NewMeter returns the meter of a run that goes on from m; nil is a new dataset. A partial segment does not count: the
// run makes it anew.
func NewMeter(m *schemas.Manifest) *Meter {
	meter := &Meter{begun: time.Now(), dropped: map[string]int64{}, failed: map[string]int64{}, paused: map[string]pausedAt{}}
	if m == nil {
		return meter
	}
	first := m.Segments
	if len(m.Phases) > 0 {
		first = m.Phases[0].Segments
	}
	for _, s := range first {
		if !s.Partial && len(s.Counts) > 0 {
			meter.sealed.rows += s.Counts[0].In
		}
	}
	for _, s := range m.Segments {
		for _, n := range s.Made {
			if !s.Partial {
				meter.sealed.made += n
			}
		}
	}
	return meter
}

// Total sets the number of rows of the source, once it is known.
func (m *Meter) Total(rows int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.phase.I <= 1 { // later phases read what the first has spooled
		m.total = rows
	}
}

// Events returns what the engine is to be given.
func (m *Meter) Events() pipeline.Events {
	return pipeline.Events{RunStarted: m.started, PhaseBegun: m.phaseBegun, BatchDone: m.batch}
}

// LLM returns what the models are to be given.
func (m *Meter) LLM() llm.Events {
	return llm.Events{
		Sent: func(string, string) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.sent++
		},
		Answered: func(_, _ string, u llm.Usage) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.answers++
			m.tokens += u.Prompt + u.Completion
			m.cost += llm.Money(u.Cost)
		},
		Retried: func(string, string, *llm.Error, time.Duration) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.retried++
		},
		Paused: func(p llm.Pause) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.paused[p.Model] = pausedAt{p, time.Now()}
		},
		Resumed: func(p llm.Pause) {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.paused, p.Model)
		},
	}
}

func (m *Meter) started(i pipeline.RunInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i.Target != nil {
		m.target = i.Target.Accepted
	}
}

// phaseBegun starts the counts anew: the rows of phase 2 are those that phase 1 let through.
func (m *Meter) phaseBegun(p pipeline.PhaseInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.I > 1 {
		m.total, m.sealed.rows = 0, 0
		if n := len(m.counts); n > 0 {
			m.total = m.counts[n-1].Out
		}
	}
	m.phase, m.counts, m.rates = p, nil, rate{}
}

func (m *Meter) batch(b pipeline.BatchInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts = schemas.AddTallies(m.counts, b.Batch.Counts)
	for _, t := range b.Batch.Counts {
		for k, n := range t.Dropped {
			m.dropped[k] += n
		}
		for k, n := range t.Failed {
			m.failed[k] += n
		}
	}
	if m.phase.I == 1 && len(b.Batch.Counts) > 0 {
		m.read += b.Batch.Counts[0].In
	}
	for _, x := range b.Batch.Rejects {
		m.lost.add(&x.Record.Origin)
	}
	if m.phase.I == m.phase.Of { // in a phase before the last, rows are spooled and may still be dropped
		m.accepted += int64(b.Accepted)
		for _, r := range b.Batch.Records {
			m.kept.add(&r.Origin)
			if r.Origin.Depth > 0 {
				m.made++
			}
		}
	}
	m.rates.note(time.Now(), m.rows())
}

// rows is the number of source rows of this phase that are through, in this run and before. m.mu is held.
func (m *Meter) rows() int64 {
	if len(m.counts) == 0 {
		return m.sealed.rows
	}
	return m.sealed.rows + m.counts[0].In
}

// rate is the speed over the last while: a mean over the whole run would hide that it has come to a stand.
type rate struct {
	at []reading
}

type reading struct {
	when time.Time
	rows int64
}

// span is how far back a rate looks.
const span = 20 * time.Second

// note adds a reading, at most four a second, and forgets those that are too old.
func (r *rate) note(now time.Time, rows int64) {
	if n := len(r.at); n > 1 && now.Sub(r.at[n-2].when) < time.Second/4 {
		r.at[n-1] = reading{now, rows}
		return
	}
	r.at = append(r.at, reading{now, rows})
	for len(r.at) > 2 && now.Sub(r.at[1].when) > span {
		r.at = r.at[1:]
	}
}

// perSecond is rows per second up to now; from is where the phase started, for the first readings.
func (r *rate) perSecond(now, begun time.Time, first int64) float64 {
	if len(r.at) == 0 {
		return 0
	}
	from, last := reading{begun, first}, r.at[len(r.at)-1]
	if now.Sub(begun) > span {
		from = r.at[0]
	}
	took := now.Sub(from.when).Seconds()
	if took <= 0 {
		return 0
	}
	return float64(last.rows-from.rows) / took
}
