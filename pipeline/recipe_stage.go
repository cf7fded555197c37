package pipeline

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"sluice/pipeline/catalog"
	"sluice/schemas"
)

// entry is a stage while it is read.
type entry struct {
	spec StageSpec
	name *yaml.Node // where the stage is named
	own  []field    // the component's keys, without those every stage takes
	all  []field    // both
	make func() any // a component with its defaults
	good bool       // its keys could be decoded
	some bool       // those that it has could be decoded: there are unknown ones beside them
}

// stages decodes the list of stages and checks each component on the schema that reaches it.
func (l *loader) stages() {
	list := resolve(lookup(l.top, "stages"))
	if isNull(list) {
		return
	}
	if list.Kind != yaml.SequenceNode {
		l.bad(list, "write each as `- filters/length: {min: 40}`", "stages is not a list")
		return
	}
	var entries []*entry
	ids := map[string]*yaml.Node{}
	uses := map[string]int{}
	for _, item := range list.Content {
		e := l.stage(item)
		if e == nil {
			continue
		}
		l.identify(e, uses, ids)
		entries = append(entries, e)
		l.recipe.Stages = append(l.recipe.Stages, e.spec)
		if len(l.problems) == 0 {
			l.canonicalStage(e)
		}
	}
	l.check(entries)
}

// stage decodes one item of the list: a component's name, alone or as the key of its settings.
func (l *loader) stage(item *yaml.Node) *entry {
	item = resolve(item)
	e := &entry{name: item}
	var settings *yaml.Node
	switch {
	case item.Kind == yaml.ScalarNode && !isNull(item):
	case item.Kind == yaml.MappingNode && len(item.Content) == 2 && item.Content[0].ShortTag() != "!!merge":
		e.name, settings = item.Content[0], item.Content[1]
	case item.Kind == yaml.MappingNode && len(item.Content) > 2:
		hint := "begin every stage with its own dash"
		if len(item.Content) > 2 && isNull(resolve(item.Content[1])) {
			hint = "indent the keys of " + item.Content[0].Value + " below it"
		}
		l.bad(item.Content[2], hint, "a stage has one name with its keys below it, not %d keys", len(item.Content)/2)
		return nil
	default:
		l.bad(item, "write it as `filters/length: {min: 40}`", "this is no stage")
		return nil
	}
	name := e.name.Value
	e.spec = StageSpec{Name: name, Line: e.name.Line, Column: e.name.Column}
	role, short, _ := strings.Cut(name, "/")
	e.spec.Role = Role(role)
	if e.make = l.o.Catalogs.find(e.spec.Role, short); e.make == nil {
		l.unknownStage(e.name, role, short)
		return nil
	}
	all, ok := fields(settings)
	if !ok {
		l.bad(settings, "write its keys in braces or indented below it", "%s wants keys with values", name)
		return nil
	}
	e.all = all
	common := yamlFields(reflect.TypeFor[StageKeys]())
	e.spec.Component = e.make()
	mine := yamlFields(structOf(e.spec.Component))
	var shared []field
	for _, f := range all {
		if _, ok := common[f.key.Value]; ok && mine[f.key.Value] == nil {
			shared = append(shared, f)
		} else {
			e.own = append(e.own, f)
		}
	}
	keys := StageKeys{MaxDepth: 1, On: OnAll}
	if _, ok := e.spec.Component.(Modeler); ok && e.spec.Role == Filters {
		keys.On = OnMade
	}
	l.strict(mapping(e.name, shared), &keys, name)
	l.shared(e, &keys, shared)
	l.component(e)
	return e
}

// component decodes the settings of e onto its defaults.
func (l *loader) component(e *entry) {
	if reflect.TypeOf(e.spec.Component).Kind() != reflect.Pointer { // nothing to decode onto
		for _, f := range e.own {
			l.bad(f.key, "", "unknown key %q: %s has none", f.key.Value, e.spec.Name)
		}
		e.good = len(e.own) == 0
		return
	}
	l.reader.common = sortedKeys(yamlFields(reflect.TypeFor[StageKeys]()))
	e.good = l.strict(mapping(e.name, e.own), e.spec.Component, e.spec.Name)
	l.reader.common = nil
	if !e.good {
		rest := e.make()
		e.some = l.lenient(mapping(e.name, e.own), rest) == nil
		if e.some {
			e.spec.Component = rest
		}
	}
}

