package prompt

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// filterNames and testNames are what a template may use: those of Jinja2 that the engine has, less random, which would give other
// bytes on every run.
var (
	filterNames = []string{"abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
		"filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items", "join", "last", "length",
		"list", "lower", "map", "max", "min", "pprint", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select",
		"selectattr", "slice", "sort", "string", "striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper",
		"urlencode", "urlize", "wordcount", "wordwrap", "xmlattr"}
	testNames = []string{"boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped", "even", "false", "filter",
		"float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "none",
		"number", "odd", "sameas", "sequence", "string", "test", "true", "undefined", "upper"}
	// tagNames leaves out inheritance, includes, imports and translation: a prompt is one text.
	tagNames = []string{"for", "if", "set", "with", "macro", "call", "filter", "do", "break", "continue", "raw"}
)

// environment is what templates see. Nothing in it is shared with other templates but functions.
func environment(b bounds, functions map[string]any) *exec.Environment {
	filters := make(map[string]exec.FilterFunction, len(filterNames))
	for _, n := range filterNames {
		filters[n], _ = builtins.Filters.Get(n)
	}
	filters["tojson"], filters["items"], filters["reverse"] = toJSON, items, reverse

	tags := make(map[string]parser.ControlStructureParser, len(tagNames))
	for _, n := range tagNames {
		tags[n], _ = builtins.ControlStructures.Get(n)
	}
	tags["for"], tags["macro"], tags["set"] = guardedFor(tags["for"]), guardedMacro(tags["macro"]), guardSet(tags["set"])

	globals := map[string]any{"range": rangeOf(b.span), "dict": dict, "none": nil, "None": nil}
	for _, n := range []string{"namespace", "cycler", "joiner"} {
		globals[n], _ = builtins.GlobalFunctions.Get(n)
	}
	maps.Copy(globals, functions)

	methods := builtins.Methods
	methods.Dict = dictMethods()
	return &exec.Environment{
		Context:           exec.NewContext(globals),
		Filters:           exec.NewFilterSet(filters),
		Tests:             builtins.Tests,
		ControlStructures: exec.NewControlStructureSet(tags),
		Methods:           methods,
	}
}

// chatFunctions are what tokenizers add for chat templates.
func chatFunctions(now time.Time) map[string]any {
	return map[string]any{
		"raise_exception": func(_ *exec.Evaluator, p *exec.VarArgs) (*exec.Value, error) {
			return nil, &Error{Message: "the template refuses the conversation: " + p.First().String()}
		},
		"strftime_now": func(_ *exec.Evaluator, p *exec.VarArgs) (*exec.Value, error) {
			s, err := strftime(now, p.First().String())
			if err != nil {
				return nil, err
			}
			return exec.AsValue(s), nil
		},
	}
}

// strftime formats t by the directives of C that chat templates use.
func strftime(t time.Time, format string) (string, error) {
	layouts := map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'I': "03", 'p': "PM",
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'j': "002", 'e': "_2", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05"}
	var b []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b = append(b, format[i])
			continue
		}
		i++
		switch l, ok := layouts[format[i]]; {
		case format[i] == '%':
			b = append(b, '%')
		case ok:
			b = t.AppendFormat(b, l)
		default:
			return "", &Error{Message: fmt.Sprintf("strftime_now: unknown directive %%%c", format[i])}
		}
	}
	return string(b), nil
}

// rangeOf is range with an end: the engine's own feeds a channel that nobody closes when a loop breaks.
func rangeOf(span int) func(*exec.Evaluator, *exec.VarArgs) (*exec.Value, error) {
	return func(_ *exec.Evaluator, p *exec.VarArgs) (*exec.Value, error) {
		for _, a := range p.Args {
			if !a.IsInteger() {
				return nil, &Error{Message: "range wants whole numbers"}
			}
		}
		start, stop, step := 0, 0, 1
		switch len(p.Args) {
		case 1:
			stop = p.Args[0].Integer()
		case 2:
			start, stop = p.Args[0].Integer(), p.Args[1].Integer()
		case 3:
			start, stop, step = p.Args[0].Integer(), p.Args[1].Integer(), p.Args[2].Integer()
		default:
			return nil, &Error{Message: "range wants 1 to 3 numbers"}
		}
		if step == 0 {
			return nil, &Error{Message: "range with step 0"}
		}
		var list []any
		for i := start; (step > 0 && i < stop) || (step < 0 && i > stop); i += step {
			if len(list) == span {
				return nil, &Error{Message: fmt.Sprintf("range of more than %d numbers", span)}
			}
			list = append(list, i)
		}
		return exec.AsValue(list), nil
	}
}

// dict sorts its keyword arguments by name: the engine forgets their order.
func dict(_ *exec.Evaluator, p *exec.VarArgs) *exec.Value {
	d := exec.NewDict()
	for _, k := range slices.Sorted(maps.Keys(p.KwArgs)) {
		d.Pairs = append(d.Pairs, &exec.Pair{Key: exec.AsValue(k), Value: p.KwArgs[k]})
	}
	return exec.AsValue(d)
}

// reverse turns a list or a string around; the engine's own sorts it first.
func reverse(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
	switch {
	case in.IsError():
		return in
	case in.IsString():
		r := []rune(in.String())
		slices.Reverse(r)
		return exec.AsValue(string(r))
	case in.IsList():
		list := make([]any, in.Len())
		for i := range list {
			list[len(list)-1-i] = in.Index(i).Interface()
		}
		return exec.AsValue(list)
	}
	return exec.AsValue(&Error{Message: "reverse wants a list or a string"})
}

// items lists an object as pairs, in its order.
func items(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
	if in.IsError() || in.IsList() {
		return in
	}
	if !in.IsDict() {
		return exec.AsValue(&Error{Message: "items wants an object"})
	}
	return exec.AsValue(itemsOf(in))
}

func itemsOf(v *exec.Value) []any {
	list := []any{}
	for _, e := range entries(v) {
		list = append(list, []any{e.Key.Interface(), e.Value.Interface()})
	}
	return list
}

// dictMethods are the methods of objects that read; the engine's own lose the order of keys.
func dictMethods() *exec.MethodSet[map[string]any] {
	type self = map[string]any
	return exec.NewMethodSet(map[string]exec.Method[self]{
		"items": func(_ self, v *exec.Value, _ *exec.VarArgs) (any, error) { return itemsOf(v), nil },
		"keys": func(_ self, v *exec.Value, _ *exec.VarArgs) (any, error) {
			list := []any{}
			for _, e := range entries(v) {
				list = append(list, e.Key.Interface())
			}
			return list, nil
		},
		"values": func(_ self, v *exec.Value, _ *exec.VarArgs) (any, error) {
			list := []any{}
			for _, e := range entries(v) {
				list = append(list, e.Value.Interface())
			}
			return list, nil
		},
		"get": func(_ self, v *exec.Value, p *exec.VarArgs) (any, error) {
			if len(p.Args) < 1 || len(p.Args) > 2 {
				return nil, &Error{Message: "get wants a key and maybe a default"}
			}
			for _, e := range entries(v) {
				if e.Key.String() == p.Args[0].String() {
					return e.Value.Interface(), nil
				}
			}
			if len(p.Args) == 2 {
				return p.Args[1].Interface(), nil
			}
			return nil, nil
		},
	})
}
