//go:build ignore

package main

import "math"

// A kernel is an elementwise loop over n floats, n a multiple of the vector width: pointers, then scalars, then results.
type kernel struct {
	name    string
	doc     string
	ptrs    []string // read or written, one vector per round each
	writes  string   // names of ptrs that the kernel writes, blank-separated
	scalars []string
	results []string // one accumulator each
	unroll  int      // rounds per loop, each with accumulators of its own
	pad     string   // what the short last vector is filled up with: "" zero, "-inf", a scalar's name, or "sum" (see wrappers.go)
	body    func(b *builder)
}

// The kinds of value: a temporary has one definition; constants, scalars and accumulators live for the whole loop.
const (
	temp = iota
	constant
	scalar
	accum
)

type value struct{ kind, id int }

type op struct {
	code string // load, store, add, sub, mul, div, fma, fnma, max, min, sqrt, toInt, toFloat, addInt, shl23, and, or, accAdd, accFMA, accMax
	dst  value
	ptr  int
	args []value
}

// A builder records the operations of one round.
type builder struct {
	k      *kernel
	ops    []op
	temps  int
	consts *[]uint32 // bits, shared by all kernels of a file
}

func (b *builder) emit(code string, args ...value) value {
	d := value{temp, b.temps}
	b.temps++
	b.ops = append(b.ops, op{code: code, dst: d, args: args})
	return d
}

func (b *builder) ptr(name string) int {
	for i, p := range b.k.ptrs {
		if p == name {
			return i
		}
	}
	panic(b.k.name + ": no pointer " + name)
}

func (b *builder) load(name string) value {
	v := b.emit("load")
	b.ops[len(b.ops)-1].ptr = b.ptr(name)
	return v
}

func (b *builder) store(name string, v value) {
	b.ops = append(b.ops, op{code: "store", ptr: b.ptr(name), args: []value{v}})
}

func (b *builder) s(name string) value {
	for i, p := range b.k.scalars {
		if p == name {
			return value{scalar, i}
		}
	}
	panic(b.k.name + ": no scalar " + name)
}

func (b *builder) c(f float32) value { return b.bits(math.Float32bits(f)) }

func (b *builder) bits(u uint32) value {
	for i, c := range *b.consts {
		if c == u {
			return value{constant, i}
		}
	}
	*b.consts = append(*b.consts, u)
	return value{constant, len(*b.consts) - 1}
}

func (b *builder) add(x, y value) value     { return b.emit("add", x, y) }
func (b *builder) sub(x, y value) value     { return b.emit("sub", x, y) }
func (b *builder) mul(x, y value) value     { return b.emit("mul", x, y) }
func (b *builder) div(x, y value) value     { return b.emit("div", x, y) }
func (b *builder) fma(x, y, z value) value  { return b.emit("fma", x, y, z) }  // x·y + z
func (b *builder) fnma(x, y, z value) value { return b.emit("fnma", x, y, z) } // z - x·y
func (b *builder) max(c, x value) value     { return b.emit("max", c, x) }     // a NaN in x stays
func (b *builder) min(c, x value) value     { return b.emit("min", c, x) }     // a NaN in x stays
func (b *builder) sqrt(x value) value       { return b.emit("sqrt", x) }
func (b *builder) toInt(x value) value      { return b.emit("toInt", x) } // to the nearest, ties to even
func (b *builder) toFloat(x value) value    { return b.emit("toFloat", x) }
func (b *builder) addInt(x, y value) value  { return b.emit("addInt", x, y) }
func (b *builder) shl23(x value) value      { return b.emit("shl23", x) }
func (b *builder) and(x, y value) value     { return b.emit("and", x, y) }
func (b *builder) or(x, y value) value      { return b.emit("or", x, y) }

func (b *builder) accAdd(i int, x value) {
	b.ops = append(b.ops, op{code: "accAdd", dst: value{accum, i}, args: []value{x}})
}
func (b *builder) accFMA(i int, x, y value) {
	b.ops = append(b.ops, op{code: "accFMA", dst: value{accum, i}, args: []value{x, y}})
}
func (b *builder) accMax(i int, x value) {
	b.ops = append(b.ops, op{code: "accMax", dst: value{accum, i}, args: []value{x}})
}

// lastUse gives for every temporary the index of the operation that reads it last.
func lastUse(ops []op) map[int]int {
	m := map[int]int{}
	for i, o := range ops {
		for _, a := range o.args {
			if a.kind == temp {
				m[a.id] = i
			}
		}
	}
	return m
}

// A file of registers: the lowest free one is handed out first.
type registers struct {
	free []bool
	of   map[int]int // temporary -> register
}

func newRegisters(n, reserved int) *registers {
	r := &registers{free: make([]bool, n), of: map[int]int{}}
	for i := reserved; i < n; i++ {
		r.free[i] = true
	}
	return r
}

func (r *registers) take() int {
	for i, f := range r.free {
		if f {
			r.free[i] = false
			return i
		}
	}
	panic("out of registers")
}

// An argument of the generated functions with its offset in the frame.
type frame struct {
	off  map[string]int
	size int
}

// layout places n, the pointers, the scalars and the results as Go's stack-based ABI does.
func layout(k kernel) frame {
	f := frame{off: map[string]int{"n": 0}, size: 8}
	for _, p := range k.ptrs {
		f.off[p] = f.size
		f.size += 8
	}
	for _, s := range k.scalars {
		f.off[s] = f.size
		f.size += 4
	}
	if len(k.results) > 0 {
		f.size = (f.size + 7) &^ 7
	}
	for _, r := range k.results {
		f.off[r] = f.size
		f.size += 4
	}
	return f
}
