package pipeline

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"sluice/schemas"
)

// phase is a stretch of stages without a barrier. In every phase but the first, the first stage is a [Fitter]: it looks at all that the
// phase before has spooled, then the rows stream from the spool through it and on.
type phase []StageSpec

// split cuts stages before every Fitter: a, b, fitter, c → [a b] [fitter c].
func split(stages []StageSpec) []phase {
	phases := []phase{{}}
	for _, s := range stages {
		if _, ok := s.Component.(Fitter); ok {
			phases = append(phases, phase{})
		}
		last := &phases[len(phases)-1]
		*last = append(*last, s)
	}
	return phases
}

// fitter is what fits before a phase begins; nil for the first phase.
func (p phase) fitter() *StageSpec {
	if len(p) > 0 {
		if _, ok := p[0].Component.(Fitter); ok {
			return &p[0]
		}
	}
	return nil
}

// fitFile keeps what the Fitter of a phase has learnt, beside the spool that it learnt from.
const fitFile = "fit.json"

// workDir is a Fitter's [Env.Work], beside the spool. It is gone when the phase goes on.
const workDir = "work"

// fitted is the content of fitFile.
type fitted struct {
	Stage  string   `json:"stage"`
	Tokens []string `json:"tokens"` // of the segments it was fitted on: a grown spool asks for a new fit
	State  []byte   `json:"state"`
}

// phase runs one phase to the end of its source.
func (j *job) phase(ctx context.Context, phases []phase, i int) error {
	p, last := phases[i], i == len(phases)-1
	dir := j.manifestDir(i, len(phases))
	man := j.man
	if !last {
		var err error
		if man, err = j.phaseManifest(dir); err != nil {
			return err
		}
	}
	cur, stale, err := resume(man)
	if err != nil {
		return err
	}
	in := &intake{name: SourceStage, batch: j.r.Batch, halt: j.o.Halt}
	info := PhaseInfo{I: i + 1, Of: len(phases)}
	if i == 0 {
		if in.source, err = j.r.OpenSource(&j.man.Schema); err != nil {
			return err
		}
		in.holdout = holdout{seed: j.r.Seed, share: j.r.Source.Holdout}
		if err := j.prepare(ctx, in, &cur); err != nil {
			return err
		}
	} else {
		spool := &spool{root: j.root, phase: i, man: &schemas.Manifest{Segments: j.man.Phases[i-1].Segments}}
		in.name, in.source = j.man.Phases[i-1].Dir, spool
		if f := p.fitter(); f != nil {
			info.Fits = f.ID
		}
	}
	for _, s := range p {
		info.Stages = append(info.Stages, s.ID)
	}
	if j.o.Events.PhaseBegun != nil {
		j.o.Events.PhaseBegun(info)
	}
	if p.fitter() != nil {
		j.work = filepath.Join(j.manifestDir(i-1, len(phases)), workDir)
	}
	lifted, closeAll, err := j.build(ctx, p)
	defer func() { closeAll() }()
	if err != nil {
		return err
	}
	if f := p.fitter(); f != nil {
		if err := j.fit(ctx, f, in.source.(*spool), filepath.Join(j.manifestDir(i-1, len(phases)), fitFile)); err != nil {
			return err
		}
	}
	in.start(cur)
	out := j.shards(man, dir, i, last)
	out.before, out.stale = cur, stale
	if last {
		lifted = append(lifted, j.gate(in, cur.Recent).stage)
	} else {
		lifted = append(lifted, (&gate{name: "spool"}).stage)
	}
	if err := j.stream(ctx, in, lifted, out); err != nil {
		return err
	}
	if in.target != nil {
		j.rule = in.cur.Plan.Stop
	}
	if !last {
		return j.carry(i, dir, man)
	}
	return nil
}

// shards is the sink of phase i.
func (j *job) shards(man *schemas.Manifest, dir string, i int, last bool) *shards {
	s := &shards{
		fs: j.o.FS, root: j.root, dir: dir, phase: i + 1, role: schemas.RoleSpool,
		schema: &j.man.Schema, format: j.r.Sink.Format, spec: j.r.Sink.Shards, man: man, index: j.index,
		modes: j.models.Pinned, events: &j.o.Events,
	}
	if last {
		s.phase, s.role, s.spent = 0, schemas.RoleTrain, j.spent
	}
	return s
}

