package forecast

import (
	"cmp"
	"slices"
	"time"

	"sluice/pipeline"
	"sluice/pipeline/llm"
)

// Plan is what a run is expected to take, and at the most.
type Plan struct {
	Seeds            float64
	Visits, Most     float64 // of seeds by generators: expected, and at the most
	Steps, WorstCase []Step
	Models           []Model
	Rows             float64 // in the dataset, if nothing is dropped
	Bytes            float64 // of the dataset on disk, about
	Answers          float64 // bytes of answers in the store, about
}

// Model is what one model will be asked.
type Model struct {
	Name     string
	Spec     llm.Spec
	Paid     bool // its answers cost something, or may
	Expected Load
	Worst    Load // every sample asked, every answer as long as allowed, every misfit asked again
	InFlight float64
}

// Load is what requests take.
type Load struct {
	Requests, Prompt, Completion float64
	Money                        llm.Money // where the price is known
}

// Workers is how many requests a stage keeps under way: 32 where the recipe is silent.
func Workers(s *pipeline.StageSpec) int {
	if s.Workers == 0 {
		return 32
	}
	return s.Workers
}

// New makes the plan of r from a reading of its source and a rehearsal of its stages.
func New(r *pipeline.Recipe, s *pipeline.Survey, asked map[string][]Asked) *Plan {
	p := &Plan{Seeds: float64(s.Total)}
	p.Visits, p.Most = Visits(r.Target, p.Seeds, Candidates(r.Stages))
	p.Steps = Flow(r.Stages, p.Seeds, p.Visits)
	p.WorstCase = Flow(r.Stages, p.Seeds, p.Most)
	models := map[string]*Model{}
	for i, st := range r.Stages {
		for _, a := range asked[st.ID] {
			m := models[a.Model]
			if m == nil {
				spec := r.Models[a.Model]
				m = &Model{Name: a.Model, Spec: spec, Paid: spec.Provider == "" || spec.Provider == llm.OpenAI}
				models[a.Model] = m
			}
			m.add(&a, p.Steps[i], p.WorstCase[i], requests(asked[st.ID]))
			m.InFlight += float64(Workers(&st))
		}
	}
	for _, m := range models {
		if m.Spec.InFlight > 0 {
			m.InFlight = float64(m.Spec.InFlight)
		}
		p.Models = append(p.Models, *m)
		p.Answers += answerBytes * (m.Expected.Prompt + m.Expected.Completion)
	}
	slices.SortFunc(p.Models, func(a, b Model) int { return cmp.Compare(a.Name, b.Name) })
	if n := len(p.Steps); n > 0 {
		p.Rows = p.Steps[n-1].Out
	} else {
		p.Rows = p.Seeds
	}
	p.Bytes = p.Rows * (rowBytes + compressed*meanBytes(s))
	return p
}

// What rows and answers take on disk, about: measured on short texts with zstd at its fastest.
const (
	rowBytes    = 60  // of a row beside its text: ids do not compress
	compressed  = .45 // of the text
	answerBytes = 2   // of a token of prompt or answer, four characters packed by half
)

func meanBytes(s *pipeline.Survey) float64 {
	if len(s.Sample) == 0 {
		return 0
	}
	n := 0
	for _, r := range s.Sample {
		n += len(r.Content())
	}
	return float64(n) / float64(len(s.Sample))
}

func requests(asked []Asked) int {
	n := 0
	for _, a := range asked {
		n += a.Requests
	}
	return n
}

// add books what a stage asks of the model: as often as it did in the rehearsal, and at the most as often as its
// component says (shared out between its models as in the rehearsal).
func (m *Model) add(a *Asked, step, worst Step, all int) {
	if a.Requests == 0 || a.Records == 0 {
		return
	}
	perRecord := float64(a.Requests) / float64(a.Records)
	m.Expected.add(m.Spec.Price, step.Acts*perRecord, a.Prompt, a.Answer)
	most := max(worst.Requests*float64(a.Requests)/float64(all), worst.Acts*perRecord)
	again := 1 + float64(a.Structured)/float64(a.Requests)
	m.Worst.add(m.Spec.Price, most*again, 1.1*a.Prompt, a.Most)
}

// add adds requests of so many tokens each.
func (l *Load) add(p *llm.Price, requests, prompt, completion float64) {
	l.Requests += requests
	l.Prompt += requests * prompt
	l.Completion += requests * completion
	// Tokens of a thousand requests: prices are whole pico-units per token, so next to nothing is lost by rounding here.
	each := p.Cost(llm.Usage{Prompt: int64(1e3 * prompt), Completion: int64(1e3 * completion)}, 0)
	if p != nil && p.Request != nil {
		each += (1e3 - 1) * *p.Request
	}
	l.Money += llm.Money(requests * float64(each) / 1e3)
}

// AtLimits is how long l takes at the limits that the recipe declares; 0: it declares none.
func (m *Model) AtLimits(l Load) time.Duration {
	var minutes float64
	if n := m.Spec.PerMinute.Requests; n > 0 {
		minutes = l.Requests / float64(n)
	}
	if n := m.Spec.PerMinute.Tokens; n > 0 {
		minutes = max(minutes, (l.Prompt+l.Completion)/float64(n))
	}
	return time.Duration(minutes * float64(time.Minute)).Round(time.Second)
}

// At is how long l takes when every answer takes latency.
func (m *Model) At(l Load, latency time.Duration) time.Duration {
	if m.InFlight == 0 {
		return 0
	}
	return time.Duration(l.Requests / m.InFlight * float64(latency)).Round(time.Second)
}
