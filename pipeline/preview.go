package pipeline

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/zeebo/xxh3"

	"sluice/pipeline/llm"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// A Survey is what one reading of the source tells of a run before it begins.
type Survey struct {
	Census                   // of the seeds that stages will see
	Held   int64             // rows that will be held out
	Bad    int64             // rows that cannot be read as declared
	Sample []*schemas.Record // some of the seeds, drawn by a hash of (recipe's seed, id), in source order
	Pool   *Pool             // what components that look beyond the record in hand will see
}

// Survey reads the source of r once, to its end, and draws a sample of n seeds. It writes nothing.
func (r *Recipe) Survey(ctx context.Context, n int) (*Survey, error) {
	src, err := r.OpenSource(r.Schema)
	if err != nil {
		return nil, err
	}
	s := &Survey{}
	out := holdout{seed: r.Seed, share: r.Source.Holdout}
	var rows Cursor
	var drawn smallest
	var seen int64
	held := func(seed *schemas.Record) bool {
		if out.takes(&rows, seed) {
			s.Held++
			return true
		}
		seen++
		e := &pooled{at: seen, rank: drawOf(r.Seed, seed.ID), seed: seed}
		switch {
		case len(drawn) < n:
			heap.Push(&drawn, e)
		case n > 0 && e.less(drawn[0]):
			drawn[0] = e
			heap.Fix(&drawn, 0)
		}
		return false
	}
	pool, census, err := ReadPool(ctx, watched{src, &s.Bad}, nil, held)
	if err != nil {
		return nil, err
	}
	s.Census, s.Pool = *census, pool
	for _, e := range drawn {
		s.Sample = append(s.Sample, e.seed)
	}
	slices.SortFunc(s.Sample, func(a, b *schemas.Record) int {
		return cmp.Or(cmp.Compare(a.Origin.Source, b.Origin.Source), cmp.Compare(a.Origin.Row, b.Origin.Row))
	})
	return s, nil
}

func drawOf(seed uint64, id schemas.ID) uint64 {
	return xxh3.HashSeed(append(binary.LittleEndian.AppendUint64(nil, seed), id[:]...), 0x70726576)
}

// watched counts the bad rows that pass.
type watched struct {
	Source
	bad *int64
}