func (j *job) gate(in *intake, recent []settled) *gate {
	g := &gate{name: "sink", dropSeeds: j.r.Sink.DropSeeds, target: in.target, settled: in.settled, plan: in.cur.Plan.clone()}
	if in.target != nil {
		g.accepted = madeBy(g.plan, j.man)
		g.recent = slices.Clone(recent)
	}
	return g
}

// stream pulls every batch through the stages and into the shards.
func (j *job) stream(ctx context.Context, in *intake, stages []Stage, out *shards) (err error) {
	s := in.stream(ctx)
	for _, stage := range stages {
		s = stage(ctx, s)
	}
	for b, e := range ahead(ctx, j.o.Halt, s) {
		if err = e; err != nil {
			break
		}
		if err = out.write(b); err != nil {
			j.o.Halt.Stop(err) // before leaving the loop: what waits further up must not wait for us
			break
		}
		j.fresh++
		if j.lagging() {
			if err = j.remember(); err != nil {
				j.o.Halt.Stop(err)
				break
			}
		}
	}
	if err != nil && (ctx.Err() != nil || !resumable(err)) {
		out.abort()
		return err
	}
	if e := out.seal(err != nil); e != nil {
		out.abort()
		return errors.Join(err, e)
	}
	return err
}

// phaseManifest reads or makes the manifest of a phase that is not the last.
func (j *job) phaseManifest(dir string) (*schemas.Manifest, error) {
	m, err := schemas.ReadManifest(dir)
	if errors.Is(err, schemas.ErrNoManifest) {
		if err := j.o.FS.MkdirAll(dir); err != nil {
			return nil, err
		}
		return &schemas.Manifest{Version: schemas.ManifestVersion, Dataset: j.man.Dataset, Fingerprint: j.man.Fingerprint, Schema: j.man.Schema}, nil
	}
	return m, err
}

// carry notes in the dataset's manifest what phase i has sealed. It is on disk with the next seal; a crash before
// loses nothing, because the phase has a manifest of its own.
func (j *job) carry(i int, dir string, m *schemas.Manifest) error {
	rel, err := filepath.Rel(j.root, dir)
	if err != nil {
		return err
	}
	p := schemas.Phase{Dir: filepath.ToSlash(rel), Segments: slices.Clone(m.Segments)}
	if i < len(j.man.Phases) {
		j.man.Phases[i] = p
	} else {
		j.man.Phases = append(j.man.Phases, p)
	}
	return nil
}

// fit lets the stage see the whole spool, or gives it back what it learnt from the same spool before. A soft stop ends it at
// once: fitting may take long, and nothing of it is kept.
func (j *job) fit(ctx context.Context, s *StageSpec, spool *spool, file string) (err error) {
	if err := j.clearWork(); err != nil { // of a run that was killed
		return err
	}
	defer func() { err = errors.Join(err, j.clearWork()) }()
	tokens := spool.man.Tokens()
	restore, keeps := s.Component.(encoding.BinaryUnmarshaler)
	if b, err := os.ReadFile(file); err == nil && keeps {
		var f fitted
		if json.Unmarshal(b, &f) == nil && f.Stage == s.ID && slices.Equal(f.Tokens, tokens) {
			return restore.UnmarshalBinary(f.State)
		}
	}
	if err := j.learn(ctx, s, spool.records()); err != nil {
		return err
	}
	m, ok := s.Component.(encoding.BinaryMarshaler)
	if !ok || !keeps {
		return nil
	}
	state, err := m.MarshalBinary()
	if err != nil {
		return fmt.Errorf("%s: %w", s.ID, err)
	}
	b, err := json.Marshal(fitted{Stage: s.ID, Tokens: tokens, State: state})
	if err != nil {
		return err
	}
	return schemas.WriteFile(j.o.FS, file, b)
}

// learn calls Fit with a context that ends with a soft stop too.
func (j *job) learn(ctx context.Context, s *StageSpec, records iter.Seq2[*schemas.Record, error]) error {
	ctx, done := j.o.Halt.within(ctx)
	defer done()
	err := s.Component.(Fitter).Fit(ctx, records)
	switch {
	case err == nil:
		return nil
	case j.o.Halt.Stopped():
		return j.o.Halt.Cause()
	}
	return fmt.Errorf("%s: fit: %w", s.ID, err)
}

func (j *job) clearWork() error {
	if _, err := os.Stat(j.work); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return j.o.FS.RemoveAll(j.work)
}
