package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A Fingerprint names what determines the output of a recipe, one line for each key. Comments, format, order of keys and explicit
// defaults of components do not matter. Left out are budget, prices, workers, limits, tolerate, keys, folders, ledger,
// train and certify, and models that no stage asks. Files that components and models read stand there with a hash of what they hold. The target is apart, because it may grow: see [Recipe.Target].
// A value from the environment stands there as its reference and a hash, so the lines may be stored.
//
//	batch: 64
//	seed: 17
//	source.jsonl.path: "seeds.jsonl"
//	stage filters/length
//	filters/length: min: 40
//	stage filters/schema
//	filters/schema: contents of "call.json": #9f86d081884c7d65
//	filters/schema: file: "call.json"
//	sink.format: "parquet"
type Fingerprint struct {
	Hash  string // of the lines: 32 hexadecimal digits
	Lines []string
}

// Fingerprint returns the fingerprint of r.
func (r *Recipe) Fingerprint() Fingerprint {
	sum := sha256.Sum256([]byte(strings.Join(r.canonical, "\n")))
	return Fingerprint{Hash: hex.EncodeToString(sum[:16]), Lines: slices.Clone(r.canonical)}
}

// Diff compares the lines of two fingerprints: "- " marks what the old one has alone, "+ " the new one.
func Diff(from, to []string) []string {
	a, b := from, to
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

// modelOutput are the keys of a model that change its answers.
var modelOutput = []string{"provider", "endpoint", "model", "identity", "max_tokens", "temperature", "top_p", "extra", "structured", "reasoning", "replay"}

// fingerprint puts the canonical lines together: stages have written theirs while they were decoded.
func (l *loader) fingerprint() {
	r := l.recipe
	stages := r.canonical
	lines := []string{fmt.Sprintf("batch: %d", r.Batch), fmt.Sprintf("seed: %d", r.Seed)}
	models, _ := fields(lookup(l.top, "models"))
	for _, name := range slices.Sorted(maps.Keys(l.used())) {
		keys, _ := fields(lookup(models, name))
		keys = slices.DeleteFunc(keys, func(f field) bool { return !slices.Contains(modelOutput, f.key.Value) })
		if lookup(keys, "identity") != nil { // it stands for endpoint and name
			keys = slices.DeleteFunc(keys, func(f field) bool { return f.key.Value == "endpoint" || f.key.Value == "model" })
		}
		lines = append(lines, l.flatten("models."+name, keys)...)
		if n := resolve(lookup(keys, "replay")); !isNull(n) {
			lines = append(lines, l.contents("models."+name, l.plainly(n), r.Models[name].Replay, n)...)
		}
	}
	source, _ := fields(lookup(l.top, "source"))
	lines = append(lines, l.flatten("source", source)...)
	lines = append(lines, stages...)
	s := &r.Sink
	lines = append(lines,
		"sink.format: "+quoted(s.Format), "sink.seeds: "+quoted(s.Seeds), "sink.compression: "+quoted(s.Shards.Compression),
		fmt.Sprintf("sink.rows: %d", s.Shards.Rows), fmt.Sprintf("sink.bytes: %d", s.Shards.Bytes))
	r.canonical = lines
}

// canonicalStage writes the lines of a stage. A key whose absence would configure the same component is left out:
// an explicit default changes nothing.
func (l *loader) canonicalStage(e *entry) {
	s := &e.spec
	head := "stage " + s.Name
	if s.ID != s.Name {
		head += " as " + s.ID
	}
	lines := []string{head}
	if s.On != OnAll && s.Role != Generators {
		lines = append(lines, s.ID+": on: "+quoted(s.On))
	}
	if s.MaxDepth != 1 {
		lines = append(lines, fmt.Sprintf("%s: max_depth: %d", s.ID, s.MaxDepth))
	}
	var own []field
	for i, f := range e.own {
		without := e.make()
		if reflect.TypeOf(without).Kind() != reflect.Pointer {
			break // it has no keys
		}
		rest := slices.Delete(slices.Clone(e.own), i, i+1)
		if err := l.decode(mapping(e.name, rest), without); err != nil || !reflect.DeepEqual(without, s.Component) {
			own = append(own, f)
		}
	}
	for _, line := range l.flatten("", own) {
		lines = append(lines, s.ID+": "+line)
	}
	if c, ok := s.Component.(FileReader); ok {
		for _, name := range c.Files(l.recipe.Dir) {
			lines = append(lines, l.contents(s.ID, name, l.inDir(name), e.name)...)
		}
	}
	l.recipe.canonical = append(l.recipe.canonical, lines...)
}

// flatten flattens the keys below prefix to "path: value" lines in order of path; null is absent.
func (l *loader) flatten(prefix string, fs []field) []string {
	fs = slices.Clone(fs)
	slices.SortFunc(fs, func(a, b field) int { return strings.Compare(a.key.Value, b.key.Value) })
	var lines []string
	for _, f := range fs {
		path := f.key.Value
		if prefix != "" {
			path = prefix + "." + path
		}
		v := resolve(f.value)
		if isNull(v) {
			continue
		}
		if sub, ok := fields(v); ok && len(path) < 1000 {
			lines = append(lines, l.flatten(path, sub)...)
			continue
		}
		if value := l.canonicalValue(v, path); value != standard[path[strings.LastIndexByte(path, '.')+1:]] || !strings.HasPrefix(path, "source.") {
			lines = append(lines, path+": "+value)
		}
	}
	return lines
}

// standard are the defaults of keys of the source, as canonicalValue writes them: an explicit default changes nothing.
var standard = map[string]string{
	"extra": quoted(extraError), "per": quoted(perFile), "split": quoted(defaultSplit), "max_line": strconv.Itoa(defaultMaxLine), "holdout": "0",
	"no_header": "false", "label_delimiter": quoted(defaultDivider),
}

// canonicalValue writes a value as JSON, or what came from the environment as its reference with a hash. The path of
// the source stands without: it may lead elsewhere on another machine, and the rows themselves are compared.
func (l *loader) canonicalValue(n *yaml.Node, path string) string {
	var v any
	if err := l.decode(n, &v); err != nil {
		return quoted(n.Value)
	}
	if !l.fromEnv(n, 0) {
		return jsonOf(v)
	}
	if strings.HasPrefix(path, "source.") && strings.HasSuffix(path, ".path") || path == "source.path" {
		return l.written(n)
	}
	sum := sha256.Sum256([]byte(jsonOf(v)))
	return l.written(n) + " = #" + hex.EncodeToString(sum[:4])
}

// fromEnv reports whether a scalar at or below n holds a value of the environment.
func (l *loader) fromEnv(n *yaml.Node, depth int) bool {
	n = resolve(n)
	if _, ok := l.env.nodes[n]; ok || depth > 16 {
		return ok
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return l.fromEnv(c, depth+1) })
}

