package pipeline

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"sluice/pipeline/catalog"
	"sluice/pipeline/llm"
	"sluice/schemas"
)

// models decodes models: one by one, so that every problem names its model.
func (l *loader) models() {
	n := lookup(l.top, "models")
	if n == nil {
		return
	}
	fs, ok := fields(n)
	if !ok {
		l.bad(n, "write `models: {writer: {endpoint: …, model: …}}`", "models wants a name with keys for each model")
		return
	}
	l.recipe.Models = make(map[string]llm.Spec, len(fs))
	for _, f := range fs {
		var spec llm.Spec
		owner := "model " + f.key.Value
		keys, ok := fields(f.value)
		if !ok {
			l.bad(f.value, "", "%s wants keys with values", owner)
			continue
		}
		if l.strict(mapping(f.key, keys), &spec, owner) {
			l.findings(spec.Check(), owner, f.key, keys)
		}
		if spec.Replay = l.inDir(spec.Replay); spec.Replay != "" {
			if _, err := os.Stat(spec.Replay); err != nil {
				l.bad(resolve(lookup(keys, "replay")), "relative paths start at the recipe's folder", "%s: there is no file with recorded answers", owner)
			}
		}
		l.recipe.Models[f.key.Value] = spec
	}
}

// findings reports joined errors that begin with the key they are about: at its value, or at the owner.
func (l *loader) findings(err error, owner string, at *yaml.Node, keys []field) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			l.findings(one, owner, at, keys)
		}
		return
	}
	message := err.Error()
	path, _, _ := strings.Cut(message, ":")
	for key := range strings.SplitSeq(path, ".") { // per_minute.requests
		n := resolve(lookup(keys, key))
		if n == nil {
			break
		}
		at = n
		keys, _ = fields(n)
	}
	l.bad(at, "", "%s: %s", owner, message)
}

// choice reports a key of a block whose value is none of those allowed.
func (l *loader) choice(block, key, value string, allowed ...string) {
	fs, _ := fields(lookup(l.top, block))
	l.chosen(resolve(lookup(fs, key)), block+"."+key, value, allowed...)
}

func (l *loader) chosen(n *yaml.Node, name, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		hint := ""
		if near := catalog.Nearest(value, allowed); near != "" {
			hint = "did you mean " + near + "?"
		}
		l.bad(n, hint, "%s is one of %s", name, strings.Join(allowed, ", "))
	}
}

// Defaults of a [ShardSpec].
const (
	defaultShardRows  = 50_000
	defaultShardBytes = 256 << 20
)

// sink decodes sink: and fills in its defaults.
func (l *loader) sink() {
	s := &l.recipe.Sink
	s.Format, s.Seeds = FormatParquet, "keep"
	l.value("sink", s)
	n := lookup(l.top, "sink")
	fs, _ := fields(n)
	l.chosen(resolve(lookup(fs, "seeds")), "sink.seeds", s.Seeds, "keep", "drop")
	s.DropSeeds = s.Seeds == "drop"
	blocks := map[string]*ShardSpec{FormatParquet: s.Parquet, FormatArrow: s.Arrow, FormatJSONL: s.JSONL, FormatJSONLZst: s.JSONLZst}
	var first *yaml.Node
	var settings []field
	for _, f := range fs {
		b, ok := blocks[f.key.Value]
		if !ok {
			continue
		}
		if first != nil {
			l.bad(f.key, "keep one of them; sluice export writes the others", "a sink has one format, and %s is given already", first.Value)
			continue
		}
		first, s.Format = f.key, f.key.Value
		settings, _ = fields(f.value)
		if b != nil {
			s.Shards = *b
		}
	}
	allowed, standard := schemas.Compressions(), schemas.Compressions()[0]
	switch s.Format {
	case FormatJSONLZst:
		standard = "zstd-better"
	case FormatJSONL:
		allowed, standard = []string{"none"}, "none"
	}
	sh := &s.Shards
	if sh.Compression == "" {
		sh.Compression = standard
	}
	l.chosen(resolve(lookup(settings, "compression")), s.Format+".compression", sh.Compression, allowed...)
	l.positive(settings, "rows", sh.Rows)
	l.positive(settings, "bytes", sh.Bytes)
	if sh.Rows == 0 {
		sh.Rows = defaultShardRows
	}
	if sh.Bytes == 0 {
		sh.Bytes = defaultShardBytes
	}
}

