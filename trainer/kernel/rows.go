package kernel

// chunk is the number of rows whose sum is taken by one thread; chunks are added in order, so that the bits do not depend on the threads.
const chunk = 64

// SumRows adds the sum of the rows of x, [rows,n], to dst.
func (t *Team) SumRows(dst, x []float32, rows, n int) {
	t.Reduce(rows, n, dst, func(part []float32, lo, hi int) {
		for i := lo; i < hi; i++ {
			t.set.Add(part, part, x[i*n:(i+1)*n])
		}
	})
}

// Reduce adds to dst what f adds up over chunks of 64 rows: f gets a zeroed part of length n for the rows [lo, hi). Parts are added in order.
func (t *Team) Reduce(rows, n int, dst []float32, f func(part []float32, lo, hi int)) {
	chunks := (rows + chunk - 1) / chunk
	if cap(t.partial) < chunks*n {
		t.partial = Floats(chunks * n)
	}
	parts := t.partial[:chunks*n]
	t.Each(chunks, func(_ *Worker, i int) {
		part := parts[i*n : (i+1)*n]
		clear(part)
		f(part, i*chunk, min(rows, (i+1)*chunk))
	})
	for i := range chunks {
		t.set.Add(dst[:n], dst[:n], parts[i*n:(i+1)*n])
	}
}
