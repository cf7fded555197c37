package pipeline

import (
	"context"
	"iter"

	"sluice/pipeline/llm"
	"sluice/schemas"
)

// A Batch is the unit of order, of commit and of resume. Its number is fixed at the source; it may
// grow, shrink or empty on its way, but never moves or changes once yielded: a stage yields a new Batch.
type Batch struct {
	N       int64
	Records []*schemas.Record
	Rejects []Reject          // what stages took out so far, in stream order
	Held    []*schemas.Record // held out at the source: it meets no stage and lands in the test split
	Counts  []Tally           // one for each stage passed so far, the source first

	cursor Cursor // where the source stands after this batch
}

// Reject is a record that left the stream, and why.
type Reject = schemas.Reject

// A Stream yields batches in ascending order of N. An error ends it.
type Stream = iter.Seq2[*Batch, error]

// A Stage turns one stream into another. Almost no one writes a Stage: write a [Generator],
// [Filter] or [Deduper], and let [Generate], [Judge] or [Dedup] lift it.
type Stage func(context.Context, Stream) Stream

// A Generator makes new records of a seed, never the seed itself: it passes on by itself. It may be
// called concurrently. A made record that carries a Failure counts as made and failed.
type Generator interface {
	Generate(ctx context.Context, seed *schemas.Record) ([]*schemas.Record, error)
}

// A Filter judges a record, and may score or revise it. It may be called concurrently.
type Filter interface {
	Judge(ctx context.Context, r *schemas.Record) (Verdict, error)
}

// A Deduper names what makes a record itself: records that share a key are repeats, and the
// first in stream order wins. Keys is pure and may be called concurrently; remembering keys is the run's business.
type Deduper interface {
	Keys(ctx context.Context, r *schemas.Record) (Likeness, error)
}

// A Key names one likeness of a record. Band keeps keys of different kinds apart (the bands of a locality-sensitive
// hash); exact methods use band 0 and all 128 bits, bands use Lo alone.
type Key struct {
	Band   uint8
	Hi, Lo uint64
}

// Likeness is all that a [Deduper] says of a record. No keys: the record is like no other. Where Sketch is nil, sharing a
// key is proof; else the owner's sketch must agree too, by the rule of the [Scheme].
type Likeness struct {
	Keys   []Key
	Sketch []byte
}

// Scheme says how keys and sketches of one deduplicating stage are made: two stores of keys can be
// compared only when their schemes are equal.
type Scheme struct {
	Name     string  // such as "exact/1" or "fss128/1"
	Settings string  // everything else that a key depends on, in canonical form
	Bands    int     // number of bands; 1 for exact methods
	Exact    bool    // keys are stored whole, and sharing one is proof
	Verify   string  // "", "sketch" or "exact": how a candidate is compared
	Accept   float64 // likeness from which a candidate is a duplicate
}

// A Keyed deduper tells the scheme of its keys and the scope in which they count:
// "dataset", "run", "source" or "global".
type Keyed interface {
	Scheme() (s Scheme, scope string)
}

// Match is the answer to a claim: the zero Match means that the keys are now id's.
type Match struct {
	Dup   bool
	Owner schemas.ID // the earlier record it repeats
	Score float64    // likeness, 1 where sharing a key is proof
}

// A Claimer remembers the keys of one stage's records. Claim is called in stream order: it takes all keys
// for id, or none and reports the owner. A record that meets its own claim is no duplicate.
type Claimer interface {
	Claim(batch int64, id schemas.ID, scope string, l Likeness) (Match, error)
}

// An Index holds the claims of all stages of a dataset, sealed with its shards: a claim counts
// if the manifest lists its token, or if it was made in this process. Its methods and those of its Claimers may be called
// concurrently: later batches are claimed while a shard is sealed.
type Index interface {
	// Stage opens the claims of a stage.
	Stage(stage string, s Scheme) (Claimer, error)
	// Missing returns those of tokens that have no entry: their claims were lost with the store.
	Missing(tokens []string) ([]string, error)
	// Seal stores all claims of batches up to last under token. It is durable when Seal returns.
	Seal(token string, last int64) error
}

