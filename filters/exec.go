package filters

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice/pipeline"
	"sluice/schemas"
)

// Exec lets an outside program judge: any language can be a filter.
//
//   - filters/exec: {command: [python3, judge.py], scores: [toxicity], timeout: 5}
//
// The program reads JSON objects from its standard input, one a line, and writes one line for each to its standard output, at once (flush!) and
// in the same order. It gets the record as `sluice export` writes it to JSONL, and answers with
//
//	{"id": "…", "keep": true}
//	{"id": "…", "keep": false, "reason": "too_toxic", "detail": "…", "scores": {"toxicity": 0.9}, "columns": {"lang": "en"}, "text": "…"}
//
// id is that of the record. reason is a short word of a-z, 0-9 and _ (default: exec). Scores and columns must be declared here, because a dataset's columns are
// fixed before its first row. text, given for a kept record, replaces its text. Standard error is free for messages: its end is shown when
// something goes wrong.
//
// A row must depend on the record alone, for rows are spread over processes and asked again after a crash of sluice. A row that takes
// longer than timeout, or during which the program ends, fails with exec_timeout or exec_crash, and the program is started anew; after `restarts` such
// starts, or when it ends without ever having answered, the run stops. A program that cannot keep to this protocol stops the run at once. It runs in the recipe's
// folder with PATH, HOME, LANG, TMPDIR and what env gives, so that keys of models stay out of its reach, and its whole process group is
// ended with the run. A line is at most 16 MiB long.
//
// What the program's files hold is part of the recipe: after an edit the dataset is refused until --new, so that no two versions judge one
// dataset. These are the program, where it is named by a relative path, and the arguments that name a file; files says it better where the
// program reads others (modules, word lists), or where an argument names a file that it writes.
type Exec struct {
	Command   []string          `yaml:"command"`   // program and arguments
	Processes int               `yaml:"processes"` // how many run side by side
	Timeout   float64           `yaml:"timeout"`   // seconds for one row
	Restarts  int               `yaml:"restarts"`  // most starts after failures
	Env       map[string]string `yaml:"env"`       // more environment variables
	Declared  []string          `yaml:"scores"`    // names of the scores it gives
	Types     map[string]string `yaml:"columns"`   // names and types of the columns it gives: {lang: string}
	Sources   []string          `yaml:"files"`     // files its verdicts depend on, relative to the recipe. Default: those that command names; [] for none

	dir      string
	free     chan *process // those at rest; nil where one is to be started
	answered atomic.Bool   // the program has answered at least once
	fails    atomic.Int64  // starts after failures so far
	once     sync.Once
}

// Check finds a program that is not there and columns without a type.
func (e *Exec) Check(c pipeline.CheckEnv) error {
	var errs []error
	if len(e.Command) == 0 {
		errs = append(errs, wrong("command", "no command is given: write [python3, judge.py]"))
	} else if _, err := lookup(e.Command[0], c.Dir); err != nil {
		errs = append(errs, &pipeline.KeyError{Key: "command", Err: err})
	}
	if e.Processes < 1 || e.Processes > 256 {
		errs = append(errs, wrong("processes", "must be from 1 to 256"))
	}
	if !(e.Timeout > 0) {
		errs = append(errs, wrong("timeout", "must be above 0"))
	}
	if e.Restarts < 0 {
		errs = append(errs, wrong("restarts", "must not be negative"))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Types)) {
		if _, err := pipeline.ParseType(e.Types[name]); err != nil {
			errs = append(errs, wrong("columns", "%s: %w", name, err))
		}
	}
	for _, name := range e.Sources {
		if !isFile(inDir(name, c.Dir)) {
			errs = append(errs, wrong("files", "there is no file %s", name))
		}
	}
	return errors.Join(errs...)
}

// Files returns the files that the program's verdicts depend on.
func (e *Exec) Files(dir string) []string {
	if e.Sources != nil || len(e.Command) == 0 {
		return e.Sources
	}
	var files []string
	if name := e.Command[0]; strings.ContainsRune(name, filepath.Separator) && !filepath.IsAbs(name) {
		files = append(files, name)
	}
	for _, arg := range e.Command[1:] {
		if isFile(inDir(arg, dir)) {
			files = append(files, arg)
		}
	}
	return files
}

func inDir(name, dir string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// lookup finds the program: by PATH, or, when its name holds a separator, relative to the recipe.
func lookup(name, dir string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		name = inDir(name, dir)
	}
	return exec.LookPath(name)
}

// Scores returns the declared scores.
func (e *Exec) Scores() []string { return slices.Clone(e.Declared) }

// Columns returns the declared columns, by name.
func (e *Exec) Columns() []schemas.Column {
	var cols []schemas.Column
	for _, name := range slices.Sorted(maps.Keys(e.Types)) {
		if t, err := pipeline.ParseType(e.Types[name]); err == nil {
			cols = append(cols, schemas.Column{Name: name, Type: t})
		}
	}
	return cols
}

// Open makes room for the processes; each starts with its first row.
func (e *Exec) Open(_ context.Context, env *pipeline.Env) error {
	e.dir = env.Dir
	e.free = make(chan *process, e.Processes)
	for range e.Processes {
		e.free <- nil
	}
	return nil
}