// shared checks the keys that every stage takes.
func (l *loader) shared(e *entry, k *StageKeys, shared []field) {
	s := &e.spec
	s.ID, s.Workers, s.On, s.MaxDepth = k.Name, k.Workers, k.On, k.MaxDepth
	at := func(key string) *yaml.Node { return lookup(shared, key) }
	if k.Workers < 0 || k.Workers > 1<<16 {
		l.bad(at("workers"), "leave it out and sluice decides", "workers must be from 1 to %d", 1<<16)
	}
	if k.On != OnAll && k.On != OnMade {
		l.bad(at("on"), "", "on is %s or %s", OnAll, OnMade)
	}
	if n := at("max_depth"); n != nil && s.Role != Generators {
		l.bad(n, "", "max_depth is for generators: %s makes no records", s.Name)
	}
	if n := at("on"); n != nil && s.Role == Generators {
		l.bad(n, "use max_depth to let a generator act on made records too", "on is for filters and dedup")
	}
	if k.MaxDepth < 1 || k.MaxDepth > 100 {
		l.bad(at("max_depth"), "", "max_depth must be from 1 to 100")
	}
	if n := at("name"); n != nil && (k.Name == "" || strings.ContainsAny(k.Name, "#\x00\n") || k.Name == SourceStage) {
		l.bad(n, "", "a stage's name is a short text without #, and not %q", SourceStage)
	}
}

// identify gives a stage its identity: its name, with #2 for the second use of a component.
func (l *loader) identify(e *entry, uses map[string]int, ids map[string]*yaml.Node) {
	s := &e.spec
	if s.ID == "" {
		uses[s.Name]++
		s.ID = s.Name
		if n := uses[s.Name]; n > 1 {
			s.ID = fmt.Sprintf("%s#%d", s.Name, n)
		}
	}
	if first, taken := ids[s.ID]; taken {
		l.bad(e.name, "give one of them another `name:`", "two stages are called %s: the first is on line %d", s.ID, first.Line)
		return
	}
	ids[s.ID] = e.name
}

// find returns the constructor of a component, or nil.
func (c *Catalogs) find(role Role, name string) func() any {
	switch role {
	case Generators:
		return constructor(c.Generators, name)
	case Filters:
		return constructor(c.Filters, name)
	case Dedups:
		return constructor(c.Dedup, name)
	}
	return nil
}

func constructor[T any](c catalog.Catalog[T], name string) func() any {
	make, ok := c[name]
	if !ok {
		return nil
	}
	return func() any { return make() }
}

// names lists every stage name: filters/length.
func (c *Catalogs) names() []string {
	var all []string
	for _, n := range c.Generators.Names() {
		all = append(all, string(Generators)+"/"+n)
	}
	for _, n := range c.Filters.Names() {
		all = append(all, string(Filters)+"/"+n)
	}
	for _, n := range c.Dedup.Names() {
		all = append(all, string(Dedups)+"/"+n)
	}
	return all
}

func (l *loader) unknownStage(n *yaml.Node, role, short string) {
	all := l.o.Catalogs.names()
	hint := "sluice list shows all"
	if near := catalog.Nearest(n.Value, all); near != "" {
		hint = "did you mean " + near + "?"
	}
	for _, name := range all { // the right component under the wrong role, or under none
		if _, s, _ := strings.Cut(name, "/"); s == short || s == role && short == "" {
			hint = "did you mean " + name + "?"
		}
	}
	l.bad(n, hint, "there is no component %q", n.Value)
}

// structOf is the struct type behind a component; a component that is none has no keys.
func structOf(component any) reflect.Type {
	t := reflect.TypeOf(component)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return reflect.TypeFor[struct{}]()
	}
	return t
}

// passed returns the schema behind a stage: with the columns and scores it adds.
func (l *loader) passed(e *entry, s *schemas.Schema) *schemas.Schema {
	next := *s
	next.Columns = slices.Clone(s.Columns)
	if c, ok := e.spec.Component.(Columner); ok {
		for _, col := range c.Columns() {
			old, exists := next.Column(col.Name)
			switch {
			case !exists:
				next.Columns = append(next.Columns, col)
			case old.Type.String() != col.Type.String():
				l.bad(e.name, "rename one of them", "%s adds column %q as %s, but it is already %s", e.spec.ID, col.Name, col.Type, old.Type)
			}
		}
	}
	if c, ok := e.spec.Component.(Scorer); ok {
		next.Scores = append(slices.Clone(s.Scores), c.Scores()...)
		slices.Sort(next.Scores)
		next.Scores = slices.Compact(next.Scores)
	}
	if err := next.Validate(); err != nil && l.valid {
		l.bad(e.name, "", "%s: %v", e.spec.ID, err)
		l.valid = false // the stages behind it would only repeat it
	}
	return &next
}