// positive reports a key that stands there with a number below 1.
func (l *loader) positive(fs []field, key string, v int64) {
	if n := lookup(fs, key); n != nil && v < 1 {
		l.bad(resolve(n), "leave it out for the default", "%s must be 1 or more", key)
	}
}

// target decodes target: and refuses what its stop rules cannot serve.
func (l *loader) target() {
	n := lookup(l.top, "target")
	if n == nil {
		return
	}
	t := &TargetSpec{MinYield: 0.2, MaxDuplicates: 0.5}
	if !l.value("target", t) {
		return
	}
	l.recipe.Target = t
	fs, _ := fields(n)
	at := func(key string) *yaml.Node { return resolve(lookup(fs, key)) }
	var sum int64
	for _, name := range slices.Sorted(maps.Keys(t.PerLabel.Counts)) {
		c := t.PerLabel.Counts[name]
		if sum += c; c < 0 {
			l.bad(at("per_label"), "", "target.per_label: %s asks for fewer than 0 rows", name)
		}
	}
	switch {
	case t.Accepted == 0 && sum > 0:
		t.Accepted = sum
	case t.Accepted < 1:
		l.bad(cmpNode(at("accepted"), l.key("target")), "`target: {accepted: 5000}`", "a target needs accepted: the number of made rows wanted")
	case len(t.PerLabel.Counts) > 0 && t.Accepted != sum:
		l.bad(at("accepted"), "leave accepted out: it is their sum", "accepted is %d, but per_label asks for %d", t.Accepted, sum)
	}
	l.perLabel(t, at("per_label"))
	l.positive(fs, "max_candidates", t.MaxCandidates)
	if t.MaxCandidates > 0 && t.MaxCandidates < t.Accepted {
		l.bad(at("max_candidates"), "", "max_candidates %d is less than the %d accepted rows wanted", t.MaxCandidates, t.Accepted)
	}
	if !share(t.MinYield) {
		l.bad(at("min_yield"), "", "min_yield is a share, from 0 to 1")
	}
	if !share(t.MaxDuplicates) {
		l.bad(at("max_duplicates"), "", "max_duplicates is a share, from 0 to 1")
	}
	generators := 0
	for _, s := range l.recipe.Stages {
		if _, fits := s.Component.(Fitter); fits {
			l.bad(l.key("target"), "drop the target, or run "+s.Name+" in a recipe of its own on the finished dataset",
				"a target cannot be met across %s: it must see all rows before it judges one", s.ID)
		}
		if s.Role == Generators {
			generators++
		}
	}
	if generators == 0 {
		l.bad(l.key("target"), "", "a target counts made rows, and no stage makes any")
	}
}

// perLabel checks that a target spreads over labels that there can be.
func (l *loader) perLabel(t *TargetSpec, n *yaml.Node) {
	if m := t.PerLabel.Mode; m != "" {
		l.chosen(n, "target.per_label", m, PerLabelBalanced, PerLabelLevel)
	}
	s := l.recipe.seeds
	if n == nil || s == nil {
		return
	}
	if s.Kind != schemas.Labeled && s.Kind != schemas.Multi {
		l.bad(n, "map a column: `map: {label: NAME}`", "target.per_label needs labels, and the rows of the source are of kind %s", s.Kind)
		return
	}
	names, _ := fields(n)
	for _, f := range names {
		if len(s.Labels) > 0 && !slices.Contains(s.Labels, f.key.Value) {
			l.bad(f.key, suggest(f.key.Value, s.Labels), "label %q is not declared", f.key.Value)
		}
	}
}

func cmpNode(a, b *yaml.Node) *yaml.Node {
	if a != nil {
		return a
	}
	return b
}