func (w watched) Read(ctx context.Context, done []schemas.SourceExtent) iter.Seq2[SourceRow, error] {
	return func(yield func(SourceRow, error) bool) {
		for row, err := range w.Source.Read(ctx, done) {
			if row.Bad != nil {
				*w.bad++
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// Phases are the stages of r between its barriers: every phase but the first begins with a [Fitter].
func (r *Recipe) Phases() [][]StageSpec {
	var out [][]StageSpec
	for _, p := range split(r.Stages) {
		out = append(out, p)
	}
	return out
}

// Tried is what became of a few seeds.
type Tried struct {
	Survey  *Survey
	Records []*schemas.Record // accepted, in stream order
	Rejects []Reject
	Counts  []Tally  // of all phases, each obeying the conservation law
	Fitted  []string // stages that looked at these few rows alone before they judged
	Models  llm.Status
	Took    time.Duration // from the first seed to the last row
}

// Preview takes n seeds through the stages of r, as a run would, and seals nothing: the dataset is not touched. Answers of models
// that cost land in the ledger of the recipe's store, so that the run finds them there; recipes without such models open no
// store. Rows are deduplicated among themselves, targets and rounds do not apply, and a [Fitter] judges by these rows
// alone; one that is a generator learns from the seeds of the source, as many as a [Pool] holds. What is spent is booked on the dataset where it exists, else on the recipe's fingerprint.
func Preview(ctx context.Context, r *Recipe, o Options, n int) (t *Tried, err error) {
	if o.FS == nil {
		o.FS = schemas.Disk
	}
	if o.Halt == nil {
		o.Halt = NewHalt()
	}
	t = &Tried{}
	if t.Survey, err = r.Survey(ctx, n); err != nil {
		return t, err
	}
	j := &job{r: r, o: o, id: ulid.Make().String(), root: r.Dataset, pool: t.Survey.Pool}
	if j.man, err = previewManifest(r); err != nil {
		return t, err
	}
	var book *state.Ledger
	if r.pays() {
		store, err := o.OpenStore(r.State, r.Ledger.Fsync == FsyncEach, o.Wait)
		if err != nil {
			return t, err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		if book, err = state.NewLedger(store); err != nil {
			return t, err
		}
	}
	if j.index, err = o.OpenIndex(state.NewMemory(), Claims{Dataset: j.man.Dataset, Path: r.Dataset, Epoch: "preview"}); err != nil {
		return t, err
	}
	j.models, err = llm.NewModels(r.Models, llm.Options{
		Ledger: book, Dataset: j.man.Dataset, Run: j.id, Budget: r.Budget, Stop: o.Halt.Done(),
		Dir: r.Dir, Transport: o.Transport, Env: o.Getenv, Pinned: j.man.Modes, Events: o.LLM,
	})
	if err != nil {
		return t, err
	}
	defer j.models.Close()
	j.begun = time.Now()
	t.Records = t.Survey.Sample
	for i, p := range split(r.Stages) {
		if err := j.try(ctx, t, i, p); err != nil {
			return t, o.Halt.truth(err)
		}
	}
	t.Took, t.Models = time.Since(j.begun), j.models.Status()
	return t, nil
}

// pays reports whether a stage asks a model whose answers the ledger keeps.
func (r *Recipe) pays() bool {
	for _, s := range r.Stages {
		if m, ok := s.Component.(Modeler); ok {
			for _, name := range m.Models() {
				if p := r.Models[name].Provider; p == "" || p == llm.OpenAI {
					return true
				}
			}
		}
	}
	return false
}

// previewManifest is what a preview may know of the dataset: its id, to book on, and which modes its models have learnt.
func previewManifest(r *Recipe) (*schemas.Manifest, error) {
	m := &schemas.Manifest{Dataset: "preview " + r.Fingerprint().Hash, Schema: *r.Schema}
	old, err := schemas.ReadManifest(r.Dataset)
	if errors.Is(err, schemas.ErrNoManifest) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	m.Dataset, m.Modes = old.Dataset, old.Modes
	return m, nil
}

func all(rs []*schemas.Record) iter.Seq2[*schemas.Record, error] {
	return func(yield func(*schemas.Record, error) bool) {
		for _, r := range rs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// try takes the records of t through one phase, as a single batch.
func (j *job) try(ctx context.Context, t *Tried, i int, p phase) (err error) {
	lifted, closeAll, err := j.build(ctx, p)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return err
	}
	name := SourceStage
	if f := p.fitter(); f != nil {
		name = path.Join(schemas.PhasesDir, fmt.Sprint(i))
		of := t.Records
		if f.Role == Generators { // a few rows teach nothing of how to make others: it learns from the seeds that are known
			of = t.Survey.Pool.Seeds
		} else {
			t.Fitted = append(t.Fitted, f.ID)
		}
		if err := j.learn(ctx, f, all(of)); err != nil {
			return err
		}
	}
	n := int64(len(t.Records))
	first := &Batch{Records: t.Records, Counts: []Tally{{Stage: name, In: n, Out: n}}}
	in := Stream(func(yield func(*Batch, error) bool) { yield(first, nil) })
	end := &gate{name: "spool"}
	if i == len(split(j.r.Stages))-1 {
		end = &gate{name: "sink", dropSeeds: j.r.Sink.DropSeeds}
	}
	for _, stage := range append(lifted, end.stage) {
		in = stage(ctx, in)
	}
	for b, err := range in {
		if err != nil {
			return err
		}
		t.Records = b.Records
		t.Rejects = append(t.Rejects, b.Rejects...)
		t.Counts = append(t.Counts, b.Counts...)
	}
	return nil
}
