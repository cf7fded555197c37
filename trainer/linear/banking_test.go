package linear

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// sharedRows reads a file text,category of the shared test data.
func sharedRows(t testing.TB, name string) []Row {
	t.Helper()
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	f, err := os.Open(filepath.Join(shared, "data", name))
	if os.IsNotExist(err) {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(z)
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for {
		f, err := r.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, Row{Text: f[0], Labels: []string{f[1]}})
	}
}

func evaluate(t testing.TB, m *Model, rows []Row) *Metrics {
	t.Helper()
	texts, truth := make([]string, len(rows)), make([][]string, len(rows))
	for i, r := range rows {
		texts[i], truth[i] = r.Text, r.Labels
	}
	got, err := Score(m.Predict(texts), truth)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// scikit-learn's LogisticRegression on word 1-2-grams reaches .9003 on this split.
func TestBanking77(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a model of 77 classes")
	}
	train, test := sharedRows(t, "banking77/train.csv.gz"), sharedRows(t, "banking77/test.csv.gz")
	m, r, err := Train(t.Context(), train, Default())
	if err != nil {
		t.Fatal(err)
	}
	got := evaluate(t, m, test)
	t.Logf("accuracy %.4f, macro-F1 %.4f, log-loss %.4f, ECE %.4f; %d features, %d iterations, gradient %.2g", got.Accuracy, got.MacroF1,
		got.LogLoss, got.ECE, r.Features, r.Iterations, r.Gradient)
	if got.Accuracy < .9 {
		t.Errorf("accuracy %.4f, want at least .9", got.Accuracy)
	}
}
