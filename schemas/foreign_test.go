package schemas

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	parquetgo "github.com/parquet-go/parquet-go"
)

// foreignRecord is two rows of types that sluice does not write itself, built by Arrow; the second is all null.
func foreignRecord(t *testing.T) arrow.Record {
	t.Helper()
	list := arrow.ListOf(arrow.PrimitiveTypes.Int8)
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	fields := []arrow.Field{
		{Name: "i32", Type: arrow.PrimitiveTypes.Int32}, {Name: "u8", Type: arrow.PrimitiveTypes.Uint8}, {Name: "u64", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32}, {Name: "f16", Type: arrow.FixedWidthTypes.Float16},
		{Name: "dec", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}}, {Name: "bin", Type: arrow.BinaryTypes.LargeString},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_ms}, {Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "list", Type: list}, {Name: "dict", Type: dict},
		{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64)},
	}
	for i := range fields {
		fields[i].Nullable = true
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	day := time.Date(2024, 2, 29, 12, 30, 0, 5e6, time.UTC)
	b.Field(0).(*array.Int32Builder).Append(-7)
	b.Field(1).(*array.Uint8Builder).Append(255)
	b.Field(2).(*array.Uint64Builder).Append(1 << 63)
	b.Field(3).(*array.Float32Builder).Append(0.5)
	b.Field(4).(*array.Float16Builder).Append(float16.New(-1.5))
	b.Field(5).(*array.Decimal128Builder).Append(decimal128.FromI64(-12345))
	b.Field(6).(*array.LargeStringBuilder).Append("text")
	b.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(day.UnixMilli()))
	b.Field(8).(*array.Date32Builder).Append(arrow.Date32FromTime(day))
	l := b.Field(9).(*array.ListBuilder)
	l.Append(true)
	l.ValueBuilder().(*array.Int8Builder).AppendValues([]int8{1, 0}, []bool{true, false})
	if err := b.Field(10).(*array.BinaryDictionaryBuilder).AppendString("word"); err != nil {
		t.Fatal(err)
	}
	m := b.Field(11).(*array.MapBuilder)
	m.Append(true)
	m.KeyBuilder().(*array.StringBuilder).Append("k")
	m.ItemBuilder().(*array.Int64Builder).Append(9)
	for _, f := range b.Fields() {
		f.AppendNull()
	}
	return b.NewRecord()
}

// TestForeignTypes reads the same rows from an Arrow file, an Arrow stream and a Parquet file that Arrow wrote.
func TestForeignTypes(t *testing.T) {
	rec := foreignRecord(t)
	defer rec.Release()
	want := map[string]any{
		"i32": int64(-7), "u8": int64(255), "u64": int64(1<<63 - 1), "f32": 0.5, "f16": -1.5, "dec": -123.45, "bin": "text",
		"ts": "2024-02-29T12:30:00.005Z", "day": "2024-02-29", "list": []any{int64(1), nil}, "dict": "word",
		"map": []any{map[string]any{"key": "k", "value": int64(9)}},
	}
	null := make(map[string]any)
	for k := range want {
		null[k] = nil
	}
	var stream, file, pq bytes.Buffer
	sw := ipc.NewWriter(&stream, ipc.WithSchema(rec.Schema()))
	fw, err := ipc.NewFileWriter(&offsetWriter{w: &file}, ipc.WithSchema(rec.Schema()), ipc.WithLZ4())
	if err != nil {
		t.Fatal(err)
	}
	pw, err := pqarrow.NewFileWriter(rec.Schema(), &pq, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write(arrow.Record) error
		Close() error
	}{sw, fw, pw} {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string][]byte{"stream.arrow": stream.Bytes(), "file.arrow": file.Bytes(), "x.parquet": pq.Bytes()} {
		var got []map[string]any
		for r, err := range ReadRows(put(t, name, data), ReadOptions{}) {
			if err != nil || r.Err != nil {
				t.Fatal(name, err, r.Err)
			}
			got = append(got, r.Values)
		}
		t.Run(name, func(t *testing.T) { same(t, []map[string]any{want, null}, got) })
	}
}

// TestForeignParquet reads what parquet-go makes of Go structs: repeated columns without a list annotation, UUIDs, times.
func TestForeignParquet(t *testing.T) {
	type row struct {
		Plain  []string  `parquet:"plain"`
		List   []int32   `parquet:"list,list"`
		UUID   [16]byte  `parquet:"uuid,uuid"`
		When   time.Time `parquet:"when,timestamp(microsecond)"`
		Nested []struct {
			A *int64 `parquet:"a,optional"`
		} `parquet:"nested"`
	}
	one := int64(1)
	var b bytes.Buffer
	w := parquetgo.NewGenericWriter[row](&b)
	in := row{Plain: []string{"a", "b"}, UUID: [16]byte{0xf8, 0x1d, 0x4f, 15: 0xf6}, When: time.Unix(0, 1000).UTC()}
	in.Nested = append(in.Nested, struct {
		A *int64 `parquet:"a,optional"`
	}{nil}, struct {
		A *int64 `parquet:"a,optional"`
	}{&one})
	if _, err := w.Write([]row{in, {List: []int32{3}, UUID: in.UUID, When: in.When}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	for r, err := range ReadRows(put(t, "x.parquet", b.Bytes()), ReadOptions{}) {
		if err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
		got = append(got, r.Values)
	}
	id, when := "f81d4f00-0000-0000-0000-0000000000f6", "1970-01-01T00:00:00.000001Z"
	same(t, []map[string]any{
		{"plain": []any{"a", "b"}, "list": []any{}, "uuid": id, "when": when, "nested": []any{map[string]any{"a": nil}, map[string]any{"a": int64(1)}}},
		{"plain": []any{}, "list": []any{int64(3)}, "uuid": id, "when": when, "nested": []any{}},
	}, got)
	if _, err := ReadShardSchema(put(t, "y.parquet", b.Bytes())); err == nil || !strings.Contains(err.Error(), "not a shard of sluice") {
		t.Errorf("a foreign file as shard: %v", err)
	}
}
