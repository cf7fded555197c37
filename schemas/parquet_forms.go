package schemas

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// leafForm reads the values of a leaf column as the one Go type of its kind; nil is the plain form, a byte
// array for strings, an int64, a double.
type leafForm struct {
	text    func(v *parquet.Value) string
	integer func(v *parquet.Value) int64
	float   func(v *parquet.Value) float64
}

// formOf maps what Parquet files hold to the four scalar types: dates and times become text in
// RFC 3339, decimals and half floats become floats. The footer's logical type wins, since the library knows some by
// their physical type alone.
func formOf(t parquet.Type, footer format.LogicalType) (leafForm, TypeKind, error) {
	lt := footer.Value
	if known := t.LogicalType(); lt == nil && known != nil {
		lt = known.Value
	}
	if lt != nil {
		switch l := lt.(type) {
		case *format.DecimalType:
			return leafForm{float: decimal(t.Kind(), int(l.Scale))}, Float, nil
		case *format.DateType:
			return leafForm{text: func(v *parquet.Value) string {
				return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly)
			}}, String, nil
		case *format.TimestampType:
			unit := unitOf(l.Unit)
			return leafForm{text: func(v *parquet.Value) string { return instant(v.Int64(), unit) }}, String, nil
		case *format.TimeType:
			unit := unitOf(l.Unit)
			return leafForm{text: func(v *parquet.Value) string {
				n := v.Int64()
				if v.Kind() == parquet.Int32 {
					n = int64(v.Int32())
				}
				return time.Unix(0, 0).UTC().Add(time.Duration(n) * unit).Format("15:04:05.999999999")
			}}, String, nil
		case *format.IntType:
			if !l.IsSigned {
				return leafForm{integer: func(v *parquet.Value) int64 {
					if v.Kind() == parquet.Int32 {
						return int64(v.Uint32())
					}
					return int64(min(v.Uint64(), math.MaxInt64))
				}}, Int, nil
			}
		case *format.UUIDType:
			return leafForm{text: func(v *parquet.Value) string {
				h := hex.EncodeToString(v.ByteArray())
				return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
			}}, String, nil
		case *format.Float16Type:
			return leafForm{float: func(v *parquet.Value) float64 {
				b := v.ByteArray()
				return half(uint16(b[0]) | uint16(b[1])<<8)
			}}, Float, nil
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return leafForm{}, Bool, nil
	case parquet.Int32:
		return leafForm{integer: func(v *parquet.Value) int64 { return int64(v.Int32()) }}, Int, nil
	case parquet.Int64:
		return leafForm{}, Int, nil
	case parquet.Int96:
		return leafForm{text: func(v *parquet.Value) string {
			// Impala's timestamp: nanoseconds of the day, then the Julian day in the last word.
			x := v.Int96()
			const epoch = 2440588
			return time.Unix((int64(x[2])-epoch)*86400, int64(x[0])|int64(x[1])<<32).UTC().Format(time.RFC3339Nano)
		}}, String, nil
	case parquet.Float:
		return leafForm{float: func(v *parquet.Value) float64 { return float64(v.Float()) }}, Float, nil
	case parquet.Double:
		return leafForm{}, Float, nil
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return leafForm{}, String, nil
	}
	return leafForm{}, "", fmt.Errorf("type %s is not supported", t)
}

func unitOf(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

func instant(n int64, unit time.Duration) string {
	per := int64(time.Second / unit)
	return time.Unix(n/per, n%per*int64(unit)).UTC().Format(time.RFC3339Nano)
}

// decimal reads an unscaled integer, big-endian two's complement where it is bytes, and divides it by 10^scale.
func decimal(k parquet.Kind, scale int) func(*parquet.Value) float64 {
	by := math.Pow10(scale)
	switch k {
	case parquet.Int32:
		return func(v *parquet.Value) float64 { return float64(v.Int32()) / by }
	case parquet.Int64:
		return func(v *parquet.Value) float64 { return float64(v.Int64()) / by }
	}
	return func(v *parquet.Value) float64 {
		b := v.ByteArray()
		n := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		f, _ := new(big.Float).SetInt(n).Float64()
		return f / by
	}
}

// half converts an IEEE 754 number of 16 bits: sign, 5 bits of exponent, 10 of fraction.
func half(b uint16) float64 {
	sign, exp, frac := 1.0, int(b>>10&31), float64(b&1023)
	if b&0x8000 != 0 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}
