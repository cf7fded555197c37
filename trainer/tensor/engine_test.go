package tensor

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/kernel"
)

// TestPhilox has the known answers of the authors' test file (Random123, kat_vectors).
func TestPhilox(t *testing.T) {
	for _, c := range []struct{ in, want [6]uint32 }{
		{[6]uint32{}, [6]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[6]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}, [6]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[6]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0}, [6]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		var r [6]uint32
		r[0], r[1], r[2], r[3] = philox(c.in[0], c.in[1], c.in[2], c.in[3], c.in[4], c.in[5])
		if r != c.want {
			t.Errorf("philox %x is %x, want %x", c.in, r[:4], c.want[:4])
		}
	}
}

// TestDropoutShare: the share of zeros is p, the mean stays, and an element's fate does not depend on where a piece begins.
func TestDropoutShare(t *testing.T) {
	d := newDice(Key{1, 2}, 3, .25)
	f := make([]float32, 100_000)
	d.factors(f, 0)
	zeros := 0
	for i, v := range f {
		if v == 0 {
			zeros++
		} else if v != 1/float32(.75) {
			t.Fatalf("factor %d is %g", i, v)
		}
	}
	if share := float64(zeros) / float64(len(f)); math.Abs(share-.25) > .006 { // 4 standard deviations
		t.Errorf("%g of the elements dropped", share)
	}
	for _, first := range []int{1, 2, 3, 5, 98} {
		part := make([]float32, 10)
		d.factors(part, first)
		if !slices.Equal(part, f[first:first+10]) {
			t.Errorf("from %d on: %v, want %v", first, part, f[first:first+10])
		}
	}
	if y := NewCPU(Options{}).Infer(func(g *Graph) {
		if x := g.Input(f[:4], 4); g.Dropout(x, .5) != x {
			t.Error("dropout acts outside of training")
		}
	}); y != nil {
		t.Error(y)
	}
}

// TestPlan: the plan's figure is what a step uses, to the byte, with and without checkpoints; checkpoints save memory; a reserved arena never grows.
func TestPlan(t *testing.T) {
	b := newTestBlock(60, 6, 2, .1)
	emb := NewParam("emb", 101, 60)
	ids := make([]int32, 4*33)
	var sizes []int64
	for _, checkpoint := range []bool{false, true} {
		e := NewCPU(Options{Set: kernel.Available()[0], Threads: 2})
		f := b.network(emb, ids, ids, 4, 4, 33, checkpoint)
		p, err := e.Plan(f)
		if err != nil || p.Arena == 0 || p.Ops == 0 || p.Kernels == 0 {
			t.Fatalf("plan %+v, %v", p, err)
		}
		e.Reserve(p)
		var peak int
		if _, err := e.Step(Key{}, func(g *Graph) *Tensor { return f(g) }); err != nil {
			t.Fatal(err)
		}
		if e.mem.size*4 != int(p.Arena) && e.mem.size != slabSize {
			t.Errorf("checkpoint %v: planned %d bytes, the arena grew to %d", checkpoint, p.Arena, e.mem.size*4)
		}
		peak = stepPeak(t, e, f)
		if int64(peak)*4 != p.Arena {
			t.Errorf("checkpoint %v: planned %d bytes, used %d", checkpoint, p.Arena, peak*4)
		}
		sizes = append(sizes, p.Arena)
	}
	if sizes[1] > sizes[0]*2/3 {
		t.Errorf("checkpoints need %d bytes of %d", sizes[1], sizes[0])
	}
}

// stepPeak runs a step by hand and reads the arena before it is reset.
func stepPeak(t *testing.T, e *CPU, f func(*Graph) *Tensor) int {
	t.Helper()
	e.mem.reset()
	g := e.graph(Key{})
	g.train = true
	g.Backward(f(g))
	peak := e.mem.peak
	e.mem.reset()
	return peak
}

// TestArena: blocks never overlap, everything comes back, neighbours join.
func TestArena(t *testing.T) {
	var a arena
	a.reset()
	owner := map[int]int{}
	var held []block
	for i := range 900 {
		if n := i * 7919 % 3000; i%3 != 2 {
			b := a.alloc(n)
			for j := range b.n {
				if o, taken := owner[b.off+j]; taken {
					t.Fatalf("block %d overlaps block %d", i, o)
				}
				owner[b.off+j] = i
			}
			if len(b.data) != n {
				t.Fatalf("asked for %d, got %d", n, len(b.data))
			}
			held = append(held, b)
		} else {
			k := i * 31 % len(held)
			for j := range held[k].n {
				delete(owner, held[k].off+j)
			}
			a.release(held[k])
			held = slices.Delete(held, k, k+1)
		}
	}
	for _, b := range held {
		a.release(b)
	}
	if a.used != 0 || len(a.free) != len(a.slabs) {
		t.Errorf("%d floats used, %d spans in %d slabs", a.used, len(a.free), len(a.slabs))
	}
}

// TestNoGarbage: after the first step, steps take their tensors from the arena.
func TestNoGarbage(t *testing.T) {
	e := NewCPU(Options{Set: kernel.Available()[0]})
	b := newTestBlock(60, 6, 2, .1)
	emb := NewParam("emb", 101, 60)
	ids := make([]int32, 4*33)
	f := b.network(emb, ids, ids, 2, 4, 33, false)
	p, err := e.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	for i := range 4 {
		if i == 1 {
			runtime.ReadMemStats(&before)
		}
		if _, err := e.Step(Key{}, f); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if per := int64(after.TotalAlloc-before.TotalAlloc) / 3; per > p.Arena/50 {
		t.Errorf("a step leaves %d bytes of garbage, its arena has %d", per, p.Arena)
	}
}

func TestErrors(t *testing.T) {
	e := NewCPU(Options{Set: kernel.Available()[0]})
	w := NewParam("h.0.wq", 3, 4)
	var shape *ShapeError
	_, err := e.Step(Key{}, func(g *Graph) *Tensor { return g.Linear(g.Input(make([]float32, 6), 2, 3), w, nil) })
	if !errors.As(err, &shape) || !strings.Contains(err.Error(), "Linear: input [2 3] and weight h.0.wq [3 4] do not fit") {
		t.Errorf("wrong shape: %v", err)
	}
	_, err = e.Step(Key{}, func(g *Graph) *Tensor { return g.Mean(g.Embedding(w, []int32{1, 3}, 2)) })
	if err == nil || !strings.Contains(err.Error(), "index 3 at 1 is not in [0, 3) of h.0.wq") {
		t.Errorf("wrong index: %v", err)
	}
	w.Value()[5] = float32(math.NaN())
	e.SetCheck(true)
	var nan *NaNError
	_, err = e.Step(Key{}, func(g *Graph) *Tensor { return g.Mean(g.Linear(g.Input(make([]float32, 8), 2, 4), w, nil)) })
	if !errors.As(err, &nan) || nan.Op != "Linear" || nan.Near != "h.0.wq" {
		t.Errorf("NaN: %v", err)
	}
	if _, err := e.Step(Key{}, func(g *Graph) *Tensor { return nil }); err == nil {
		t.Error("a step without a loss succeeded")
	}
	if err := e.Infer(func(g *Graph) { g.Exp(g.Input([]float32{1}, 1)) }); err != nil {
		t.Errorf("after errors: %v", err)
	}
}