// UnmarshalYAML reads balanced, level, or a map of label to number.
func (p *PerLabel) UnmarshalYAML(decode func(any) error) error {
	if decode(&p.Mode) == nil {
		return nil
	}
	if err := decode(&p.Counts); err != nil {
		return errors.New("want balanced, level, or labels with numbers: {billing: 500, refund: 300}")
	}
	return nil
}

// UnmarshalYAML reads one path or a list of them.
func (p *Paths) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*p = Paths{one}
		return nil
	}
	var many []string
	if err := decode(&many); err != nil {
		return errors.New("want a path or a list of paths")
	}
	*p = many
	return nil
}

// A Section is a part of the recipe that another program reads: the trainer's, the certificate's.
type Section struct {
	Line int    // of its key in the recipe
	YAML []byte // its keys by themselves, with ${VAR} expanded: not to be stored

	decode  func(into any) error
	problem func(key, hint string, err error) error
}

// Decode reads the section strictly onto into, which points to a struct with the defaults. Its error is [Problems]
// with places in the recipe.
func (s *Section) Decode(into any) error { return s.decode(into) }

// Problem places an error of another program's check at a key of the section, such as optimizer.lr, or at what of it is written; "" is the section
// itself. It gives [Problems].
func (s *Section) Problem(key, hint string, err error) error { return s.problem(key, hint, err) }

func (l *loader) section(key string) *Section {
	n := lookup(l.top, key)
	if n == nil {
		return nil
	}
	fs, ok := fields(n)
	if !ok {
		hint := ""
		if key == "train" {
			hint = "such as train: {model: linear}"
		}
		l.bad(n, hint, "%s wants keys with values", key)
		return nil
	}
	text, err := yaml.Dump(mapping(n, fs))
	if err != nil {
		l.bad(n, "", "%s: %v", key, err)
		return nil
	}
	r := reader{file: l.file, lines: l.lines, env: l.env}
	at := l.key(key)
	return &Section{Line: at.Line, YAML: text, decode: func(into any) error {
		r := r
		if r.strict(mapping(n, fs), into, key) {
			return nil
		}
		return r.problems.sort()
	}, problem: func(path, hint string, err error) error {
		r := r
		r.bad(written(at, n, path), hint, "%v", err)
		return r.problems
	}}
}

// written finds the node that a dotted path leads to below n, or the last on the way that is there: the value where it is one word, else the key. at is
// the key of n itself.
func written(at, n *yaml.Node, path string) *yaml.Node {
	for name := range strings.SplitSeq(path, ".") {
		fs, _ := fields(n)
		i := slices.IndexFunc(fs, func(f field) bool { return f.key.Value == name })
		if i < 0 {
			break
		}
		at, n = fs[i].key, fs[i].value
		if v := resolve(n); v.Kind == yaml.ScalarNode && !isNull(v) {
			at = v
		}
	}
	return at
}

// training lets the trainer check its section.
func (l *loader) training() {
	if l.recipe.Train == nil || l.o.Train == nil {
		return
	}
	err := l.o.Train(l.recipe)
	if found, ok := errors.AsType[Problems](err); ok {
		for _, p := range found {
			l.add(p)
		}
	} else if err != nil {
		l.bad(l.key("train"), "", "%v", err)
	}
}

// spending decodes budget: and checks it against the models that stages ask.
func (l *loader) spending() {
	n := lookup(l.top, "budget")
	if n == nil {
		return
	}
	var b llm.Budget
	if !l.value("budget", &b) {
		return
	}
	l.recipe.Budget = &b
	used := map[string]llm.Spec{}
	for name := range l.used() {
		if spec, ok := l.recipe.Models[name]; ok {
			used[name] = spec
		}
	}
	keys, _ := fields(n)
	l.findings(b.Check(used), "budget", l.key("budget"), keys)
}

// used is the set of models that stages ask.
func (l *loader) used() map[string]bool {
	names := map[string]bool{}
	for _, s := range l.recipe.Stages {
		if m, ok := s.Component.(Modeler); ok {
			for _, name := range m.Models() {
				names[name] = true
			}
		}
	}
	return names
}
