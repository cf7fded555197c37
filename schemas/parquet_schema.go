package schemas

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// Keys in the footer of Parquet files and in the schema of Arrow files.
const (
	keySchema = "sluice.schema" // JSON of shardSchema: what the columns mean
	keyHF     = "huggingface"   // JSON features, as the datasets library writes and reads them
)

// shardSchema is the value of the key sluice.schema.
type shardSchema struct {
	Schema
	Rejects bool `json:"rejects,omitempty"`
}

// metadata returns the values of the keys for a layout.
func (l *layout) metadata() (schema, features string, err error) {
	b, err := json.Marshal(shardSchema{*l.schema, l.rejects})
	if err != nil {
		return "", "", err
	}
	return string(b), `{"info": {"features": ` + string(l.features()) + `}}`, nil
}

// layoutOf restores a layout from the value of the key sluice.schema.
func layoutOf(meta string) (*layout, error) {
	var s shardSchema
	if err := json.Unmarshal([]byte(meta), &s); err != nil {
		return nil, fmt.Errorf("key %s: %w", keySchema, err)
	}
	return newLayout(&s.Schema, s.Rejects)
}

// parquetSchema builds the columns of l in its own order.
func (l *layout) parquetSchema() *parquet.Schema {
	return parquet.NewSchema("sluice", newParquetGroup(l.roots))
}

func parquetNode(n *node) parquet.Node {
	var p parquet.Node
	switch n.kind {
	case String:
		p = parquet.String()
	case Int:
		p = parquet.Int(64)
	case Float:
		p = parquet.Leaf(parquet.DoubleType)
	case Bool:
		p = parquet.Leaf(parquet.BooleanType)
	case List:
		p = parquet.List(parquetNode(n.elem()))
	case Struct:
		p = newParquetGroup(n.parts)
	}
	switch {
	case n.repeats:
		p = parquet.Encoded(p, &parquet.RLEDictionary)
	case n.counts:
		p = parquet.Encoded(p, &parquet.DeltaBinaryPacked)
	}
	if n.required {
		return p
	}
	return parquet.Optional(p)
}

// parquetGroup is a parquet.Group that keeps its fields in the given order, which Group sorts by name.
type parquetGroup struct {
	parquet.Group
	fields []parquet.Field
}

func newParquetGroup(parts []*node) parquetGroup {
	g := parquetGroup{Group: parquet.Group{}}
	for _, n := range parts {
		p := parquetNode(n)
		g.Group[n.name] = p
		g.fields = append(g.fields, parquetField{p, n.name})
	}
	return g
}

func (g parquetGroup) Fields() []parquet.Field { return g.fields }

type parquetField struct {
	parquet.Node
	name string
}

func (f parquetField) Name() string { return f.name }

// Value is part of the interface for rows that are Go values; ours come as levels and values.
func (f parquetField) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}
