package schemas

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/parquet-go/parquet-go"
)

// want is the row that any reader should see: values of user columns and content, without the origin.
func want(s *Schema, r *Record) map[string]any {
	m := map[string]any{"id": r.ID.String()}
	switch s.Kind {
	case Text:
		m["text"] = r.Text
	case Multi:
		m["text"], m["labels"] = r.Text, wantWords(r.Labels)
	case Chat:
		m["messages"] = wantMessages(r.Messages)
	}
	for _, c := range s.Columns {
		m[c.Name] = full(c.Type, r.Columns[c.Name])
	}
	return m
}

func wantWords(ss []string) any {
	if len(ss) == 0 {
		return nil
	}
	var l []any
	for _, s := range ss {
		l = append(l, s)
	}
	return l
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func wantMessages(ms []Message) any {
	l := []any{}
	for _, m := range ms {
		var calls any
		for _, c := range m.ToolCalls {
			list, _ := calls.([]any)
			calls = append(list, map[string]any{"id": orNil(c.ID), "name": c.Name, "arguments": c.Arguments})
		}
		l = append(l, map[string]any{"role": m.Role, "content": m.Content, "name": orNil(m.Name),
			"tool_calls": calls, "tool_call_id": orNil(m.ToolCallID)})
	}
	return l
}

// full is v with every field of a struct present.
func full(t Type, v any) any {
	switch x := v.(type) {
	case []any:
		l := make([]any, len(x))
		for i := range x {
			l[i] = full(*t.Elem, x[i])
		}
		return l
	case map[string]any:
		m := make(map[string]any)
		for _, f := range t.Fields {
			m[f.Name] = full(f.Type, x[f.Name])
		}
		return m
	}
	return v
}

// TestParquetAgainstPeers reads random nested rows with two readers that are not ours: parquet-go's
// own reconstruction of Go values and Arrow's Parquet reader.
func TestParquetAgainstPeers(t *testing.T) {
	for _, kind := range []Kind{Text, Multi, Chat} {
		for seed := range uint64(8) {
			rnd := newRandom(100 + seed)
			s := rnd.schema(kind)
			rs := rnd.records(s, 300)
			path := writeShard(t, "parquet", s, WriteOptions{RowGroupBytes: 20 << 10}, rs)
			rows := make([]map[string]any, len(rs))
			for i, r := range rs {
				rows[i] = want(s, r)
			}
			t.Run(fmt.Sprint(kind, "/", seed, "/parquet-go"), func(t *testing.T) { same(t, rows, readByParquetGo(t, path, rows)) })
			t.Run(fmt.Sprint(kind, "/", seed, "/arrow"), func(t *testing.T) { same(t, rows, readByArrow(t, path, rows)) })
		}
	}
}

// only keeps the keys that want knows.
func only(like map[string]any, m map[string]any) map[string]any {
	out := make(map[string]any)
	for k := range like {
		out[k] = m[k]
	}
	return out
}

func readByParquetGo(t *testing.T, path string, rows []map[string]any) (got []map[string]any) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, _ := f.Stat()
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	in := parquet.NewGenericReader[any](pf, pf.Schema())
	defer in.Close()
	buf := make([]any, 1)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			got = append(got, only(rows[len(got)], plain(buf[0]).(map[string]any)))
			buf[0] = nil
		}
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// plain brings what parquet-go builds into our form: {"list": [{"element": x}]} is [x].
func plain(v any) any {
	switch x := v.(type) {
	case []byte:
		return string(x)
	case map[string]any:
		if l, ok := x["list"]; ok && len(x) == 1 {
			out := []any{}
			for _, e := range l.([]any) {
				out = append(out, plain(e.(map[string]any)["element"]))
			}
			return out
		}
		for k, e := range x {
			x[k] = plain(e)
		}
	}
	return v
}

