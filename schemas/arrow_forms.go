package schemas

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// arrowTree converts a field of any Arrow schema. Dates and times become text in RFC 3339, decimals
// and half floats become floats, a map a list of key and value.
func arrowTree(name string, dt arrow.DataType, nullable bool) (*node, error) {
	n := &node{name: name, required: !nullable}
	switch x := dt.(type) {
	case arrow.ExtensionType:
		return arrowTree(name, x.StorageType(), nullable)
	case *arrow.DictionaryType:
		if x.ValueType.ID() != arrow.STRING && x.ValueType.ID() != arrow.LARGE_STRING {
			return nil, fmt.Errorf("type %s is not supported", dt)
		}
		n.kind = String
		return n, nil
	case *arrow.StructType:
		n.kind = Struct
		for _, f := range x.Fields() {
			p, err := arrowTree(f.Name, f.Type, f.Nullable)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			n.parts = append(n.parts, p)
		}
		return n, nil
	case arrow.ListLikeType:
		n.kind = List
		f := x.ElemField()
		e, err := arrowTree("element", f.Type, f.Nullable)
		n.parts = []*node{e}
		return n, err
	}
	switch id := dt.ID(); {
	case id == arrow.BOOL:
		n.kind = Bool
	case arrow.IsInteger(id):
		n.kind = Int
	case arrow.IsFloating(id), arrow.IsDecimal(id):
		n.kind = Float
	case arrow.IsBaseBinary(id), arrow.IsFixedSizeBinary(id), slices.Contains(arrowAsText, id):
		n.kind = String
	default:
		return nil, fmt.Errorf("type %s is not supported", dt)
	}
	return n, nil
}

// arrowAsText are the types without a scalar type of ours that their text stands for.
var arrowAsText = []arrow.Type{
	arrow.NULL, arrow.STRING_VIEW, arrow.BINARY_VIEW,
	arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.DURATION,
}

func arrowInt(a arrow.Array, i int) int64 {
	switch x := a.(type) {
	case *array.Int64:
		return x.Value(i)
	case *array.Int32:
		return int64(x.Value(i))
	case *array.Int16:
		return int64(x.Value(i))
	case *array.Int8:
		return int64(x.Value(i))
	case *array.Uint64:
		return int64(min(x.Value(i), math.MaxInt64))
	case *array.Uint32:
		return int64(x.Value(i))
	case *array.Uint16:
		return int64(x.Value(i))
	case *array.Uint8:
		return int64(x.Value(i))
	}
	panic(fmt.Sprintf("no integer in %s", a.DataType()))
}

func arrowFloat(a arrow.Array, i int) float64 {
	switch x := a.(type) {
	case *array.Float64:
		return x.Value(i)
	case *array.Float32:
		return float64(x.Value(i))
	case *array.Float16:
		return float64(x.Value(i).Float32())
	case *array.Decimal128:
		return x.Value(i).ToFloat64(x.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		return x.Value(i).ToFloat64(x.DataType().(*arrow.Decimal256Type).Scale)
	}
	panic(fmt.Sprintf("no float in %s", a.DataType()))
}

// arrowText copies the text out of the array, whose memory is released with its batch.
func arrowText(a arrow.Array, i int) string {
	switch x := a.(type) {
	case *array.String:
		return strings.Clone(x.Value(i))
	case *array.LargeString:
		return strings.Clone(x.Value(i))
	case *array.StringView:
		return strings.Clone(x.Value(i))
	case *array.Binary:
		return string(x.Value(i))
	case *array.LargeBinary:
		return string(x.Value(i))
	case *array.BinaryView:
		return string(x.Value(i))
	case *array.FixedSizeBinary:
		return string(x.Value(i))
	case *array.Dictionary:
		return arrowText(x.Dictionary(), x.GetValueIndex(i))
	case *array.Timestamp:
		unit := x.DataType().(*arrow.TimestampType).Unit
		return x.Value(i).ToTime(unit).UTC().Format(time.RFC3339Nano)
	case *array.Date32:
		return x.Value(i).ToTime().Format(time.DateOnly)
	case *array.Date64:
		return x.Value(i).ToTime().Format(time.DateOnly)
	}
	return a.ValueStr(i)
}
