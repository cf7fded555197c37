package prompt

import (
	"fmt"
	"time"

	structures "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// bounds keep a template from eating the machine. Without loops and calls a template is a straight
// line, so bounding loop steps, call depth and the size of what is kept bounds the whole.
type bounds struct {
	source   int           // bytes of the template
	output   int           // bytes rendered, and of each value that a template keeps
	steps    int           // rounds of all loops together
	span     int           // numbers in one range
	depth    int           // calls of macros inside one another
	nesting  int           // brackets and tags inside one another
	words    int           // tokens in one tag
	time     time.Duration // 0: none, so that equal inputs never differ
	multiply bool          // whether * and ** may be used
}

var (
	trustedBounds = bounds{source: 1 << 20, output: 64 << 20, steps: 1_000_000, span: 1_000_000, depth: 100, nesting: 100, words: 2000, multiply: true}
	chatBounds    = bounds{source: 128 << 10, output: 4 << 20, steps: 100_000, span: 100_000, depth: 50, nesting: 50, words: 1000,
		time: 5 * time.Second}
)

// guard counts what one rendering has used. It travels in the template's variables under a name that no template can write.
type guard struct {
	bounds
	used     int // steps
	inside   int // calls
	deadline time.Time
	err      error // what ended the rendering
}

const guardName = "\x00guard"

func guardOf(r *exec.Renderer) *guard {
	v, _ := r.Environment.Context.Get(guardName)
	g, _ := v.(*guard)
	return g
}

func (g *guard) step() error {
	if g.used++; g.used > g.steps {
		return &Error{Message: fmt.Sprintf("more than %d loop steps", g.steps)}
	}
	if g.used%256 == 0 && !g.deadline.IsZero() && time.Now().After(g.deadline) {
		return &Error{Message: fmt.Sprintf("rendering takes longer than %s", g.time)}
	}
	return nil
}

// A check is a node that the tags below plant into bodies: it renders nothing and may end the rendering.
type check struct {
	at  *tokens.Token
	run func(*guard, *exec.Renderer) error
}

func (c *check) Position() *tokens.Token { return c.at }
func (c *check) String() string          { return "bounds" }
func (c *check) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	g := guardOf(r)
	if g == nil {
		return nil
	}
	return g.note(c.run(g, r))
}

// note keeps the first error, for the engine may turn it into text on its way out.
func (g *guard) note(err error) error {
	if g.err == nil {
		g.err = err
	}
	return g.err
}

func (c *check) node() nodes.Node {
	return &nodes.ControlStructureBlock{Location: c.at, Name: "bounds", ControlStructure: c}
}

// guardedFor counts the rounds of a loop.
func guardedFor(inner parser.ControlStructureParser) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		at := p.Current()
		s, err := inner(p, args)
		f, ok := s.(*structures.ForControlStructure)
		if err != nil || !ok {
			return s, err
		}
		if f.Recursive {
			return nil, args.Error("recursive loops are not supported: use a macro", at)
		}
		c := &check{at, func(g *guard, _ *exec.Renderer) error { return g.step() }}
		f.BodyWrapper.Nodes = append([]nodes.Node{c.node()}, f.BodyWrapper.Nodes...)
		return f, nil
	}
}

// guardedMacro counts how deep macros call one another, and what they render.
func guardedMacro(inner parser.ControlStructureParser) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		at := p.Current()
		s, err := inner(p, args)
		m, ok := s.(*structures.MacroControlStructure)
		if err != nil || !ok {
			return s, err
		}
		enter := &check{at, func(g *guard, _ *exec.Renderer) error {
			if g.inside++; g.inside > g.depth {
				return &Error{Message: fmt.Sprintf("macros call one another more than %d deep", g.depth)}
			}
			return g.step()
		}}
		leave := &check{at, func(g *guard, r *exec.Renderer) error {
			g.inside--
			if w, ok := r.Output.(interface{ Len() int }); ok {
				return g.keep(w.Len())
			}
			return nil
		}}
		m.Wrapper.Nodes = append(append([]nodes.Node{enter.node()}, m.Wrapper.Nodes...), leave.node())
		return m, nil
	}
}

// A guardedSet bounds the size of what is kept under a name: doubling a string 40 times needs no loop.
type guardedSet struct {
	nodes.ControlStructure
	name string
}

func (s *guardedSet) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	if err := s.ControlStructure.(exec.ControlStructure).Execute(r, tag); err != nil {
		return err
	}
	g := guardOf(r)
	v, ok := r.Environment.Context.Get(s.name)
	if g == nil || !ok {
		return nil
	}
	value := exec.ToValue(v)
	if m, ok := value.Interface().(map[string]any); ok { // a namespace
		for _, e := range m {
			if err := g.note(g.keep(size(exec.ToValue(e)))); err != nil {
				return err
			}
		}
	}
	return g.note(g.keep(size(value)))
}

func guardSet(inner parser.ControlStructureParser) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		name := ""
		if t := args.Current(); t != nil {
			name = t.Val
		}
		s, err := inner(p, args)
		if err != nil {
			return nil, err
		}
		return &guardedSet{s, name}, nil
	}
}

// size is the bytes of a string or the elements of anything else.
func size(v *exec.Value) int {
	if v.IsString() {
		return len(v.String())
	}
	return v.Len()
}

func (g *guard) keep(size int) error {
	if size > g.output {
		return &Error{Message: fmt.Sprintf("a value is larger than %d", g.output)}
	}
	return nil
}

// capped is a writer with an end.
type capped struct {
	b   []byte
	max int
}

func (c *capped) Write(p []byte) (int, error) { return c.WriteString(string(p)) }

func (c *capped) WriteString(s string) (int, error) {
	if len(c.b)+len(s) > c.max {
		return 0, &Error{Message: fmt.Sprintf("the output is larger than %d bytes", c.max)}
	}
	c.b = append(c.b, s...)
	return len(s), nil
}
