package schemas

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
)

// A dataset folder:
//
//	manifest.json                what is sealed; its rename is the only commit point
//	recipe.yaml                  the recipe as run, before ${ENV} expansion
//	README.md                    the dataset card
//	data/train-000000.parquet    accepted rows of segment 0        (.arrow, .jsonl with other sinks)
//	data/test-000000.parquet     rows held out at the source
//	rejects/rejects-000000.parquet   rows dropped or failed, with stage and reason
//	phases/1/                    spool of the phase before the first Fitter: manifest.json, data/, fit.json
//	runs/<id>/events.jsonl       what happened when
//
// While a run is at work <dataset>.lock lies beside the folder.
const (
	ManifestFile = "manifest.json"
	RecipeFile   = "recipe.yaml"
	CardFile     = "README.md"
	DataDir      = "data"
	RejectsDir   = "rejects"
	PhasesDir    = "phases"
	RunsDir      = "runs"
)

// ManifestVersion is the version of the manifest's layout.
const ManifestVersion = 1

// Manifest says what a dataset holds. What it does not list does not exist.
type Manifest struct {
	Version     int       `json:"version"`
	Dataset     string    `json:"dataset"`     // random id, made with the folder; scopes claims and spend
	Fingerprint string    `json:"fingerprint"` // of the keys of the recipe that determine output
	Recipe      []string  `json:"recipe"`      // those keys, one a line, so that a changed recipe can be shown as a diff
	Schema      Schema    `json:"schema"`
	Seeds       *Schema   `json:"seeds,omitempty"`  // of the source alone: found once, from its first rows
	Phases      []Phase   `json:"phases,omitempty"` // what was sealed before the last barrier
	Segments    []Segment `json:"segments"`

	Cursor   json.RawMessage   `json:"cursor,omitempty"`   // where the run continues; the engine's
	Epoch    int64             `json:"epoch,omitempty"`    // batch at which the run began that Cursor belongs to, its resumptions included
	Complete bool              `json:"complete"`           // the source was read to its end, or the target met
	Outcome  string            `json:"outcome,omitempty"`  // how the last run ended, in a word
	Spent    []Spent           `json:"spent,omitempty"`    // on models, over all runs: what a cap counts, should the store be lost
	Modes    json.RawMessage   `json:"modes,omitempty"`    // capabilities of models, learnt and pinned; the engine's
	Versions map[string]string `json:"versions,omitempty"` // of what output depends on: sluice, value libraries, kernel sets
}

// Spent is what one model has cost in one stage of a dataset.
type Spent struct {
	Model      string `json:"model"`
	Stage      string `json:"stage"`
	Requests   int64  `json:"requests"`
	Prompt     int64  `json:"prompt,omitempty"`
	Cached     int64  `json:"cached,omitempty"`
	Completion int64  `json:"completion,omitempty"`
	Reasoning  int64  `json:"reasoning,omitempty"`
	Cost       int64  `json:"cost,omitempty"`      // in units of 10⁻¹² of the prices' currency
	Estimated  int64  `json:"estimated,omitempty"` // answers that were counted by us
}

// Segment is a contiguous range of whole batches, sealed together: the unit of commit.
type Segment struct {
	Token   string           `json:"token"`             // random; a claim counts if a manifest lists its token
	First   int64            `json:"first"`             // first batch
	Last    int64            `json:"last"`              // last batch, inclusive
	Partial bool             `json:"partial,omitempty"` // cut short by a stop: replaced when the run resumes
	Files   []Shard          `json:"files"`
	Counts  []Tally          `json:"counts"`           // one per stage, source first: obeys the conservation law
	Labels  map[string]int64 `json:"labels,omitempty"` // accepted rows by label
	Made    map[string]int64 `json:"made,omitempty"`   // those of them that are not seeds, by label
	Start   json.RawMessage  `json:"start,omitempty"`  // cursor before First: where a partial segment begins anew
}

// Phase is one stretch of a run that ended at a barrier. Its rejects and held-out rows belong to the dataset,
// its spool is what the next phase reads.
type Phase struct {
	Dir      string    `json:"dir"` // relative to the dataset folder: phases/1
	Segments []Segment `json:"segments"`
}

// Roles of a shard.
const (
	RoleTrain   = "train"
	RoleTest    = "test"
	RoleRejects = "rejects"
	RoleSpool   = "spool" // accepted rows of a phase that is not the last
)

// Shard is one sealed file.
type Shard struct {
	Role   string `json:"role"`
	Path   string `json:"path"` // relative to the dataset folder, with slashes
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// SourceExtent records how much of a source file has been read, so that a rerun continues behind it.
type SourceExtent struct {
	Name string `json:"name"` // logical name: relative path, with slashes
	Rows int64  `json:"rows"`
	Hash string `json:"hash"` // of the rows read: a changed prefix is an error
}

// ErrNoManifest is returned for a folder that is no dataset.
var ErrNoManifest = errors.New("no " + ManifestFile)

// ReadManifest reads the manifest of the dataset in dir.
func ReadManifest(dir string) (*Manifest, error) {
	name := filepath.Join(dir, ManifestFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoManifest)
	}
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", name, err)
	}
	if m.Version != ManifestVersion {
		return nil, fmt.Errorf("%s has version %d, this sluice reads version %d", name, m.Version, ManifestVersion)
	}
	return &m, nil
}

// Write commits m as the manifest of dir.
func (m *Manifest) Write(fs FS, dir string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := WriteFile(fs, filepath.Join(dir, ManifestFile), append(b, '\n')); err != nil {
		return fmt.Errorf("commit manifest: %w", err)
	}
	return nil
}

// All yields the segments of all phases in order, the dataset's own last.
func (m *Manifest) All() iter.Seq[*Segment] {
	return func(yield func(*Segment) bool) {
		for i := range m.Phases {
			for j := range m.Phases[i].Segments {
				if !yield(&m.Phases[i].Segments[j]) {
					return
				}
			}
		}
		for i := range m.Segments {
			if !yield(&m.Segments[i]) {
				return
			}
		}
	}
}

// Shards returns all sealed files of a role, in order.
func (m *Manifest) Shards(role string) []Shard {
	var out []Shard
	for s := range m.All() {
		for _, f := range s.Files {
			if f.Role == role {
				out = append(out, f)
			}
		}
	}
	return out
}

// Counts sums the tallies of all segments, stage by stage, phase after phase.
func (m *Manifest) Counts() []Tally {
	var sum []Tally
	for _, p := range m.Phases {
		sum = append(sum, countSegments(p.Segments)...)
	}
	return append(sum, countSegments(m.Segments)...)
}

func countSegments(segments []Segment) []Tally {
	var sum []Tally
	for _, s := range segments {
		sum = AddTallies(sum, s.Counts)
	}
	return sum
}

// Tokens returns the tokens of all segments.
func (m *Manifest) Tokens() []string {
	var out []string
	for s := range m.All() {
		out = append(out, s.Token)
	}
	return out
}

// AddTallies adds from to sum, matching by position.
func AddTallies(sum, from []Tally) []Tally {
	for i, t := range from {
		if i == len(sum) {
			sum = append(sum, Tally{Stage: t.Stage})
		}
		sum[i].Add(t)
	}
	return sum
}
