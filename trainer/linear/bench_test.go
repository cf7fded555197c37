package linear

import (
	"testing"

	"sluice/trainer/usage"
)

// Training and prediction on banking77: CPU seconds of the process, both threads counted.
func BenchmarkBanking77(b *testing.B) {
	train, test := sharedRows(b, "banking77/train.csv.gz"), sharedRows(b, "banking77/test.csv.gz")
	var m *Model
	b.Run("train", func(b *testing.B) {
		b.ReportAllocs()
		start := usage.CPU()
		var r *Report
		for b.Loop() {
			m, r = mustTrain(b, train, Default())
		}
		b.ReportMetric((usage.CPU()-start).Seconds()/float64(b.N), "cpu-s/op")
		b.ReportMetric(float64(r.Iterations), "iterations")
		b.ReportMetric(evaluate(b, m, test).Accuracy, "accuracy")
	})
	b.Run("predict", func(b *testing.B) {
		b.ReportAllocs()
		s := texts(test)
		start := usage.CPU()
		for b.Loop() {
			m.Predict(s)
		}
		b.ReportMetric(float64(b.N*len(s))/(usage.CPU()-start).Seconds(), "rows/cpu-s")
	})
}
