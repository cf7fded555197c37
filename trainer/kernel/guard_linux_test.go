package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded gives a copy of x that ends where an unreadable page begins: one float too far ends the test.
func guarded(t *testing.T, x []float32) []float32 {
	page := syscall.Getpagesize()
	size := (len(x)*4 + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip("no anonymous memory maps: ", err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	if err := syscall.Mprotect(mem[size:], syscall.PROT_NONE); err != nil {
		t.Skip("no page protection: ", err)
	}
	if len(x) == 0 {
		return nil
	}
	y := unsafe.Slice((*float32)(unsafe.Pointer(&mem[size-len(x)*4])), len(x))
	copy(y, x)
	return y
}

func TestGemmStaysInside(t *testing.T) {
	r := newRand(3)
	eachSet(t, func(t *testing.T, s Set) {
		team := NewTeam(s, 1)
		for _, d := range [][3]int{{1, 1, 1}, {3, 5, 7}, {7, 17, 9}, {13, 31, 15}, {14, 33, 16}, {29, 50, 65}, {32, 32, 32}, {48, 64, 96}} {
			m, n, k := d[0], d[1], d[2]
			a, b, c := guarded(t, normal(r, m*k)), guarded(t, normal(r, k*n)), guarded(t, normal(r, m*n))
			for _, lay := range []Layout{NN, NT, TN} {
				lda, ldb := k, n
				if lay == NT {
					ldb = k
				}
				if lay == TN {
					lda = m
				}
				for _, acc := range []bool{false, true} {
					team.workers[0].Gemm(lay, m, n, k, a, lda, b, ldb, acc, c, n)
					for _, p := range halfProducts {
						p.run(team, lay, m, n, k, a, lda, b, ldb, acc, c, n)
					}
				}
			}
		}
	})
}

func TestRowKernelsStayInside(t *testing.T) {
	r := newRand(4)
	eachSet(t, func(t *testing.T, s Set) {
		for n := 1; n <= 33; n++ {
			v := func() []float32 { return guarded(t, normal(r, n)) }
			x, y, g, c, d := v(), v(), v(), v(), v()
			mu, rs := s.LayerNorm(y, x, g, c, 1e-5)
			s.LayerNormBwd(d, y, x, g, v(), v(), mu, rs, true)
			s.RMSNormBwd(d, y, x, g, v(), s.RMSNorm(y, x, g, 1e-5), false)
			s.Softmax(y, x, 1)
			s.SoftmaxBwd(d, d, y, 1)
			s.GeluTanh(y, x)
			s.GeluErfBwdAdd(d, y, x)
			s.SwigluBwd(c, d, y, x, g)
			AdamW{LR: 1, Beta1: .9, Beta2: .9, Eps: 1}.Step(s, x, y, v(), make([]float32, n), 1, 1)
			if n%2 == 0 {
				s.Rope(y, x, g[:n/2], c[:n/2])
			}
		}
	})
}
