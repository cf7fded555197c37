package llm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"sluice/pipeline/state"
)

// Models holds the models of a recipe for one run: their limits, one account for all, one ledger.
type Models struct {
	specs  map[string]Spec
	o      Options
	base   http.RoundTripper
	own    *http.Transport // closed with the models; nil where the caller gave one
	coders *zstdCoders
	pinned map[string]pinned

	account *account
	books   *books
	events  *Events
	killed  Killed

	mu    sync.Mutex
	lines map[string]*line
	asked map[string]int // requests in flight that stages want, by model
}

// Options are what a run gives its models. The zero value works for models that are free: no ledger, no budget.
type Options struct {
	Ledger  *state.Ledger // answers are stored here before they are used; nil: nothing is stored
	Dataset string        // id of the dataset that spend is booked on
	Run     string        // id of the run
	Budget  *Budget
	Dir     string                  // relative paths of the recipe are relative to it
	Stop    <-chan struct{}         // closed: no request leaves any more, what waits returns [ErrStopping]
	Pinned  json.RawMessage         // what [Models.Pinned] returned in an earlier run
	Env     func(key string) string // looks up environment variables; default os.Getenv
	Events  Events
	Resting func(stage string, rests bool) // told when a request of a stage begins and ends to wait out a delay; nil: nobody

	Transport http.RoundTripper // for tests; default: tuned for hundreds of connections
}

// Killed counts the requests of killed runs that may have been paid without an answer. Their worst case counts under the cap.
type Killed struct {
	Requests int
	Worst    Money
	Tokens   int64
}

// line is the chain of one model, shared by all stages that use it.
type line struct {
	name, place  string
	dataset, run string
	spec         Spec
	halt         *halt
	gate         *gate
	modes        *modes
	account      *account
	books        *books
	events       *Events
	resting      func(stage string, rests bool)
	coders       *zstdCoders
	schemas      *compiledSchemas
	wire         *wire // nil for models without a network
	chain        asker
}

// NewModels checks the models and the budget and reads what the dataset has spent so far. Nothing is asked of the network. Keys are
// looked up when a model is first used.
func NewModels(specs map[string]Spec, o Options) (*Models, error) {
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		if err := specs[name].Check(); err != nil {
			return nil, fmt.Errorf("models.%s: %w", name, err)
		}
	}
	if err := o.Budget.Check(specs); err != nil {
		return nil, fmt.Errorf("budget: %w", err)
	}
	known, err := readPinned(o.Pinned)
	if err != nil {
		return nil, err
	}
	coders, err := newCoders()
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	m := &Models{
		specs: specs, o: o, coders: coders, pinned: known, books: newBooks(),
		lines: make(map[string]*line), asked: make(map[string]int),
	}
	m.events = &m.o.Events
	if m.o.Env == nil {
		m.o.Env = os.Getenv
	}
	if m.base = o.Transport; m.base == nil {
		m.own = newTransport()
		m.base = m.own
	}
	before, err := m.before()
	if err != nil {
		return nil, err
	}
	m.account = newAccount(o.Budget, m.currency(), before)
	return m, nil
}

// before reads what counts under the cap already: all that the dataset has cost, and the requests of killed runs at their worst.
func (m *Models) before() (amount, error) {
	var sum amount
	if m.o.Ledger == nil {
		return sum, nil
	}
	left, err := m.o.Ledger.Leftover(m.o.Dataset)
	if err != nil {
		return sum, err
	}
	for _, in := range left {
		m.killed.Requests++
		m.killed.Worst += Money(in.Worst)
		m.killed.Tokens += in.WorstTokens
	}
	if m.o.Budget != nil && m.o.Budget.Per == "run" {
		return sum, nil
	}
	spent, err := m.o.Ledger.Spent(m.o.Dataset)
	if err != nil {
		return sum, err
	}
	return amount{Money(spent.Cost) + m.killed.Worst, spent.Tokens() + m.killed.Tokens}, nil
}

func (m *Models) currency() string {
	for _, name := range slices.Sorted(maps.Keys(m.specs)) {
		if p := m.specs[name].Price; p != nil {
			return p.currency()
		}
	}
	return "USD"
}

// Model returns the model of that name for a stage, whose spend is booked on the stage.
func (m *Models) Model(name, stage string) (Model, error) {
	l, err := m.line(name)
	if err != nil {
		return nil, err
	}
	return &model{line: l, stage: stage}, nil
}

// InFlight adds n to the requests that may be in flight at model name, where the recipe declares no in_flight: the workers of a stage
// that uses it. A stage may then run more goroutines than workers: those that wait for a retry or a limit hold no place.
func (m *Models) InFlight(name string, n int) error {
	l, err := m.line(name)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[name] += n
	if l.spec.InFlight == 0 {
		l.gate.raise(m.asked[name])
	}
	return nil
}

func (m *Models) line(name string) (*line, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.lines[name]; ok {
		return l, nil
	}
	spec, ok := m.specs[name]
	if !ok {
		return nil, fmt.Errorf("model %q is not under models: (there are: %s)", name, strings.Join(slices.Sorted(maps.Keys(m.specs)), ", "))
	}
	l, err := m.newLine(name, spec.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	m.lines[name] = l
	return l, nil
}

// newLine builds Cached(Retried(Limited(Metered(client)))).
func (m *Models) newLine(name string, spec Spec) (*line, error) {
	l := &line{
		name: name, place: spec.place(), spec: spec, dataset: m.o.Dataset, run: m.o.Run,
		halt: newHalt(m.o.Stop), modes: newModes(spec.Structured, m.pinned[name]),
		account: m.account, books: m.books, events: m.events, resting: m.o.Resting, coders: m.coders, schemas: &compiledSchemas{},
	}
	l.gate = &gate{
		halt: l.halt, events: m.events, name: name, place: l.place, most: spec.InFlight,
		requests: perMinute(spec.PerMinute.Requests), tokens: tokensPerMinute(spec.PerMinute.Tokens),
		breaker: breaker{patience: spec.Patience}, adapt: adapt{ramp: spec.Ramp},
	}
	if spec.Ramp {
		l.gate.adapt.slow = slowStart
	}
	var innermost asker
	ledger := m.o.Ledger
	switch spec.Provider {
	case Echo:
		innermost, ledger = &echo{}, nil
	case Replay:
		recorded, err := openReplay(m.o.Dir, spec.Replay)
		if err != nil {
			return nil, err
		}
		innermost, ledger = recorded, nil
	default:
		w, err := newWire(&l.spec, m.base, m.o.Env)
		if err != nil {
			return nil, err
		}
		l.wire = w
		innermost = &client{line: l, wire: w}
	}
	l.chain = &retried{
		line: l, refusals: make(map[string]int),
		next: &limited{gate: l.gate, next: &metered{line: l, ledger: ledger, next: innermost}},
	}
	if ledger != nil {
		l.chain = &cached{next: l.chain, ledger: ledger, coders: m.coders, line: l, flights: make(map[[32]byte]*flight)}
	}
	return l, nil
}

// Killed returns what killed runs of the dataset left behind.
func (m *Models) Killed() Killed { return m.killed }

// Close stops timers and closes idle connections. No request may be in flight.
func (m *Models) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lines {
		l.gate.close()
	}
	if m.own != nil {
		m.own.CloseIdleConnections()
	}
	m.coders.dec.Close()
}
