package kernel

// CrossEntropy gives the loss of one row of logits, (1-ε)(lse - z_t) + ε(lse - mean z), and lse = log Σ exp z.
// ε is label smoothing (arXiv 1512.00567, section 7).
func (s Set) CrossEntropy(z []float32, target int, smoothing float32) (loss, lse float32) {
	lse = s.LogSumExp(z)
	loss = lse - z[target]
	if smoothing > 0 {
		loss = (1-smoothing)*loss + smoothing*(lse-s.Sum(z)/float32(len(z)))
	}
	return loss, lse
}

// CrossEntropyBwd writes weight times the gradient of that loss, softmax(z) - (1-ε)·onehot(t) - ε/V, to dz (dz may be z).
func (s Set) CrossEntropyBwd(dz, z []float32, target int, smoothing, lse, weight float32) {
	s.expSum(dz, z, 1, -lse)
	dz = dz[:len(z)]
	s.Scale(dz, dz, weight)
	dz[target] -= weight * (1 - smoothing)
	if smoothing > 0 {
		share := weight * smoothing / float32(len(z))
		for i := range dz {
			dz[i] -= share
		}
	}
}
