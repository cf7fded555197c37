package trainer

import (
	"fmt"
	"math"

	"sluice/trainer/linear"
)

// ArchLinear is the arch of the linear student.
const ArchLinear = "linear"

// ModelConfig is a model to begin with: a folder, a shape for fresh weights, or the linear student.
type ModelConfig struct {
	Path    string  `yaml:"path"`                     // a Hugging Face folder to go on from
	Arch    string  `yaml:"arch"`                     // llama, gpt2, bert, roberta, or linear
	Layers  int     `yaml:"layers"`                   // blocks
	Heads   int     `yaml:"heads"`                    // of attention
	KVHeads int     `yaml:"kv_heads"`                 // llama: heads of keys and values; 0: as heads
	Dim     int     `yaml:"dim"`                      // hidden size
	FFN     int     `yaml:"ffn"`                      // inner size of the feed-forward part; 0: the architecture's usual
	Untied  bool    `yaml:"untied"`                   // the output matrix is not the embedding's
	Linear  *Linear `yaml:"linear" json:",omitempty"` // the linear student with its settings
}

// Linear is the linear student: a softmax, or one logistic model for each label, on hashed n-grams of words and characters. It is trained in seconds, and
// the baseline that larger classifiers are held against. Of the section train it reads task, data, text, label, labels, multilabel, seed, threads, cost and
// out; it needs no validation rows: what it reports beside the test rows are answers of models that saw neither the row nor its family.
type Linear struct {
	linear.Config `yaml:",inline"`

	Weight string `yaml:"weight" json:"weight,omitempty"` // the score or column with the weight of a row; empty: all count alike
}

// DefaultLinear gives the values of keys that a recipe leaves out.
func DefaultLinear() Linear {
	l := Linear{Config: linear.Default()}
	l.Calibrate = true
	return l
}

// linear tells whether the model is the linear student.
func (m *ModelConfig) linear() bool { return m.Arch == ArchLinear }

// The decoder names the types it fails on, and hints are found by these names: so the types without methods are called as those with.
type (
	modelKeys  = ModelConfig
	linearKeys = Linear
)

// UnmarshalYAML reads `linear`, `linear: {words: 2}` or the keys of a network.
func (m *ModelConfig) UnmarshalYAML(decode func(any) error) error {
	var name string
	if decode(&name) == nil {
		*m = ModelConfig{Arch: name}
	} else {
		type ModelConfig modelKeys
		if err := decode((*ModelConfig)(m)); err != nil {
			return err
		}
	}
	if m.Linear != nil && m.Arch == "" {
		m.Arch = ArchLinear
	}
	if m.linear() && m.Linear == nil {
		l := DefaultLinear()
		m.Linear = &l
	}
	return nil
}

// UnmarshalYAML reads settings onto the defaults.
func (l *Linear) UnmarshalYAML(decode func(any) error) error {
	*l = DefaultLinear()
	type Linear linearKeys
	return decode((*Linear)(l))
}

// String says what is trained: classify, linear student; or causal, llama of 2 layers, hidden size 64.
func (c *Config) String() string {
	m := &c.Model
	switch {
	case m.linear():
		return c.Task + ", linear student"
	case m.Path != "":
		return c.Task + ", " + m.Path
	}
	arch := m.Arch
	if arch == "" {
		arch = "network"
	}
	return fmt.Sprintf("%s, %s of %s, hidden size %d", c.Task, arch, counted(m.Layers, "layer"), m.Dim)
}

// counted is "1 layer", "2 layers".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Length is the training's length for about so many rows: steps, and tokens with padding; 0 and 0 of the linear student.
func (c *Config) Length(rows float64) (steps int, tokens int64) {
	if c.Model.linear() {
		return 0, 0
	}
	if steps = c.Steps; steps == 0 {
		steps = max(1, int(math.Ceil(c.Epochs*rows/float64(c.Batch))))
	}
	return steps, int64(steps) * int64(c.Batch) * int64(c.Context)
}