// Judge sends r to a process and reads its verdict.
func (e *Exec) Judge(ctx context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	line, err := r.MarshalJSON()
	if err != nil {
		return pipeline.Keep, err
	}
	var p *process
	select {
	case p = <-e.free:
	case <-ctx.Done():
		return pipeline.Keep, ctx.Err()
	}
	if p == nil {
		if p, err = e.start(); err != nil {
			e.free <- nil
			return pipeline.Keep, err
		}
	}
	out, err := p.exchange(ctx, line, time.Duration(e.Timeout*float64(time.Second)))
	if err == nil {
		e.answered.Store(true)
		e.free <- p
		return e.verdict(r, out)
	}
	p.kill()
	e.free <- nil
	return pipeline.Keep, e.broken(ctx, p, err)
}

func (e *Exec) start() (*process, error) {
	path, err := lookup(e.Command[0], e.dir)
	if err != nil {
		return nil, err
	}
	return start(path, e.Command[1:], e.dir, e.Env)
}

// broken says what the end of a process means: the row's failure, or, too often or too early, the end of the run.
func (e *Exec) broken(ctx context.Context, p *process, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	name := strings.Join(e.Command, " ")
	if !e.answered.Load() && !errors.Is(err, errTimeout) {
		return fmt.Errorf("%s ended before its first answer: %w%s", name, err, p.said())
	}
	if e.fails.Add(1) > int64(e.Restarts) {
		return fmt.Errorf("%s failed more than %d times, the last time: %w%s", name, e.Restarts, err, p.said())
	}
	reason := "exec_crash"
	if errors.Is(err, errTimeout) {
		reason = "exec_timeout"
	}
	return schemas.Fail(reason, "%w%s", err, p.said())
}

// execAnswer is a line of the program.
type execAnswer struct {
	ID      string             `json:"id"`
	Keep    *bool              `json:"keep"`
	Reason  string             `json:"reason"`
	Detail  string             `json:"detail"`
	Scores  map[string]float64 `json:"scores"`
	Columns map[string]any     `json:"columns"`
	Text    *string            `json:"text"`
}

// verdict reads a line. What breaks the protocol is an error of the program, not of the row: it stops the run.
func (e *Exec) verdict(r *schemas.Record, line []byte) (pipeline.Verdict, error) {
	broke := func(format string, args ...any) (pipeline.Verdict, error) {
		return pipeline.Keep, fmt.Errorf("%s answered %s: %w", strings.Join(e.Command, " "), excerpt(line), fmt.Errorf(format, args...))
	}
	var a execAnswer
	d := json.NewDecoder(strings.NewReader(string(line)))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		return broke("no answer of this protocol: %w", err)
	}
	if a.ID != r.ID.String() {
		return broke("it is about another record than %s: one line for each record, in order, and nothing else on standard output", r.ID)
	}
	if a.Keep == nil {
		return broke("keep is missing")
	}
	v := pipeline.Verdict{Detail: a.Detail, Scores: a.Scores}
	for _, name := range slices.Sorted(maps.Keys(a.Scores)) {
		if !slices.Contains(e.Declared, name) {
			return broke("score %q is not declared under scores", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Columns)) {
		spec, ok := e.Types[name]
		if !ok {
			return broke("column %q is not declared under columns", name)
		}
		t, err := pipeline.ParseType(spec)
		if err != nil {
			return broke("%w", err)
		}
		x := columnValue(t, a.Columns[name])
		if err := t.Check(name, x); err != nil {
			return broke("%w", err)
		}
		if v.Columns == nil {
			v.Columns = map[string]any{}
		}
		v.Columns[name] = x
	}
	if !*a.Keep {
		if v.Reason = cmp.Or(a.Reason, "exec"); !isReason(v.Reason) {
			return broke("reason %q is no short word of a-z, 0-9 and _", v.Reason)
		}
		return v, nil
	}
	if a.Text != nil && *a.Text != r.Text {
		v.Revised = r.Clone()
		v.Revised.Text = *a.Text
	}
	return v, nil
}

// columnValue turns decoded JSON into the values of a column: numbers become integers where the type says so.
func columnValue(t schemas.Type, v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil && t.Kind == schemas.Int {
			return n
		}
		if f, err := x.Float64(); err == nil {
			return f
		}
	case []any:
		if t.Elem != nil {
			for i := range x {
				x[i] = columnValue(*t.Elem, x[i])
			}
		}
	case map[string]any:
		for _, f := range t.Fields {
			if e, ok := x[f.Name]; ok {
				x[f.Name] = columnValue(f.Type, e)
			}
		}
	}
	return v
}

func excerpt(line []byte) string {
	if len(line) > 200 {
		return fmt.Sprintf("%q …", line[:200])
	}
	return fmt.Sprintf("%q", line)
}

// Close ends all processes.
func (e *Exec) Close() error {
	e.once.Do(func() {
		for range cap(e.free) {
			if p := <-e.free; p != nil {
				p.end()
			}
		}
	})
	return nil
}
