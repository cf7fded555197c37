package linear

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/trainer/model/safetensors"
)

func TestSaveAndLoad(t *testing.T) {
	rows := topicRows(200, .1, 1)
	for _, multi := range []bool{false, true} {
		c := small()
		c.MultiLabel, c.Calibrate = multi, true
		m, _ := mustTrain(t, rows, c)
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		l, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := m.Predict(texts(rows)), l.Predict(texts(rows)); !slices.Equal(a.Values, b.Values) || !slices.Equal(a.Labels, b.Labels) {
			t.Errorf("multi %v: the loaded model predicts otherwise", multi)
		}
		again := path + "2"
		if err := l.Save(again); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(path)
		b, _ := os.ReadFile(again)
		if !bytes.Equal(a, b) {
			t.Errorf("multi %v: saved again, the file differs", multi)
		}
	}
}

func TestLoadRefusesOthers(t *testing.T) {
	m, _ := mustTrain(t, topicRows(40, 0, 1), small())
	path := filepath.Join(t.TempDir(), "m")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	nan := bytes.Clone(good)
	copy(nan[len(nan)-4:], []byte{0, 0, 0xc0, 0x7f})
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"cut":          {good[:len(good)-3], ""},
		"other format": {bytes.Replace(good, []byte("hashed-ngrams/1"), []byte("hashed-ngrams/9"), 1), `format "hashed-ngrams/9"`},
		"other model":  {bytes.Replace(good, []byte(metaKey), []byte("sluice.circle"), 1), "no linear model"},
		"no bias":      {bytes.Replace(good, []byte(`"bias"`), []byte(`"bibs"`), 1), "bias"},
		"not finite":   {nan, "NaN"},
	} {
		if err := os.WriteFile(path, c.b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want the path and %q in it", name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	m, _, err := Train(f.Context(), topicRows(16, 0, 1), Config{Bits: 10, Words: 1, C: 1, Folds: 2, Iterations: 5, Tolerance: 1e-2})
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "m")
	if err := m.Save(path); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := safetensors.Parse("fuzz", b)
		if err != nil {
			return
		}
		if m, err := read(file); err == nil {
			m.Predict([]string{"a text of some words"})
		}
	})
}
