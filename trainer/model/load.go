package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"sluice/trainer/model/safetensors"
	"sluice/trainer/tensor"
)

// LoadOptions say which head a model gets. The zero value takes what the folder holds.
type LoadOptions struct {
	Head    Head
	Problem Problem  // of Classify
	Labels  []string // of Classify and Tag
	// Fresh lets a head begin anew, drawn from Seed, when the folder has none of its kind or one of other labels. Without it that is an error.
	Fresh bool
	Seed  uint64
}

// A source is where weights are read from: tensors by name.
type source struct {
	where string // for errors
	file  func(name string) string
	shape map[string][]int
	read  func(name string, dst []float32) error
}

// Load reads a model from a Hugging Face folder: config.json, and model.safetensors or its shards with their index.
func Load(dir string, o LoadOptions) (*Model, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	f, err := safetensors.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := source{where: dir, shape: map[string][]int{},
		file: func(name string) string { return f.File(name).Path() },
		read: func(name string, dst []float32) error { return f.File(name).Read(name, dst) }}
	for _, t := range f.Infos() {
		s.shape[t.Name] = t.Shape
	}
	return s.model(c, o)
}

// model makes a model of the config with the weights of s.
func (s source) model(c Config, o LoadOptions) (*Model, error) {
	stored, err := s.plainNames(c)
	if err != nil {
		return nil, err
	}
	if c, err = s.choose(c, o, stored); err != nil {
		return nil, err
	}
	m := &Model{Config: c}
	if err := s.check(m, o, stored); err != nil {
		return nil, err
	}
	var errs []error
	m.assemble(func(sp spec, t *tensor.Tensor) {
		file, ok := stored[sp.name]
		if !ok || slices.Contains(m.Fresh, t.Name()) {
			c.draw(sp, t, o.Seed)
			return
		}
		if err := s.read(file, t.Value()); err != nil {
			errs = append(errs, err)
			return
		}
		if i := slices.IndexFunc(t.Value(), func(v float32) bool { return math.Abs(float64(v)) > math.MaxFloat32 || v != v }); i >= 0 {
			errs = append(errs, fmt.Errorf("%s: tensor %q %v holds %v at element %d", s.file(file), file, t.Shape(), t.Value()[i], i))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// plainNames gives the name in the file of every plain name.
func (s source) plainNames(c Config) (map[string]string, error) {
	stored := map[string]string{}
	for _, name := range sortedKeys(s.shape) {
		plain := c.plainName(name)
		if twin, twice := stored[plain]; twice {
			return nil, fmt.Errorf("%s: tensors %q and %q are the same weight", s.file(name), twin, name)
		}
		stored[plain] = name
	}
	return stored, nil
}

// choose settles head and labels by the options, the config's class, and the tensors that are there.
func (s source) choose(c Config, o LoadOptions, stored map[string]string) (Config, error) {
	if o.Head != AsStored {
		c.Head = o.Head
	}
	has := func(prefix string) bool {
		for name := range stored {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	if c.Head == AsStored {
		switch {
		case c.Family.Decoder() && (has("score.") || has("classifier.")) && !has("lm_head.") && len(c.Labels) > 0:
			c.Head = Classify
		case c.Family.Decoder():
			c.Head = CausalLM
		case has("cls.predictions.") || has("lm_head."):
			c.Head = MaskedLM
		case has("classifier."):
			c.Head = Classify
		default:
			c.Head = Body
		}
	}
	if o.Labels != nil {
		c.Labels = o.Labels
	}
	if o.Problem != "" {
		c.Problem = o.Problem
	}
	if len(c.Labels) == 0 {
		for _, name := range []string{"classifier.weight", "classifier.out_proj.weight", "score.weight"} {
			if file, ok := stored[name]; ok && len(s.shape[file]) == 2 && s.shape[file][0] < 1<<16 {
				for i := range s.shape[file][0] {
					c.Labels = append(c.Labels, fmt.Sprintf("LABEL_%d", i))
				}
			}
		}
	}
	if c.Head == Classify && c.Problem == "" && len(c.Labels) == 1 {
		c.Problem = Regression // as the reference has it
	}
	if c.Head == Body && !c.Family.Decoder() {
		_, c.Pooler = stored["pooler.dense.weight"]
	}
	c = c.filled()
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%s: %w", s.where, err)
	}
	return c, nil
}

// check holds names and shapes of the files against those of the model, before any memory is asked for.
func (s source) check(m *Model, o LoadOptions, stored map[string]string) error {
	c := m.Config
	known := map[string]bool{}
	var missing []string
	for _, sp := range c.specs() {
		known[sp.name] = true
		headLike := sp.outer || c.ofHead(sp.name)
		file, ok := stored[sp.name]
		switch {
		case ok && slices.Equal(s.shape[file], sp.shape):
		case headLike && o.Fresh && (!ok || sp.outer):
			m.Fresh = append(m.Fresh, c.fileName(sp))
		case ok:
			return fmt.Errorf("%s: tensor %q has shape %v, the model's shape needs %v", s.file(file), file, s.shape[file], sp.shape)
		default:
			missing = append(missing, fmt.Sprintf("%q %v", c.fileName(sp), sp.shape))
			if len(missing) == 1 && headLike {
				missing[0] += " of the " + string(c.Head) + " head (it can begin anew)"
			}
		}
	}
	if len(missing) > 0 {
		more := ""
		if len(missing) > 3 {
			missing, more = missing[:3], fmt.Sprintf(" and %d more", len(missing)-3)
		}
		return fmt.Errorf("%s: missing tensors: %s%s", s.where, strings.Join(missing, ", "), more)
	}
	for _, plain := range sortedKeys(stored) {
		switch {
		case known[plain] || c.buffer(plain):
		case c.ofHead(plain):
			m.Unused = append(m.Unused, stored[plain])
		default:
			return fmt.Errorf("%s: tensor %q %v is no part of a %s with %d layers", s.file(stored[plain]), stored[plain], s.shape[stored[plain]], c.Family, c.Layers)
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
