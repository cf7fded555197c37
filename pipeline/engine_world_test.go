package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/pipeline/catalog"
	"sluice/pipeline/state"
	"sluice/schemas"
)

// Components for tests of the engine: small, pure, and with every outcome there is.

// twist makes Copies variants of a seed; every seventh fails, and some repeat what another seed gives.
type twist struct {
	Copies int `yaml:"copies"`
	stage  string
}

func (g *twist) Open(_ context.Context, env *Env) error {
	g.stage = env.Stage
	return nil
}

func (g *twist) Forecast() (requests, made float64) { return 0, float64(g.Copies) }

func (g *twist) Generate(_ context.Context, seed *schemas.Record) ([]*schemas.Record, error) {
	var out []*schemas.Record
	for i := range g.Copies {
		r := seed.Child(g.stage, seed.Origin.Round, i)
		h := number(r.ID.String())
		switch {
		case h%7 == 0:
			r.Failure = schemas.Fail("unlucky", "hash %d", h)
		case h%11 == 0:
			r.Text = fmt.Sprint("the same words ", h%5)
		default:
			r.Text = fmt.Sprintf("%s variant %d", seed.Text, h%1000)
		}
		out = append(out, r)
	}
	return out, nil
}

func number(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// picky drops what contains a word, and fails on another.
type picky struct {
	Word string `yaml:"word"`
}

func (f *picky) Judge(_ context.Context, r *schemas.Record) (Verdict, error) {
	if f.Word != "" && strings.Contains(r.Text, f.Word) {
		return Drop("has_word"), nil
	}
	if strings.Contains(r.Text, "breaks") {
		return Verdict{}, schemas.Fail("broken", "cannot judge %q", r.Text)
	}
	return Verdict{Scores: map[string]float64{"words": float64(len(strings.Fields(r.Text)))}}, nil
}

func (f *picky) Scores() []string { return []string{"words"} }

// median keeps what is at least as long as the median: it must see everything first.
type median struct {
	Length int `yaml:"-" json:"length"`
}

func (f *median) Fit(_ context.Context, records iter.Seq2[*schemas.Record, error]) error {
	var all []int
	for r, err := range records {
		if err != nil {
			return err
		}
		all = append(all, len(r.Text))
	}
	slices.Sort(all)
	if len(all) > 0 {
		f.Length = all[len(all)/2]
	}
	return nil
}

func (f *median) Judge(_ context.Context, r *schemas.Record) (Verdict, error) {
	if len(r.Text) < f.Length {
		return Drop("short"), nil
	}
	return Keep, nil
}

func (f *median) MarshalBinary() ([]byte, error)    { return json.Marshal(f) }
func (f *median) UnmarshalBinary(data []byte) error { return json.Unmarshal(data, f) }

// whole calls two records the same when their texts are.
type whole struct{}

func (whole) Keys(_ context.Context, r *schemas.Record) (Likeness, error) {
	return Likeness{Keys: []Key{{Lo: number(r.Text)}}}, nil
}

var testCatalogs = Catalogs{
	Generators: catalog.Catalog[Generator]{
		"parrot": func() Generator { return &parrot{} },
		"twist":  func() Generator { return &twist{Copies: 3} },
	},
	Filters: catalog.Catalog[Filter]{
		"picky":  func() Filter { return &picky{} },
		"median": func() Filter { return &median{} },
	},
	Dedup: catalog.Catalog[Deduper]{"whole": func() Deduper { return &whole{} }},
}

// memoryIndex is the claims of a dataset in RAM; sealed outlives the process in which they were made.
type memoryIndex struct {
	mu     sync.Mutex
	sealed *map[string][]memoryClaim // by token
	counts map[string]map[string]claimant
	open   []memoryClaim
}

type memoryClaim struct {
	stage, key string
	by         claimant
}

type claimant struct {
	id    schemas.ID
	batch int64
}

func openMemoryIndex(sealed *map[string][]memoryClaim, tokens []string) *memoryIndex {
	if *sealed == nil {
		*sealed = map[string][]memoryClaim{}
	}
	x := &memoryIndex{sealed: sealed, counts: map[string]map[string]claimant{}}
	for token, claims := range *sealed {
		if !slices.Contains(tokens, token) {
			delete(*sealed, token)
			continue
		}
		for _, c := range claims {
			x.of(c.stage)[c.key] = c.by
		}
	}
	return x
}

func (x *memoryIndex) of(stage string) map[string]claimant {
	if x.counts[stage] == nil {
		x.counts[stage] = map[string]claimant{}
	}
	return x.counts[stage]
}

func (x *memoryIndex) Stage(stage string, _ Scheme) (Claimer, error) {
	return memoryStage{x, stage}, nil
}

func (x *memoryIndex) Missing(tokens []string) (out []string, err error) {
	for _, t := range tokens {
		if _, ok := (*x.sealed)[t]; !ok {
			out = append(out, t)
		}
	}
	return out, nil
}

func (x *memoryIndex) Seal(token string, last int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	claims, open := []memoryClaim{}, []memoryClaim{}
	for _, c := range x.open {
		if c.by.batch <= last {
			claims = append(claims, c)
		} else {
			open = append(open, c)
		}
	}
	x.open = open
	(*x.sealed)[token] = claims
	return nil
}

type memoryStage struct {
	x     *memoryIndex
	stage string
}

func (s memoryStage) Claim(batch int64, id schemas.ID, part string, l Likeness) (Match, error) {
	s.x.mu.Lock()
	defer s.x.mu.Unlock()
	for _, k := range l.Keys {
		key := fmt.Sprint(part, k)
		if owner, ok := s.x.of(s.stage)[key]; ok && owner.id != id {
			return Match{Dup: true, Owner: owner.id, Score: 1}, nil
		}
	}
	for _, k := range l.Keys {
		c := memoryClaim{s.stage, fmt.Sprint(part, k), claimant{id, batch}}
		s.x.of(s.stage)[c.key] = c.by
		s.x.open = append(s.x.open, c)
	}
	return Match{}, nil
}

// world is a folder with a recipe, its source and everything that outlives a process.
type world struct {
	t      *testing.T
	dir    string
	recipe string
	claims map[string][]memoryClaim
	store  *state.Memory
}

func newWorld(t *testing.T, rows int, recipe string) *world {
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "[v1]"), recipe: recipe, store: state.NewMemory()} // a name that a pattern would take for a class
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.source(0, rows)
	return w
}

