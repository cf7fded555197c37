//go:build unix

package model

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/trainer/kernel"
	"sluice/trainer/tensor"
	"sluice/trainer/usage"
)

// resident is the memory of this process now, in MB; 0 where the system does not say.
func resident() float64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(b))[1], 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / 1e6
}

// precision names the operands of matrix products.
func precision(bf16 bool) string {
	if bf16 {
		return "bf16"
	}
	return "fp32"
}

// BenchmarkStep is a full training step: forward, backward, clipping, AdamW.
func BenchmarkStep(b *testing.B) {
	small := Config{Family: GPT2, Head: CausalLM, Vocab: 8192, Hidden: 384, Layers: 6, Heads: 6, Positions: 256}
	smol := Config{Family: Llama, Head: CausalLM, Vocab: 49152, Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, FFN: 1536, Positions: 256}
	set, err := kernel.Default()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		config         Config
		batch, threads int
		bf16           bool
	}{{"gpt14M", small, 16, 1, false}, {"gpt14M", small, 16, 2, false}, {"llama135M", smol, 4, 2, false},
		{"gpt14M", small, 16, 1, true}, {"gpt14M", small, 16, 2, true}, {"llama135M", smol, 4, 2, true}} {
		b.Run(fmt.Sprintf("%s/%s/threads%d", c.name, precision(c.bf16), c.threads), func(b *testing.B) {
			m, err := New(c.config, 1)
			if err != nil {
				b.Fatal(err)
			}
			in := Input{Batch: c.batch, Time: 256}
			for i := range in.Batch * in.Time {
				in.IDs = append(in.IDs, int32(i*7919%c.config.Vocab))
			}
			e := tensor.NewCPU(tensor.Options{Set: set, Threads: c.threads, BF16: c.bf16})
			f := func(g *tensor.Graph) *tensor.Tensor { return m.Loss(g, in, Targets{Tokens: in.IDs}) }
			plan, err := e.Plan(f)
			if err != nil {
				b.Fatal(err)
			}
			e.Reserve(plan)
			opt := adamW{AdamW: kernel.AdamW{LR: 1e-4, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .1}}
			var update time.Duration
			step := func() {
				if _, err := e.Step(tensor.Key{Seed: 1, Step: uint64(opt.steps)}, f); err != nil {
					b.Fatal(err)
				}
				start := usage.CPU()
				opt.step(e.Set(), m.Tensors(), 1)
				update += usage.CPU() - start
			}
			step() // moments and gradients come to be
			update = 0
			b.ReportAllocs()
			start := usage.CPU()
			for b.Loop() {
				step()
			}
			spent := (usage.CPU() - start).Seconds()
			tokens := float64(b.N * len(in.IDs))
			b.ReportMetric(tokens/spent, "tokens/cpu-s")
			b.ReportMetric(tokens/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(resident(), "MB-resident")
			b.ReportMetric(float64(plan.Arena)/1e6, "MB-arena")
			b.ReportMetric(update.Seconds()/spent*100, "%update")
		})
	}
}

// BenchmarkForward is inference of an encoder of MiniLM's shape on 32 sequences of 128 tokens.
func BenchmarkForward(b *testing.B) {
	set, err := kernel.Default()
	if err != nil {
		b.Fatal(err)
	}
	m, err := New(Config{Family: BERT, Head: Body, Vocab: 30522, Hidden: 384, Layers: 6, Heads: 12}, 1)
	if err != nil {
		b.Fatal(err)
	}
	in := Input{Batch: 32, Time: 128}
	for i := range in.Batch * in.Time {
		in.IDs = append(in.IDs, int32(i*7919%m.Config.Vocab))
	}
	for _, c := range []struct {
		threads int
		bf16    bool
	}{{1, false}, {2, false}, {1, true}, {2, true}} {
		b.Run(fmt.Sprintf("%s/threads%d", precision(c.bf16), c.threads), func(b *testing.B) {
			e := tensor.NewCPU(tensor.Options{Set: set, Threads: c.threads, BF16: c.bf16})
			run := func() {
				if err := e.Infer(func(g *tensor.Graph) { m.Pool(g, in, PoolMean) }); err != nil {
					b.Fatal(err)
				}
			}
			run()
			b.ReportAllocs()
			start := usage.CPU()
			for b.Loop() {
				run()
			}
			n := float64(b.N * in.Batch)
			b.ReportMetric(n/(usage.CPU()-start).Seconds(), "sequences/cpu-s")
			b.ReportMetric(n/b.Elapsed().Seconds(), "sequences/s")
			b.ReportMetric(resident(), "MB-resident")
		})
	}
}

// BenchmarkGenerate is one token at a time of a model of 135M weights.
func BenchmarkGenerate(b *testing.B) {
	m, err := New(Config{Family: Llama, Head: CausalLM, Vocab: 49152, Hidden: 576, Layers: 30, Heads: 9, KVHeads: 3, FFN: 1536, Positions: 512}, 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, prompts := range []int{1, 8} {
		b.Run(fmt.Sprintf("prompts%d", prompts), func(b *testing.B) {
			e := cpu(b, 2)
			ids := make([][]int32, prompts)
			for i := range ids {
				ids[i] = []int32{1, 2, int32(i)}
			}
			for b.Loop() {
				if _, err := m.Generate(b.Context(), e, ids, Sampling{MaxTokens: 16}, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(16*prompts*b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