// An Opener needs more than its configuration: models, a seed, the pool. Open is called once, before the first record.
type Opener interface {
	Open(ctx context.Context, env *Env) error
}

// A Fitter must see every record before it can judge, or make others. The engine ends a phase there: Fit reads what
// was spooled, in stream order, then judging or making streams from the spool. Held-out rows are not among them. What Fit learnt is kept in the
// component's binary form ([encoding.BinaryMarshaler]) when it has one.
type Fitter interface {
	Fit(ctx context.Context, records iter.Seq2[*schemas.Record, error]) error
}

// A Versioner's output depends on more than recipe and answers, such as the kernel set of a model that runs here. The
// manifest names what Versions returns.
type Versioner interface {
	Versions() (map[string]string, error)
}

// A Modeler asks models: Models lists the names it uses, so that a recipe can be checked and priced before it runs.
type Modeler interface {
	Models() []string
}

// A Forecaster tells what one record costs before anything is asked, for `sluice plan`.
type Forecaster interface {
	// Forecast returns the requests that one input record causes and the records it makes (for generators).
	Forecast() (requests, made float64)
}

// A Checker finds what is wrong with its configuration beyond types: ranges, templates, files. It asks no network.
type Checker interface {
	Check(c CheckEnv) error
}

// A FileReader reads files that its configuration names. Files lists them, relative to dir (the recipe's folder) or absolute:
// what they hold determines the output, so it is part of the recipe's fingerprint.
type FileReader interface{ Files(dir string) []string }

// A Scorer writes scores; a Columner writes user columns. Both are known before the first row, because
// the schema of a dataset is fixed before its first shard.
type Scorer interface{ Scores() []string }

// A Columner adds user columns to the records it makes or keeps.
type Columner interface{ Columns() []schemas.Column }

// A Pooler reads [Env.Pool]: the engine then reads the source once before the run.
type Pooler interface{ NeedsPool() bool }

// Env is what a component may know of the run.
type Env struct {
	Seed   uint64 // randomness is a function of (seed, stage, record), never a shared generator
	Stage  string // identity of the stage in the recipe
	Dir    string // relative paths in the recipe are relative to it
	Work   string // folder that a [Fitter] may use while it fits or restores, emptied before and after; "": any temporary one
	Schema *schemas.Schema
	Model  func(name string) (llm.Model, error) // a model of the recipe; what it spends is booked on this stage
	Pool   *Pool                                // the seeds, for components that are [Pooler]
}

// CheckEnv is what a [Checker] may know: no network, no state.
type CheckEnv struct {
	Dir    string
	Schema *schemas.Schema // kind and columns at this stage; nil when the source could not be read
	Models []string        // names in the recipe
}

// A Verdict is what a filter says of a record. The zero Verdict keeps it.
type Verdict struct {
	Reason  string             // why it is dropped; empty: kept
	Reasons []string           // all rules that failed, where there are several
	Detail  string             // the cause in words
	Revised *schemas.Record    // keep this changed copy (same id) instead
	Scores  map[string]float64 // to be written on the record, kept or not
	Columns map[string]any     // likewise, user columns
	Answers []llm.Answer       // what was paid for this verdict: booked on the record's origin
}

// Keep is the verdict that lets a record pass as it is.
var Keep Verdict

// Drop rejects a record. The reason is a fixed short word, such as too_short: it becomes a counter.
func Drop(reason string) Verdict { return Verdict{Reason: reason} }

// Revise keeps the changed copy c in place of the record.
func Revise(c *schemas.Record) Verdict { return Verdict{Revised: c} }

// Failure costs one record and not the run; every other error a component returns stops the run.
type Failure = schemas.Failure

// Tally counts what a stage did.
type Tally = schemas.Tally
