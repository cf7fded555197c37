package pipeline

import (
	"sluice/pipeline/catalog"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// A Recipe is a whole job, read and checked: nothing in it is left to be found wrong by a run.
//
// How its files divide the work: recipe_load.go reads the top level and orders the checks, recipe_stage.go decodes and recipe_check.go checks
// stages, source_spec.go the source, recipe_parts.go all else; recipe_yaml.go is strict about YAML and recipe_words.go puts that into
// words; problem.go renders what is wrong, envexpand.go puts ${VAR} in, fingerprint.go tells which keys determine the output, and recipe_files.go
// which files.
type Recipe struct {
	Path string // as it was named to [Load]
	Dir  string // its folder, absolute: relative paths in the recipe start here
	Raw  []byte // the file as it is on disk, before ${VAR} is expanded: the only form that may be stored

	Dataset  string              // folder of the dataset, absolute
	State    string              // folder of the store, absolute
	Seed     uint64              // all randomness starts here
	Batch    int                 // rows per batch
	Models   map[string]llm.Spec // by the name stages use
	Budget   *llm.Budget         // nil: no cap
	Source   SourceSpec
	Schema   *schemas.Schema // of the dataset: what the source has and what stages add
	Stages   []StageSpec
	Sink     SinkSpec
	Target   *TargetSpec // nil: one pass over the source
	Tolerate float64     // share of failed rows a run may have and still end well
	Ledger   LedgerSpec
	Train    *Section // nil when absent
	Certify  *Section // nil when absent

	seeds     *schemas.Schema // of the source alone
	canonical []string        // lines of the fingerprint, made while nodes are at hand
}

// RecipeKeys are the top-level keys of a recipe, as its file has them.
type RecipeKeys struct {
	// Sluice is the version of the recipe's language: 1.
	Sluice int `yaml:"sluice"`
	// Dataset is the folder to write, relative to the recipe's folder. --dataset overrides it.
	Dataset string `yaml:"dataset"`
	// State is the folder of the store of answers, claims and spend, shared by every recipe that names it. Default: state, beside the dataset.
	State string `yaml:"state"`
	// Seed starts all randomness: the same seed gives the same bytes. Default 0.
	Seed uint64 `yaml:"seed"`
	// Batch is the number of source rows in a batch. Default 64.
	Batch int `yaml:"batch"`
	// Models are the language models that stages may name.
	Models map[string]llm.Spec `yaml:"models"`
	// Budget caps what the dataset may cost.
	Budget *llm.Budget `yaml:"budget"`
	// Source says where seed rows come from.
	Source SourceSpec `yaml:"source"`
	// Stages are what rows pass, in order: each is a component's name with its keys and [StageKeys].
	Stages []map[string]any `yaml:"stages"`
	// Sink says how accepted rows are stored. Default: Parquet.
	Sink SinkSpec `yaml:"sink"`
	// Target asks for a number of accepted rows; seeds are revisited until it is met.
	Target *TargetSpec `yaml:"target"`
	// Tolerate is the share of failed rows from which a run ends with exit code 9. Default 0.05.
	Tolerate float64 `yaml:"tolerate"`
	// Ledger sets how answers are stored.
	Ledger LedgerSpec `yaml:"ledger"`
	// Train configures the trainer: `sluice train`.
	Train map[string]any `yaml:"train"`
	// Certify names the held-out real data and the protocol of the lift certificate: `sluice certify`.
	Certify map[string]any `yaml:"certify"`
}

// RecipeVersion is the only value of the key sluice.
const RecipeVersion = 1

// LoadOptions are what the command line adds to a recipe.
type LoadOptions struct {
	Catalogs Catalogs
	Getenv   func(string) (string, bool) // nil: the environment of the process
	Dataset  string                      // overrides the recipe's dataset; relative to the working directory
	State    string                      // likewise
	Train    func(*Recipe) error         // checks the section train, once all else of the recipe is read; nil: it is not looked at
	Trains   bool                        // the command only trains: a recipe of the section train alone needs no dataset
	New      bool                        // the dataset will be built anew: what it holds fixes nothing
}

// Catalogs holds every component a recipe can name.
type Catalogs struct {
	Generators catalog.Catalog[Generator]
	Filters    catalog.Catalog[Filter]
	Dedup      catalog.Catalog[Deduper]
}

// Role says what a stage does with records; it is the folder of its component.
type Role string

// The three roles.
const (
	Generators Role = "generators"
	Filters    Role = "filters"
	Dedups     Role = "dedup"
)

// Which records a stage acts on; the rest pass it.
const (
	OnAll  = "all"
	OnMade = "made" // those that a generator made: depth above 0
)

// StageSpec is a stage of a recipe with its component configured, not yet opened.
type StageSpec struct {
	Name      string // of the component: filters/length
	ID        string // identity: the name, with #2 for its second use, or the key name
	Role      Role
	Workers   int    // calls at once; 0: the engine decides
	On        string // OnAll or OnMade
	MaxDepth  int    // a generator acts on records of less depth only
	Component any    // a Generator, Filter or Deduper, by Role

	Line, Column int // of its name in the recipe
}

// StageKeys are the keys every stage takes beside those of its component.
type StageKeys struct {
	// Name replaces the stage's identity, which is its component's name and, from the second use on, #2, #3 and so on. Record ids depend on it.
	Name string `yaml:"name"`
	// Workers is the number of calls at once. Output does not depend on it. Default: by the component's role and models.
	Workers int `yaml:"workers"`
	// On is all, or made for only those records a generator made. Default: made for filters that ask models, else all.
	On string `yaml:"on"`
	// MaxDepth lets a generator act only on records with a depth below it; seeds have depth 0. Default 1.
	MaxDepth int `yaml:"max_depth"`
}

// Formats of shards.
const (
	FormatParquet  = "parquet"
	FormatArrow    = "arrow"
	FormatJSONL    = "jsonl"
	FormatJSONLZst = "jsonl.zst"
)

// SinkSpec says how accepted rows are stored: one of its formats, and what becomes of seeds.
type SinkSpec struct {
	// Parquet stores shards as Parquet with zstd pages: the default.
	Parquet *ShardSpec `yaml:"parquet"`
	// Arrow stores shards as Arrow IPC files.
	Arrow *ShardSpec `yaml:"arrow"`
	// JSONL stores shards as lines of JSON.
	JSONL *ShardSpec `yaml:"jsonl"`
	// JSONLZst stores shards as lines of JSON in a zstd stream.
	JSONLZst *ShardSpec `yaml:"jsonl.zst"`
	// Seeds is keep or drop: whether seeds that pass all stages are stored. Default keep.
	Seeds string `yaml:"seeds"`

	Format    string    `yaml:"-"` // the one that was chosen
	Shards    ShardSpec `yaml:"-"` // its settings, with defaults
	DropSeeds bool      `yaml:"-"`
}

// ShardSpec bounds the shards of a dataset. A shard is closed at the end of the batch that fills it.
type ShardSpec struct {
	// Rows is the number of rows from which a shard is closed. Default 50000.
	Rows int64 `yaml:"rows"`
	// Bytes is the size of its rows in memory from which a shard is closed. Default 256 MiB.
	Bytes int64 `yaml:"bytes"`
	// Compression is zstd-fastest, zstd, zstd-better or none. Default zstd-fastest, for jsonl.zst zstd-better, for jsonl none.
	Compression string `yaml:"compression"`
}

// LedgerSpec sets how answers of models are stored.
type LedgerSpec struct {
	// Fsync is batch (an answer is with the system before it is used, so that no kill of the process loses it, and on the disk with every seal: the default) or each (every answer is on the disk before it is used: a power cut loses none either, at the price of a sync per group of answers).
	Fsync string `yaml:"fsync"`
}

// When answers are synced to disk.
const (
	FsyncEach  = "each"
	FsyncBatch = "batch"
)

// TargetSpec asks for a number of accepted made rows.
type TargetSpec struct {
	// Accepted is the number of made rows wanted.
	Accepted int64 `yaml:"accepted"`
	// PerLabel spreads them over labels: balanced, level, or a map of label to number.
	PerLabel PerLabel `yaml:"per_label"`
	// MaxCandidates stops the run after so many made rows, accepted or not. 0: no such stop.
	MaxCandidates int64 `yaml:"max_candidates"`
	// MinYield stops the run when the accepted share of made rows stays below it. Default 0.2.
	MinYield float64 `yaml:"min_yield"`
	// MaxDuplicates stops the run when the share of duplicates among made rows exceeds it. Default 0.5.
	MaxDuplicates float64 `yaml:"max_duplicates"`
}

// Ways to spread a target over labels.
const (
	PerLabelBalanced = "balanced" // the same number of made rows for each label
	PerLabelLevel    = "level"    // made rows fill every label up to the same total, seeds included
)

// PerLabel is how a target is spread over labels: Mode, or Counts, or neither.
type PerLabel struct {
	Mode   string           // PerLabelBalanced, PerLabelLevel or ""
	Counts map[string]int64 // made rows wanted by label
}
