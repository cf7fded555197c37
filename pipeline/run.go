package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"sluice/pipeline/llm"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// Options are what the program adds to a recipe: the parts that the engine only knows by their interfaces.
type Options struct {
	Version   string        // of sluice, for the manifest
	New       bool          // build anew beside the dataset, and swap when it is sealed
	Wait      time.Duration // how long to wait for locks
	FS        schemas.FS    // nil: the disk
	OpenStore func(dir string, fsync bool, wait time.Duration) (state.Store, error)
	OpenIndex func(s state.Store, c Claims) (Index, error)
	Forget    func(s state.Store, dataset string) error              // removes the claims of a dataset that --new has replaced
	Card      func(dir string, m *schemas.Manifest, r *Recipe) error // writes the dataset card; nil: none
	Transport http.RoundTripper                                      // nil: the network
	Getenv    func(string) string
	Events    Events
	LLM       llm.Events
	Halt      *Halt // nil: nothing stops the run softly
}

// Claims says whose claims an [Index] holds, and which count.
type Claims struct {
	Dataset string   // id
	Path    string   // folder
	Epoch   string   // names the run, its resumptions included: for claims that end with it
	Tokens  []string // of the segments that are sealed
}

// job is one run at work.
type job struct {
	r      *Recipe
	o      Options
	id     string // of the run
	root   string // the dataset folder, or its .new
	man    *schemas.Manifest
	store  state.Store
	book   *state.Ledger
	models *llm.Models
	index  Index
	pool   *Pool
	work   string             // of the Fitter whose phase it is; "": it finds a place itself
	places map[string]*places // by stage; fixed when models are made
	fresh  int64              // batches this run added
	rule   string             // the stop rule that ended a run with a target
	begun  time.Time

	remembered time.Time // when the manifest last learnt what was spent
}

// Run takes the recipe's rows through its stages into its dataset: a new one, the rest of an interrupted one, or
// what its sources have gained since. The error tells how it ended; see the types of outcome.go and package llm.
// The result is valid, as far as the run came, with an error too.
func Run(ctx context.Context, r *Recipe, o Options) (res *Result, err error) {
	if o.FS == nil {
		o.FS = schemas.Disk
	}
	if o.Halt == nil {
		o.Halt = NewHalt()
	}
	j := &job{r: r, o: o, id: ulid.Make().String(), root: r.Dataset, begun: time.Now()}
	res = &Result{Run: j.id, Dataset: r.Dataset}

	release, err := lock(ctx, r.Dataset, o.Wait)
	if err != nil {
		return res, err
	}
	defer release()
	if err := FinishSwap(o.FS, r.Dataset); err != nil {
		return res, err
	}
	if err := j.openDataset(); err != nil {
		return res, err
	}
	res.Manifest = j.man
	log, err := openJournal(j.root, j.id)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	j.o.Events = Join(log.events(), o.Events)
	if err := j.openState(); err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, j.store.Close()) }()

	err = j.settle(j.run(ctx))
	if j.models != nil {
		res.Models = j.models.Status()
		j.models.Close()
	}
	res.New, res.Took, res.Manifest = j.fresh, time.Since(j.begun), j.man
	if j.o.New && j.man.Complete { // also when it ended with too many failures or an unmet target: it is whole
		err = errors.Join(err, j.replace())
	}
	if j.o.Events.RunDone != nil {
		j.o.Events.RunDone(res, err)
	}
	return res, err
}

// replace puts the dataset that --new has built in the place of the old one, whose claims no longer count.
func (j *job) replace() error {
	old, damaged := schemas.ReadManifest(j.r.Dataset) // one that cannot be read is replaced all the same: whose claims its were nobody knows
	if err := swap(j.o.FS, j.r.Dataset); err != nil || j.o.Forget == nil || damaged != nil {
		return err
	}
	return j.o.Forget(j.store, old.Dataset)
}

// run goes through the phases, then says how it went.
func (j *job) run(ctx context.Context) error {
	j.places = make(map[string]*places)
	for i := range j.r.Stages {
		s := &j.r.Stages[i]
		j.places[s.ID] = s.seat(nil).newPlaces()
	}
	var err error
	j.models, err = llm.NewModels(j.r.Models, llm.Options{
		Ledger: j.book, Dataset: j.man.Dataset, Run: j.id, Budget: j.r.Budget, Stop: j.o.Halt.Done(),
		Dir: j.r.Dir, Transport: j.o.Transport, Env: j.o.Getenv, Pinned: j.man.Modes, Events: j.o.LLM, Resting: j.resting,
	})
	if err != nil {
		return err
	}
	phases := split(j.r.Stages)
	j.started()
	for i := range phases {
		if err := j.phase(ctx, phases, i); err != nil {
			return j.o.Halt.truth(err)
		}
	}
	return j.finish(phases)
}

// resting lets a stage begin another call while one of its calls waits out a delay.
func (j *job) resting(stage string, rests bool) {
	switch p := j.places[stage]; {
	case p == nil:
	case rests:
		p.give()
	default:
		p.reclaim()
	}
}

func (j *job) started() {
	if j.o.Events.RunStarted == nil {
		return
	}
	info := RunInfo{Run: j.id, Dataset: j.r.Dataset, State: j.r.State, Target: j.r.Target,
		Resumed: len(j.man.Segments)+len(j.man.Phases) > 0, Before: j.man.Counts()}
	for _, s := range j.r.Stages {
		info.Stages = append(info.Stages, s.ID)
	}
	j.o.Events.RunStarted(info)
}

