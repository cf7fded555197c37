package kernel

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// cpuSeconds is the user and system time of this process.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

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
				b.Run(name, func(b *testing.B) { benchGemm(b, s, lay, d[0], d[1], d[2], 1) })
			}
		}
	}
}

// BenchmarkGemmThreads is the same product on two threads.
func BenchmarkGemmThreads(b *testing.B) {
	benchGemm(b, Available()[0], NN, 1024, 1024, 1024, 2)
}

// benchGemm reports floating-point operations per CPU second, and their share of the peak that the same run's probe finds.
func benchGemm(b *testing.B, s Set, lay Layout, m, n, k, threads int) {
	r := newRand(1)
	x, y, c := normal(r, m*k), normal(r, k*n), make([]float32, m*n)
	lda, ldb := k, n
	if lay == NT {
		ldb = k
	}
	if lay == TN {
		lda = m
	}
	t := NewTeam(s, threads)
	peak := s.Peak(20e6)
	b.ReportAllocs()
	start, rounds, fastest := cpuSeconds(), 0, time.Hour
	for b.Loop() {
		began := time.Now()
		t.Gemm(lay, m, n, k, x, lda, y, ldb, false, c, n)
		fastest = min(fastest, time.Since(began))
		rounds++
	}
	flops := 2 * float64(m) * float64(n) * float64(k) * float64(rounds) / (cpuSeconds() - start)
	peak = max(peak, s.Peak(20e6))
	b.ReportMetric(flops/1e9, "GFLOP/cpu-s")
	b.ReportMetric(flops/peak, "of-peak")
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)/fastest.Seconds()/peak/float64(threads), "best-of-peak")
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
