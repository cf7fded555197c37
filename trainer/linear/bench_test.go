package linear

import "testing"

// Training and prediction on banking77: CPU seconds of the process, both threads counted.
func BenchmarkBanking77(b *testing.B) {
	train, test := sharedRows(b, "banking77/train.csv.gz"), sharedRows(b, "banking77/test.csv.gz")
	var m *Model
	b.Run("train", func(b *testing.B) {
		b.ReportAllocs()
		start := cpuTime()
		var r *Report
		for b.Loop() {
			m, r = mustTrain(b, train, Default())
		}
		b.ReportMetric((cpuTime()-start).Seconds()/float64(b.N), "cpu-s/op")
		b.ReportMetric(float64(r.Iterations), "iterations")
		b.ReportMetric(evaluate(b, m, test).Accuracy, "accuracy")
	})
	b.Run("predict", func(b *testing.B) {
		b.ReportAllocs()
		s := texts(test)
		start := cpuTime()
		for b.Loop() {
			m.Predict(s)
		}
		b.ReportMetric(float64(b.N*len(s))/(cpuTime()-start).Seconds(), "rows/cpu-s")
	})
}
