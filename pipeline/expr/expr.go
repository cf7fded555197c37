// Package expr evaluates short expressions over a record: conditions of filters, skips of dear columns, the rows that
// `sluice show` picks, derived columns. It is the only place that knows which expression language is used
// (expr-lang.org), and it tells templates, too, what a record's fields are called (see [Vars]).
//
//	label == "refund" && words >= 5 && scores.judge > 0.6 && not (text matches "(?i)sorry")
//
// Names and types are checked when a schema is known. Expressions are bounded in nodes and memory, have no clock and no
// random numbers, and change nothing.
//
//	expr.go   Program: compile, run
//	vars.go   the fields of a record by name, with their types
//	fault.go  errors with line, column and a hint
package expr

import (
	"fmt"
	"math"
	"slices"
	"sync"

	lang "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"sluice/schemas"
)

// Want is the type that an expression must have.
type Want int

const (
	Any    Want = iota // a value of any column type
	Bool               // a condition
	Number             // an integer or a float
	String
)

func (w Want) String() string {
	return [...]string{"any value", "a condition", "a number", "a string"}[w]
}

// Bounds of one expression: nodes of its tree, and elements that one evaluation may allocate.
const (
	maxNodes  = 1000
	maxMemory = 1_000_000
)

// Program is a compiled expression. It may be run concurrently.
type Program struct {
	src   string
	want  Want
	names []string // variables it reads
	prog  *vm.Program
	vms   sync.Pool
}

// Fields says which names an expression may use beyond those of every record.
type Fields struct {
	Schema *schemas.Schema  // types of columns and names of scores; nil: any name is taken for a column of any type
	Extra  []schemas.Column // more variables, such as columns made earlier in the same stage
}

// Compile checks and compiles src. Errors are of type [*Error].
func Compile(src string, want Want, f Fields) (*Program, error) {
	env, strict := environment(f)
	options := []lang.Option{lang.Env(env), lang.MaxNodes(maxNodes), lang.DisableBuiltin("now")}
	if !strict {
		options = append(options, lang.AllowUndefinedVariables())
	}
	switch want {
	case Bool:
		options = append(options, lang.AsBool())
	case Number:
		options = append(options, lang.AsFloat64())
	case String:
		options = append(options, lang.AsAny())
	}
	prog, err := lang.Compile(src, options...)
	if err != nil {
		return nil, fault(src, err, env)
	}
	tree, err := parser.Parse(src)
	if err != nil {
		return nil, fault(src, err, env)
	}
	names := &reads{bound: map[string]bool{}}
	ast.Walk(&tree.Node, names)
	p := &Program{src: src, want: want, names: names.list(), prog: prog}
	p.vms.New = func() any { return &vm.VM{MemoryBudget: maxMemory} }
	return p, nil
}

// Source returns the expression as it was written.
func (p *Program) Source() string { return p.src }

// Names returns the variables that the expression reads, sorted.
func (p *Program) Names() []string { return p.names }

// Bool runs a condition over a record. Null is not true: a condition that is null is false.
func (p *Program) Bool(r *schemas.Record) (bool, error) {
	v, err := p.Eval(fill(r, p.names))
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok && v != nil {
		return false, &Error{Source: p.src, Message: fmt.Sprintf("the condition is %T, not true or false", v)}
	}
	return b, nil
}

// Value runs the expression over a record.
func (p *Program) Value(r *schemas.Record) (any, error) { return p.Eval(fill(r, p.names)) }

// Eval runs the expression over named values. The result is a value that a column can hold: nil, bool, int64, float64, string,
// []any or map[string]any.
func (p *Program) Eval(vars map[string]any) (any, error) {
	m := p.vms.Get().(*vm.VM)
	defer p.vms.Put(m)
	v, err := m.Run(p.prog, vars)
	if err != nil {
		return nil, fault(p.src, err, nil)
	}
	v, err = column(v)
	if err != nil {
		return nil, &Error{Source: p.src, Message: err.Error()}
	}
	if _, ok := v.(string); p.want == String && !ok && v != nil {
		return nil, &Error{Source: p.src, Message: fmt.Sprintf("the value is %T, not a string", v), Hint: "convert it with string(…)"}
	}
	return v, nil
}

// column turns a result into the types that columns hold.
func column(v any) (any, error) {
	switch x := v.(type) {
	case nil, bool, int64, string:
		return v, nil
	case int:
		return int64(x), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("the value is %v, which cannot be stored", x)
		}
		return v, nil
	case []string:
		list := make([]any, len(x))
		for i, s := range x {
			list[i] = s
		}
		return list, nil
	case []any:
		list := make([]any, len(x))
		for i, e := range x {
			c, err := column(e)
			if err != nil {
				return nil, err
			}
			list[i] = c
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			c, err := column(e)
			if err != nil {
				return nil, err
			}
			m[k] = c
		}
		return m, nil
	}
	return nil, fmt.Errorf("the value is %T, which no column holds", v)
}

// reads collects free variables: identifiers that neither let nor a builtin's name binds.
type reads struct {
	names []string
	bound map[string]bool
}

func (r *reads) Visit(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		r.names = append(r.names, x.Value)
	case *ast.VariableDeclaratorNode:
		r.bound[x.Name] = true
	}
}

func (r *reads) list() []string {
	names := slices.DeleteFunc(r.names, func(n string) bool { return r.bound[n] })
	slices.Sort(names)
	return slices.Compact(names)
}

// typeOf maps a column's type to the language's. Every column may be null, which the checker does not know.
func typeOf(t schemas.Type) types.Type {
	switch t.Kind {
	case schemas.String:
		return types.String
	case schemas.Int:
		return types.Int64
	case schemas.Float:
		return types.Float64
	case schemas.Bool:
		return types.Bool
	case schemas.List:
		if t.Elem != nil {
			return types.Array(typeOf(*t.Elem))
		}
	case schemas.Struct:
		m := types.Map{}
		for _, f := range t.Fields {
			m[f.Name] = typeOf(f.Type)
		}
		return m
	}
	return types.Any
}
