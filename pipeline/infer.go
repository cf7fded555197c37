package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/pipeline/catalog"
	"sluice/schemas"
)

// inferRows is how many rows of a source are read to find out its schema.
const inferRows = 1000

// Infer returns the schema of r's seeds: kind and user columns as declared, or else as the first 1,000 rows have them.
// Columns are in the recipe's order where declared, else by name. Rows of two types in one column, and a source of whose first rows none can be read, are
// errors; a single row that does not fit is not: it will be rejected.
func Infer(ctx context.Context, r *Recipe) (*schemas.Schema, error) {
	s := &r.Source
	files, err := r.sourceFiles()
	if err != nil {
		return nil, err
	}
	look, err := sample(ctx, files, s)
	if err != nil {
		return nil, err
	}
	schema := &schemas.Schema{Kind: s.Kind, Labels: s.Labels}
	if schema.Kind == "" {
		if schema.Kind, err = look.kind(&s.FileSpec); err != nil {
			return nil, err
		}
	}
	if err := look.present(&s.FileSpec, schema.Kind); err != nil {
		return nil, err
	}
	if len(s.Declared) > 0 {
		schema.Columns = s.Declared
	} else if err := look.columns(s, schema); err != nil {
		return nil, err
	}
	if err := schema.Validate(); err != nil {
		return nil, err
	}
	return schema, look.try(s, schema)
}

// sampled is what the first rows of a source are like.
type sampled struct {
	rows   []schemas.Row
	file   []sourceFile // of each row
	at     []int64      // its number there
	shapes map[string]*shape
	clash  map[string]error // first conflict of a column
	sealed *schemas.Schema  // of the dataset that the first row is from
}

// sample reads the first rows, across files where the first are short.
func sample(ctx context.Context, files []sourceFile, s *SourceSpec) (*sampled, error) {
	look := &sampled{shapes: map[string]*shape{}, clash: map[string]error{}}
	for _, f := range files {
		n := int64(0)
		if len(look.rows) == 0 {
			look.sealed = f.sealed
		}
		for row, err := range readRows(f, s) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("read source: %w", err)
			}
			look.add(row, f, n)
			if n++; len(look.rows) == inferRows {
				return look, nil
			}
		}
	}
	return look, nil
}

func (l *sampled) add(row schemas.Row, f sourceFile, n int64) {
	l.rows, l.file, l.at = append(l.rows, row), append(l.file, f), append(l.at, n)
	for column, v := range row.Values {
		sh := l.shapes[column]
		if sh == nil {
			sh = &shape{}
			l.shapes[column] = sh
		}
		if err := sh.add(column, v); err != nil && l.clash[column] == nil {
			l.clash[column] = fmt.Errorf("%w (%s, row %d: %s)", err, f.name, n+1, value(v))
		}
	}
}

// has reports whether a column was seen with a type, or at all where kinds is empty.
func (l *sampled) has(column string, kinds ...schemas.TypeKind) bool {
	sh, ok := l.shapes[column]
	return ok && (len(kinds) == 0 || slices.Contains(kinds, sh.kind))
}

// kind tells what the columns make of a row: conversations, preferences, labels or mere text, in this order.
func (l *sampled) kind(f *FileSpec) (schemas.Kind, error) {
	m := &f.Map
	switch {
	case l.sealed != nil && len(m.content()) == 0:
		return l.sealed.Kind, nil
	case m.Messages != "":
		return schemas.Chat, nil
	case m.Chosen != "" || m.Rejected != "":
		return schemas.Preference, nil
	case m.Labels != "":
		return schemas.Multi, nil
	case m.Label != "":
		return schemas.Labeled, nil
	case l.has("messages", schemas.List) && m.Text == "":
		return schemas.Chat, nil
	case l.has("chosen") && l.has("rejected") && m.Text == "":
		return schemas.Preference, nil
	case l.has("labels", schemas.List):
		return schemas.Multi, nil
	case l.has("label", schemas.String, schemas.Int, schemas.Bool):
		return schemas.Labeled, nil
	case m.Text != "" || l.has("text") || len(l.shapes) == 0:
		return schemas.Text, nil
	case l.has("conversations", schemas.List):
		return "", hinted("`map: {messages: conversations}`", "the source has no column messages, but conversations")
	}
	names := sortedKeys(l.shapes)
	return "", hinted(fmt.Sprintf("say which column is the text, such as `map: {text: %s}`", l.likeliest()),
		"the source has no column text, messages, or chosen and rejected; its columns are %s", strings.Join(names, ", "))
}

// likeliest is the column with the longest text in the first rows.
func (l *sampled) likeliest() string {
	best, most := "NAME", 0
	for _, column := range sortedKeys(l.shapes) {
		sum := 0
		for _, row := range l.rows {
			s, _ := row.Values[column].(string)
			sum += len(s)
		}
		if sum > most {
			best, most = column, sum
		}
	}
	return best
}

// present checks that the columns of the content, mapped or not, are there.
func (l *sampled) present(f *FileSpec, kind schemas.Kind) error {
	if len(l.shapes) == 0 {
		return nil // an empty source, or not one good row: try tells
	}
	from := contentColumns(f, kind)
	wanted := from.content()
	for _, name := range slices.Sorted(maps.Values(f.Map.Columns)) {
		wanted = append(wanted, name)
	}
	for _, name := range wanted {
		if l.has(name) || name == "prompt" && f.Map.Prompt == "" {
			continue
		}
		names := sortedKeys(l.shapes)
		hint := "its columns are " + strings.Join(names, ", ")
		if near := catalog.Nearest(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return &sourceError{fmt.Errorf("the source has no column %s in its first %d rows", name, len(l.rows)), hint, name}
	}
	return nil
}

// columns infers the user columns.
func (l *sampled) columns(s *SourceSpec, schema *schemas.Schema) error {
	from := contentColumns(&s.FileSpec, schema.Kind)
	content := from.content()
	if l.sealed != nil && l.sealed.Kind == schema.Kind && len(from.Columns) == 0 {
		schema.Columns = slices.Clone(l.sealed.Columns) // known exactly
		return nil
	}
	for _, column := range sortedKeys(l.shapes) {
		if slices.Contains(content, column) {
			continue
		}
		name := userName(&from, schema.Kind, column)
		if err := l.clash[column]; err != nil {
			return hinted("declare the type that its rows shall have, such as `columns: {"+name+": string}` (rows that do not fit are rejected; columns not declared need `extra: drop`)", "%w", err)
		}
		t, ok := l.shapes[column].settle()
		if !ok {
			continue // nothing but empty structs
		}
		schema.Columns = append(schema.Columns, schemas.Column{Name: name, Type: t})
	}
	slices.SortFunc(schema.Columns, func(a, b schemas.Column) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// try maps the sample. That not one row fits is a mistake of the recipe, not of the rows.
func (l *sampled) try(s *SourceSpec, schema *schemas.Schema) error {
	var first *Reject
	var m *mapper
	for i := range l.rows {
		if m == nil || m.file != l.file[i].name {
			m = newMapper(s, schema, l.file[i])
		}
		row := m.record(&l.rows[i], l.at[i])
		if row.Bad == nil {
			return nil
		}
		if first == nil {
			first = row.Bad
		}
	}
	if first == nil {
		return nil
	}
	hint := "look at map, columns and extra"
	if first.Reason == "unknown_column" {
		hint = "declare it under columns, or leave such columns out with `extra: drop`"
	}
	return hinted(hint, "none of the first %d rows can be read: %s, row %d: %s: %s",
		len(l.rows), first.Record.Origin.Source, first.Record.Origin.Row+1, first.Reason, first.Detail)
}
