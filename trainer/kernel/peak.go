package kernel

import "time"

// Peak measures what one thread of this set can do at best: it runs nothing but independent fused multiply-adds for about d and gives
// floating-point operations per second (a fused multiply-add counts as two).
func (s Set) Peak(d time.Duration) float64 {
	const rounds = 20_000
	best := 0.0
	for end := time.Now().Add(d); ; {
		start := time.Now()
		per := s.spin(rounds)
		now := time.Now()
		best = max(best, float64(per)*rounds/now.Sub(start).Seconds())
		if now.After(end) {
			return best
		}
	}
}

// spinGo is the scalar probe: eight independent chains of multiply and add.
func spinGo(n int) int {
	a, b, c, d, e, f, g, h := float32(0), float32(1), float32(2), float32(3), float32(4), float32(5), float32(6), float32(7)
	for range n {
		a, b, c, d = a*.5+1, b*.5+1, c*.5+1, d*.5+1
		e, f, g, h = e*.5+1, f*.5+1, g*.5+1, h*.5+1
	}
	if a+b+c+d+e+f+g+h == -1 { // never: the chains tend to 2; the test keeps them alive
		return 0
	}
	return 16
}