func readByArrow(t *testing.T, path string, rows []map[string]any) (got []map[string]any) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 64}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := r.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	tr := array.NewTableReader(table, 64)
	defer tr.Release()
	for tr.Next() {
		rec := tr.Record()
		for i := range int(rec.NumRows()) {
			m := make(map[string]any)
			for c, f := range rec.Schema().Fields() {
				m[f.Name] = arrowAny(rec.Column(c), i)
			}
			got = append(got, only(rows[len(got)], m))
		}
	}
	return got
}

// arrowAny is written apart from the readers of this package, which it helps to judge.
func arrowAny(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch x := a.(type) {
	case *array.String:
		return strings.Clone(x.Value(i))
	case *array.Int64:
		return x.Value(i)
	case *array.Float64:
		return x.Value(i)
	case *array.Boolean:
		return x.Value(i)
	case *array.List:
		l := []any{}
		from, to := x.ValueOffsets(i)
		for k := from; k < to; k++ {
			l = append(l, arrowAny(x.ListValues(), int(k)))
		}
		return l
	case *array.Struct:
		m := make(map[string]any)
		for k, f := range x.DataType().(*arrow.StructType).Fields() {
			m[f.Name] = arrowAny(x.Field(k), i)
		}
		return m
	}
	panic(fmt.Sprintf("column of type %s", a.DataType()))
}

// TestParquetFooter pins what other tools look for: order of columns, features of the datasets library, page
// index, Bloom filter, creator, several bounded row groups.
func TestParquetFooter(t *testing.T) {
	s := &Schema{Kind: Chat, Columns: []Column{{"z", Type{Kind: Int}}, {"a", Type{Kind: List, Elem: &Type{Kind: String}}}}, Scores: []string{"q"}}
	path := writeShard(t, "parquet", s, WriteOptions{RowGroupBytes: 300 << 10}, newRandom(1).records(s, 4000))
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, _ := f.Stat()
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range pf.Root().Columns() {
		names = append(names, c.Name())
	}
	if got := strings.Join(names, " "); got != "id messages z a scores origin" {
		t.Errorf("columns are %s", got)
	}
	hf, _ := pf.Lookup("huggingface")
	for _, part := range []string{
		`{"info": {"features": {"id": {"dtype": "string", "_type": "Value"}, "messages": [{"role": {"dtype": "string", "_type": "Value"}`,
		`"z": {"dtype": "int64", "_type": "Value"}, "a": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"}`,
		`"scores": {"q": {"dtype": "float64", "_type": "Value"}}`,
	} {
		if !strings.Contains(hf, part) {
			t.Errorf("features lack %s:\n%s", part, hf)
		}
	}
	if by := pf.Metadata().CreatedBy; !strings.HasPrefix(by, "sluice") {
		t.Errorf("created by %q", by)
	}
	groups := pf.RowGroups()
	if len(groups) < 2 {
		t.Errorf("%d row groups, want several", len(groups))
	}
	if len(pf.ColumnIndexes()) == 0 || len(pf.OffsetIndexes()) == 0 {
		t.Error("no page index")
	}
	for i, g := range groups {
		if g.ColumnChunks()[0].BloomFilter() == nil {
			t.Errorf("row group %d has no Bloom filter on id", i)
		}
	}
}

// TestArrowLeaks writes and reads an Arrow file under an allocator that counts what is not released.
func TestArrowLeaks(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	rnd := newRandom(5)
	s := rnd.schema(Preference)
	rs := rnd.records(s, 200)
	l, err := newLayout(s, false)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.arrow")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newArrowEncoderIn(mem, f, l, WriteOptions{RowGroupBytes: 8 << 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := e.record(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(e.close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	a, err := openArrow(path, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	c := a.cursor(0, nil)
	defer c.close()
	for i := range 150 { // and leave in the middle
		tk, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.take(tk)
		if err != nil {
			t.Fatal(err)
		}
		same(t, rs[i], r)
	}
}