// plainly is the text of a scalar, or its reference where it came from the environment.
func (l *loader) plainly(n *yaml.Node) string {
	if text, ok := l.env.nodes[n]; ok {
		return text
	}
	return n.Value
}

// written is a value with references in place of what came from the environment.
func (l *loader) written(n *yaml.Node) string {
	n = resolve(n)
	if text, ok := l.env.nodes[n]; ok {
		return quoted(text)
	}
	if n.Kind == yaml.SequenceNode {
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			parts[i] = l.written(c)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	if l.fromEnv(n, 0) {
		return `"${…}"` // keys inside a list
	}
	var v any
	if err := l.decode(n, &v); err != nil {
		return quoted(n.Value)
	}
	return jsonOf(v)
}

func jsonOf(v any) string {
	b, err := json.Marshal(jsonable(v))
	if err != nil {
		return quoted(fmt.Sprint(v))
	}
	return string(b)
}

// jsonable makes what YAML can hold and JSON cannot into text: other keys than text, NaN and infinities.
func jsonable(v any) any {
	switch x := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[fmt.Sprint(k)] = jsonable(e)
		}
		return m
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = jsonable(e)
		}
		return m
	case []any:
		s := make([]any, len(x))
		for i, e := range x {
			s[i] = jsonable(e)
		}
		return s
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Sprint(x)
		}
	}
	return v
}

func quoted(s string) string { return jsonOf(s) }
