package kernel

// Rope rotates one head: with d = len(x), the pair (x[j], x[j+d/2]) turns by the angle whose cosine and sine stand at j. y may be x.
// This is the half-split form that Hugging Face Llama uses (arXiv 2104.09864, "rotate_half"). Negative sines turn back.
func (s Set) Rope(y, x, cos, sin []float32) {
	h := len(x) / 2
	s.rope(y[:h], y[h:2*h], x[:h], x[h:2*h], cos[:h], sin[:h])
}
