package schemas

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// CardInfo is what a dataset card says beyond the manifest.
type CardInfo struct {
	Title  string   // the name of the dataset; empty: that of its folder
	Sluice string   // version that made it
	Stages []string // of the recipe, in order
}

// WriteCard writes README.md into the dataset folder dir: the front matter that the Hugging Face hub reads, and tables of
// what is in the dataset and what became of the rest. It depends on the manifest and info alone.
func WriteCard(fs FS, dir string, m *Manifest, info CardInfo) error {
	if info.Title == "" {
		info.Title = filepath.Base(dir)
	}
	b, err := card(m, info)
	if err != nil {
		return fmt.Errorf("dataset card: %w", err)
	}
	return WriteFile(fs, filepath.Join(dir, CardFile), b)
}

// front is the front matter: field names and order are the hub's (github.com/huggingface/hub-docs, datasetcard.md).
type front struct {
	PrettyName  string       `yaml:"pretty_name"`
	Size        []string     `yaml:"size_categories"`
	Tasks       []string     `yaml:"task_categories,omitempty"`
	Annotations []string     `yaml:"annotations_creators,omitempty"`
	Tags        []string     `yaml:"tags"`
	Configs     []cardConfig `yaml:"configs"`
	Info        *cardInfo    `yaml:"dataset_info,omitempty"`
}

type cardConfig struct {
	Name    string     `yaml:"config_name"`
	Files   []cardFile `yaml:"data_files"`
	Default bool       `yaml:"default"`
}

type cardFile struct {
	Split string   `yaml:"split"`
	Path  []string `yaml:"path"`
}

type cardInfo struct {
	Features []cardFeature `yaml:"features"`
	Splits   []cardSplit   `yaml:"splits"`
}

type cardSplit struct {
	Name     string `yaml:"name"`
	Bytes    int64  `yaml:"num_bytes"`
	Examples int64  `yaml:"num_examples"`
}

// cardFeature is a column as the hub writes it: {name, dtype}, {name, sequence}, {name, list} or {name, struct}.
type cardFeature struct {
	Name     string        `yaml:"name"`
	Dtype    string        `yaml:"dtype,omitempty"`
	Sequence any           `yaml:"sequence,omitempty"`
	List     any           `yaml:"list,omitempty"`
	Struct   []cardFeature `yaml:"struct,omitempty"`
}

func card(m *Manifest, info CardInfo) ([]byte, error) {
	l, err := newLayout(&m.Schema, false)
	if err != nil {
		return nil, err
	}
	train, test := m.Shards(RoleTrain), m.Shards(RoleTest)
	rows := sumRows(train)
	f := front{
		PrettyName: info.Title,
		Size:       []string{sizeCategory(rows + sumRows(test))},
		Tasks:      tasks(m.Schema.Kind),
		Tags:       []string{"synthetic", "sluice"},
	}
	if made(m) > 0 {
		f.Annotations = []string{"machine-generated"}
	} else {
		f.Tags = f.Tags[1:]
	}
	c := cardConfig{Name: "default", Default: true}
	var splits []cardSplit
	for _, s := range []struct {
		name   string
		shards []Shard
	}{{RoleTrain, train}, {RoleTest, test}} {
		if len(s.shards) == 0 {
			continue
		}
		c.Files = append(c.Files, cardFile{s.name, patterns(s.shards)})
		splits = append(splits, cardSplit{s.name, sumBytes(s.shards), sumRows(s.shards)})
	}
	if len(c.Files) > 0 {
		f.Configs = []cardConfig{c}
		f.Info = &cardInfo{cardFeatures(l.roots), splits}
	}
	y, err := yaml.Dump(f, yaml.WithIndent(2))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\n%s---\n\n# %s\n\n", y, line(info.Title))
	cardText(&b, m, info, rows, sumRows(test))
	return b.Bytes(), nil
}

// patterns names the files of a split: each by itself, because a glob could find files that are not sealed.
func patterns(shards []Shard) []string {
	names := make([]string, len(shards))
	for i, s := range shards {
		names[i] = path.Clean(s.Path)
	}
	return names
}

func cardFeatures(parts []*node) []cardFeature {
	fs := make([]cardFeature, len(parts))
	for i, n := range parts {
		fs[i] = cardFeature{Name: n.name}
		switch n.kind {
		case Struct:
			fs[i].Struct = cardFeatures(n.parts)
		case List:
			switch e := n.elem(); e.kind {
			case Struct:
				fs[i].List = cardFeatures(e.parts)
			case List:
				fs[i].Sequence = map[string]any{"sequence": cardElem(e.elem())}
			default:
				fs[i].Sequence = e.kind.dtype()
			}
		default:
			fs[i].Dtype = n.kind.dtype()
		}
	}
	return fs
}

// cardElem is the element of a list within a list.
func cardElem(n *node) any {
	switch n.kind {
	case Struct:
		return map[string]any{"struct": cardFeatures(n.parts)}
	case List:
		return map[string]any{"sequence": cardElem(n.elem())}
	}
	return n.kind.dtype()
}

func tasks(k Kind) []string {
	switch k {
	case Labeled, Multi:
		return []string{"text-classification"}
	case Chat, Text:
		return []string{"text-generation"}
	case Preference:
		return []string{"reinforcement-learning"}
	}
	return nil
}

// sizeCategory is the hub's name for a number of rows.
func sizeCategory(rows int64) string {
	from, name := int64(1000), "n<1K"
	for _, to := range []string{"1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1B"} {
		if rows < from {
			break
		}
		name, from = to, from*10
	}
	return name
}

func sumRows(ss []Shard) (n int64) {
	for _, s := range ss {
		n += s.Rows
	}
	return n
}

func sumBytes(ss []Shard) (n int64) {
	for _, s := range ss {
		n += s.Bytes
	}
	return n
}

// made is the number of accepted rows that are no seeds.
func made(m *Manifest) (n int64) {
	for _, s := range m.Segments {
		for _, k := range s.Made {
			n += k
		}
	}
	return n
}

// line makes text fit a line of Markdown or a cell of a table.
func line(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'").Replace(s)
}

// labelCounts are the accepted rows by label, of all segments.
func labelCounts(m *Manifest) (all, made map[string]int64, names []string) {
	for _, s := range m.Segments {
		all, made = addCounts(all, s.Labels), addCounts(made, s.Made)
	}
	for l := range all {
		if l != "" {
			names = append(names, l)
		}
	}
	slices.Sort(names)
	return all, made, names
}
