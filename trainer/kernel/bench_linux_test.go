package kernel

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/trainer/usage"
)

func BenchmarkGemm(b *testing.B) {
	for _, s := range Available() {
		for _, d := range [][3]int{
			{256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {4096, 384, 384},
			{4096, 1536, 384}, {4096, 384, 1536}, {2048, 8192, 384}, {384, 1536, 4096},
		} {
			for _, lay := range []Layout{NN, NT, TN} {
				if s == Scalar && (lay != NN || d[0] != 512) {
					continue
				}
				name := fmt.Sprintf("%v/%s/%dx%dx%d", s, []string{"NN", "NT", "TN"}[lay], d[0], d[1], d[2])
				b.Run(name, func(b *testing.B) { benchGemm(b, s, lay, d[0], d[1], d[2], 1, false) })
			}
		}
	}
}

// BenchmarkGemmThreads is the same product on one and two threads: operations by CPU second must hardly fall.
func BenchmarkGemmThreads(b *testing.B) {
	for threads := 1; threads <= 2; threads++ {
		b.Run(fmt.Sprint("threads", threads), func(b *testing.B) { benchGemm(b, Available()[0], NN, 1024, 1024, 1024, threads, false) })
	}
}

// BenchmarkGemmBF16 is the product of rounded operands, rounding included; a share above 1 is a matrix unit's.
func BenchmarkGemmBF16(b *testing.B) {
	for _, d := range [][3]int{{512, 512, 512}, {1024, 1024, 1024}, {4096, 1536, 384}, {384, 1536, 4096}} {
		for _, lay := range []Layout{NN, NT, TN} {
			name := fmt.Sprintf("%s/%dx%dx%d", []string{"NN", "NT", "TN"}[lay], d[0], d[1], d[2])
			b.Run(name, func(b *testing.B) {
				if s := Available()[0]; !s.BF16() {
					b.Skip("no bfloat16 instructions")
				} else {
					benchGemm(b, s, lay, d[0], d[1], d[2], 1, true)
				}
			})
		}
	}
}

// threadSeconds is the time that this thread spent computing: unlike a clock it stands still while others have the CPU.
func threadSeconds() float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return float64(t.Nano()) / 1e9
}

// peakOfThread is Peak by the thread's own time.
func peakOfThread(s Set) (best float64) {
	const rounds = 5_000
	for range 60 {
		start := threadSeconds()
		per := s.spin(rounds)
		best = max(best, float64(per)*rounds/(threadSeconds()-start))
	}
	return best
}

// spread gives a copy of x in memory to compute on.
func spread(x []float32) []float32 {
	y := Floats(len(x))
	copy(y, x)
	return y
}

// leastShare of the peak is what the fastest of several products reaches at least, once all dimensions are 512 or more.
const leastShare = .6

// benchGemm reports floating-point operations per CPU second, and their share of the peak that the same run's probe finds: of all rounds, and of the
// fastest, which other programs disturb least. On one thread a share of the fastest below leastShare is a failure, unless others had the CPU: they
// share its caches.
func benchGemm(b *testing.B, s Set, lay Layout, m, n, k, threads int, bf16 bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := newRand(1)
	x, y, c := spread(normal(r, m*k)), spread(normal(r, k*n)), Floats(m*n)
	lda, ldb := k, n
	if lay == NT {
		ldb = k
	}
	if lay == TN {
		lda = m
	}
	t := NewTeam(s, threads)
	product := t.Gemm
	if bf16 {
		product = t.GemmBF16
	}
	product(lay, m, n, k, x, lda, y, ldb, false, c, n) // first touch
	peak := peakOfThread(s)
	b.ReportAllocs()
	start, rounds, fastest := usage.CPU().Seconds(), 0, math.Inf(1)
	for b.Loop() {
		began := threadSeconds()
		product(lay, m, n, k, x, lda, y, ldb, false, c, n)
		fastest = min(fastest, threadSeconds()-began)
		rounds++
	}
	flop := 2 * float64(m) * float64(n) * float64(k)
	spent := usage.CPU().Seconds() - start
	alone := spent > .9*b.Elapsed().Seconds()
	flops := flop * float64(rounds) / spent
	peak = max(peak, peakOfThread(s))
	b.ReportMetric(flops/1e9, "GFLOP/cpu-s")
	b.ReportMetric(flops/peak, "of-peak")
	if threads > 1 {
		return
	}
	best := flop / fastest / peak
	b.ReportMetric(best, "best-of-peak")
	if alone && s != Scalar && min(m, n, k) >= 512 && rounds >= 5 && best < leastShare {
		b.Errorf("%.2f of the peak, want at least %.2f", best, leastShare)
	}
}

// BenchmarkRows runs the row kernels on a row of 1024 floats, in the cache.
func BenchmarkRows(b *testing.B) {
	const n = 1024
	r := newRand(2)
	x, y, z, g, c := normal(r, n), normal(r, n), normal(r, n), normal(r, n), normal(r, n)
	o := AdamW{LR: 1e-3, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .1}
	m, v := make([]float32, n), make([]float32, n)
	for _, s := range Available() {
		for _, k := range []struct {
			name string
			run  func()
		}{
			{"Exp", func() { s.Exp(y, x) }}, {"Softmax", func() { s.Softmax(y, x, 1) }}, {"LayerNorm", func() { s.LayerNorm(y, x, g, c, 1e-5) }},
			{"LayerNormBwd", func() { s.LayerNormBwd(z, y, x, g, c, m, 0, 1, false) }}, {"RMSNorm", func() { s.RMSNorm(y, x, g, 1e-5) }},
			{"GeluTanh", func() { s.GeluTanh(y, x) }}, {"GeluTanhBwd", func() { s.GeluTanhBwd(z, y, x) }}, {"GeluErf", func() { s.GeluErf(y, x) }},
			{"SwigluBwd", func() { s.SwigluBwd(z, c, y, x, g) }}, {"AdamW", func() { o.Step(s, z, x, m, v, 1, 1) }}, {"Dot", func() { s.Dot(x, y) }},
		} {
			b.Run(fmt.Sprintf("%v/%s", s, k.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					k.run()
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gfloats/s")
			})
		}
	}
}
