package mix

import (
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"sluice/schemas"
)

var update = flag.Bool("update", false, "rewrite the expected files of behaviour tests")

// setting is the file setting.yaml of a behaviour test: the training, and its domains with sizes, records and losses.
type setting struct {
	Steps   int64   `yaml:"steps"`
	Batch   int     `yaml:"batch"`
	Repeats float64 `yaml:"repeats"`
	Domains []struct {
		Name     string    `yaml:"name"`
		Examples int64     `yaml:"examples"`
		Records  []string  `yaml:"records"`
		Quality  float64   `yaml:"quality"`
		Loss     []float64 `yaml:"loss"` // at the beginning and at the end; a straight line between
	} `yaml:"domains"`
}

func (s *setting) env() Env {
	e := Env{Steps: s.Steps, Batch: s.Batch, Repeats: s.Repeats, Seed: 1, Records: func(i int) iter.Seq2[*schemas.Record, error] {
		return func(yield func(*schemas.Record, error) bool) {
			for _, t := range s.Domains[i].Records {
				if !yield(&schemas.Record{Text: t, Scores: map[string]float64{"quality": s.Domains[i].Quality}}, nil) {
					return
				}
			}
		}
	}}
	for _, d := range s.Domains {
		e.Domains = append(e.Domains, Domain{Name: d.Name, Examples: d.Examples, Tokens: 100 * d.Examples})
	}
	return e
}

// TestBehaviour runs every testdata/mix/*.txtar: a configuration, a training, the plan for it, and how shares and picks then run.
func TestBehaviour(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/mix/*.txtar")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txtar"), "-")
			var s setting
			decode(t, section(a, "setting.yaml"), &s)
			fresh := func() Mixer {
				m := Catalog[name]()
				decode(t, section(a, "config.yaml"), m)
				return m
			}
			plan, err := Plan(name, fresh(), s.env())
			if err != nil {
				compare(t, file, a, "error.txt", err.Error()+"\n")
				return
			}
			compare(t, file, a, "plan.md", plan.String())
			m := fresh()
			if err := Open(m, s.env()); err != nil {
				t.Fatal(err)
			}
			compare(t, file, a, "run.txt", s.run(m))
		})
	}
}

// run trains, and tells weights and picks at five moments.
func (s *setting) run(m Mixer) string {
	var b strings.Builder
	n := make([]int, len(s.Domains))
	for step := range s.Steps {
		in := make([]bool, len(n))
		for i := range s.Batch {
			k := m.Pick(step, rand.New(rand.NewPCG(uint64(step), uint64(i))))
			n[k]++
			in[k] = true
		}
		var all []float64
		for k, d := range s.Domains {
			loss := 0.
			if len(d.Loss) == 2 {
				loss = d.Loss[0] + (d.Loss[1]-d.Loss[0])*float64(step)/float64(s.Steps)
			}
			if all = append(all, loss); in[k] {
				m.Learn(step, k, loss)
			}
		}
		if v, ok := m.(Validator); ok && v.Due(step+1) {
			v.Validate(step+1, all)
		}
		if (step+1)%max(1, s.Steps/5) == 0 {
			fmt.Fprintf(&b, "step %d: weights", step+1)
			for _, w := range m.Weights() {
				fmt.Fprintf(&b, " %.3f", w)
			}
			fmt.Fprintf(&b, ", picks %v\n", n)
		}
	}
	return b.String()
}

func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal(b, &node); err != nil {
		t.Fatal(err)
	}
	if node.IsZero() {
		return
	}
	if err := node.Load(into, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func compare(t *testing.T, file string, a *txtar.Archive, name, got string) {
	t.Helper()
	if !*update {
		if d := cmp.Diff(string(section(a, name)), got); d != "" {
			t.Errorf("%s: -want +got (run with -update to rewrite)\n%s", name, d)
		}
		return
	}
	found := false
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data, found = []byte(got), true
		}
	}
	if !found {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(got)})
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