// finish marks the dataset complete and tells what the counts say.
func (j *job) finish(phases []phase) error {
	unmet := j.unmet()
	outcome := "done"
	if unmet != nil {
		outcome = "unmet"
	}
	if !j.man.Complete || j.man.Outcome != outcome {
		j.man.Complete, j.man.Outcome = true, outcome
		if err := j.man.Write(j.o.FS, j.root); err != nil {
			return err
		}
	}
	if j.o.Card != nil {
		if err := j.o.Card(j.root, j.man, j.r); err != nil {
			return fmt.Errorf("dataset card: %w", err)
		}
	}
	f := failures{tolerate: j.r.Tolerate}
	if err := f.verdict(j.man.Counts()); err != nil {
		return err
	}
	return unmet
}

// unmet tells of a target that was not met; nil when there is none or it was.
func (j *job) unmet() error {
	if j.r.Target == nil {
		return nil
	}
	c, err := parseCursor(j.man.Cursor)
	if err != nil {
		return err
	}
	if c.Plan == nil {
		return nil
	}
	have := madeBy(c.Plan, j.man)
	var accepted, wanted int64
	for label, l := range c.Plan.Labels {
		accepted += min(have[label], l.Quota)
		wanted += l.Quota
	}
	if accepted >= wanted {
		return nil
	}
	return &UnmetError{Accepted: accepted, Wanted: wanted, Rule: j.rule}
}

// madeBy sums accepted made rows by the labels that quotas are for.
func madeBy(p *plan, m *schemas.Manifest) map[string]int64 {
	have := map[string]int64{}
	_, single := p.Labels[""]
	for _, s := range m.Segments {
		for label, n := range s.Made {
			if single {
				label = ""
			}
			have[label] += n
		}
	}
	return have
}

// build opens the components of a phase and lifts them to stages; close ends what they hold.
func (j *job) build(ctx context.Context, stages []StageSpec) (lifted []Stage, close func() error, err error) {
	var closers []io.Closer
	close = func() error {
		var errs []error
		for _, c := range closers {
			errs = append(errs, c.Close())
		}
		return errors.Join(errs...)
	}
	for i := range stages {
		s := &stages[i]
		if c, ok := s.Component.(io.Closer); ok {
			closers = append(closers, c)
		}
		if o, ok := s.Component.(Opener); ok {
			if err := o.Open(ctx, j.env(s)); err != nil {
				return nil, close, fmt.Errorf("%s: %w", s.ID, err)
			}
		}
		if err := j.version(s); err != nil {
			return nil, close, fmt.Errorf("%s: %w", s.ID, err)
		}
		if err := j.reserve(s); err != nil {
			return nil, close, fmt.Errorf("%s: %w", s.ID, err)
		}
		stage, err := j.lift(s)
		if err != nil {
			return nil, close, fmt.Errorf("%s: %w", s.ID, err)
		}
		lifted = append(lifted, stage)
	}
	return lifted, close, nil
}

// version notes in the manifest what else the stage's output depends on. A dataset that was made on two machines names both.
func (j *job) version(s *StageSpec) error {
	c, ok := s.Component.(Versioner)
	if !ok {
		return nil
	}
	versions, err := c.Versions()
	for name, v := range versions {
		if j.man.Versions == nil {
			j.man.Versions = map[string]string{}
		}
		const and = ", "
		switch old := j.man.Versions[name]; {
		case old == "":
			j.man.Versions[name] = v
		case !slices.Contains(strings.Split(old, and), v):
			j.man.Versions[name] = old + and + v
		}
	}
	return err
}

// reserve lets the models a stage asks answer as many requests at once as the stage has workers.
func (j *job) reserve(s *StageSpec) error {
	m, ok := s.Component.(Modeler)
	if !ok {
		return nil
	}
	for _, name := range m.Models() {
		if err := j.models.InFlight(name, s.seat(nil).workers); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) env(s *StageSpec) *Env {
	return &Env{
		Seed: j.r.Seed, Stage: s.ID, Dir: j.r.Dir, Work: j.work, Schema: &j.man.Schema, Pool: j.pool,
		Model: func(name string) (llm.Model, error) { return j.models.Model(name, s.ID) },
	}
}

func (j *job) lift(s *StageSpec) (Stage, error) {
	at := s.seat(j.o.Halt)
	at.places = j.places[s.ID]
	switch c := s.Component.(type) {
	case Generator:
		return Generate(at, c), nil
	case Filter:
		return Judge(at, c), nil
	case Deduper:
		scheme, scope := schemeOf(c)
		claims, err := j.index.Stage(s.ID, scheme)
		if err != nil {
			return nil, err
		}
		return Dedup(at, c, scope, claims), nil
	}
	return nil, fmt.Errorf("%T is no component", s.Component)
}

// schemeOf is the scheme of d's keys; a deduper that tells none has exact keys, scoped to the dataset.
func schemeOf(d Deduper) (Scheme, string) {
	if k, ok := d.(Keyed); ok {
		return k.Scheme()
	}
	return Scheme{Name: fmt.Sprintf("%T", d), Bands: 1, Exact: true}, "dataset"
}

// manifestDir is the folder of a phase's manifest: the dataset's own for the last.
func (j *job) manifestDir(i, of int) string {
	if i == of-1 {
		return j.root
	}
	return filepath.Join(j.root, schemas.PhasesDir, fmt.Sprint(i+1))
}