// source writes rows from to to as the seeds.
func (w *world) source(from, to int) {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "{\"text\":\"seed number %d says %s\",\"label\":\"%c\"}\n", i, strings.Repeat("word ", i%9), 'a'+i%3)
	}
	f, err := os.OpenFile(filepath.Join(w.dir, "seeds.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(b.String())
		f.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) load(recipe string) *Recipe {
	w.t.Helper()
	path := filepath.Join(w.dir, "recipe.yaml")
	if err := os.WriteFile(path, []byte(recipe), 0o644); err != nil {
		w.t.Fatal(err)
	}
	r, err := Load(path, LoadOptions{Catalogs: testCatalogs})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// keepOpen lets a run close its store without losing what it holds.
type keepOpen struct{ state.Store }

func (keepOpen) Close() error { return nil }

func (w *world) options() Options {
	return Options{
		OpenStore: func(string, bool, time.Duration) (state.Store, error) { return keepOpen{w.store}, nil },
		OpenIndex: func(_ state.Store, c Claims) (Index, error) {
			return openMemoryIndex(&w.claims, c.Tokens), nil
		},
	}
}

func (w *world) run(o Options) (*Result, error) {
	w.t.Helper()
	return Run(w.t.Context(), w.load(w.recipe), o)
}

func (w *world) mustRun() *Result {
	w.t.Helper()
	res, err := w.run(w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

// bytes maps each file under data/ and rejects/ to its content.
func (w *world) bytes() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, dir := range []string{schemas.DataDir, schemas.RejectsDir} {
		entries, _ := os.ReadDir(filepath.Join(w.dir, "out", dir))
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(w.dir, "out", dir, e.Name()))
			if err != nil {
				w.t.Fatal(err)
			}
			out[dir+"/"+e.Name()] = string(b)
		}
	}
	return out
}

func sameFiles(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s differs: %d bytes, want %d", what, name, len(got[name]), len(want[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s should not be there", what, name)
		}
	}
}
