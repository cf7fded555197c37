package linear

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Small worlds of our own: every topic has words of its own, said with filler words that tell nothing.
var topics = map[string][]string{
	"lamp":   {"bulb", "shade", "glow", "switch", "dim", "flicker"},
	"garden": {"soil", "seedling", "prune", "hedge", "compost", "weed"},
	"train":  {"platform", "carriage", "rails", "timetable", "conductor", "ticket"},
	"bread":  {"dough", "yeast", "oven", "crust", "flour", "knead"},
}

var topicNames = []string{"bread", "garden", "lamp", "train"}

var filler = strings.Fields("the a my of when does it is will you please how can today about on in with for one more this that was not any some very")

func say(rng *rand.Rand, words ...string) string {
	var b []string
	for range 4 + rng.IntN(6) {
		b = append(b, filler[rng.IntN(len(filler))])
	}
	for _, w := range words {
		at := rng.IntN(len(b) + 1)
		b = append(b[:at], append([]string{w}, b[at:]...)...)
	}
	return strings.Join(b, " ")
}

// topicRows makes n rows, one topic each; of noise·100 % the topic's word is another topic's.
func topicRows(n int, noise float64, seed uint64) []Row {
	rng := rand.New(rand.NewPCG(seed, 1))
	rows := make([]Row, n)
	for i := range rows {
		label := topicNames[i%len(topicNames)]
		from := label
		if rng.Float64() < noise {
			from = topicNames[rng.IntN(len(topicNames))]
		}
		rows[i] = Row{Text: say(rng, topics[from][rng.IntN(6)]), Labels: []string{label}}
	}
	return rows
}

func small() Config {
	c := Default()
	c.Bits = 12
	return c
}

func mustTrain(t testing.TB, rows []Row, c Config) (*Model, *Report) {
	t.Helper()
	m, r, err := Train(t.Context(), rows, c)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

func TestLearnsTopics(t *testing.T) {
	m, r := mustTrain(t, topicRows(400, 0, 1), small())
	got := evaluate(t, m, topicRows(400, 0, 2))
	if got.Accuracy < .97 || !r.Converged {
		t.Errorf("accuracy %.3f, converged %v after %d iterations; want at least .97 on words seen in training", got.Accuracy, r.Converged, r.Iterations)
	}
	if p := m.Predict([]string{""}).Row(0); max(p[0], p[1], p[2], p[3]) > .35 {
		t.Errorf("a text without features has %v, want the even prior", p)
	}
}

func TestLearnsSeveralLabels(t *testing.T) {
	make := func(n int, seed uint64) (rows []Row) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for range n {
			var labels, words []string
			for _, l := range topicNames {
				if rng.IntN(3) == 0 {
					labels, words = append(labels, l), append(words, topics[l][rng.IntN(6)])
				}
			}
			rows = append(rows, Row{Text: say(rng, words...), Labels: labels})
		}
		return rows
	}
	c := small()
	c.MultiLabel, c.Calibrate = true, true
	m, r := mustTrain(t, make(600, 1), c)
	got := evaluate(t, m, make(400, 2))
	if got.MicroF1 < .95 || got.Accuracy < .85 {
		t.Errorf("micro-F1 %.3f, exact match %.3f, want at least .95 and .85", got.MicroF1, got.Accuracy)
	}
	if r.Held == nil || r.Temperature == 1 {
		t.Errorf("calibration left temperature %v and held-out metrics %v", r.Temperature, r.Held)
	}
}

// The same rows and configuration are the same bits on 1 and on 3 threads.
func TestThreadsDoNotMatter(t *testing.T) {
	rows := topicRows(700, .2, 3)
	c := small()
	c.C, c.Grid, c.Calibrate, c.Mixup = 0, []float64{1, 10}, true, .5
	c.Threads = 1
	a, ra := mustTrain(t, rows, c)
	c.Threads = 3
	b, rb := mustTrain(t, rows, c)
	if fmt.Sprint(a.weight, a.bias, a.temperature) != fmt.Sprint(b.weight, b.bias, b.temperature) || fmt.Sprint(ra.Tried) != fmt.Sprint(rb.Tried) {
		t.Error("1 and 3 threads give different models")
	}
	if pa, pb := a.Predict(texts(rows)), b.Predict(texts(rows)); fmt.Sprint(pa.Values) != fmt.Sprint(pb.Values) {
		t.Error("1 and 3 threads give different predictions")
	}
}

func texts(rows []Row) (s []string) {
	for _, r := range rows {
		s = append(s, r.Text)
	}
	return s
}

func TestRefusesBadRows(t *testing.T) {
	ok := topicRows(40, 0, 1)
	for name, c := range map[string]struct {
		change func([]Row, *Config) []Row
		want   string
	}{
		"no rows":        {func([]Row, *Config) []Row { return nil }, "nothing to learn from"},
		"one label":      {func(r []Row, _ *Config) []Row { return []Row{r[0], r[4]} }, "1 different labels"},
		"two labels":     {func(r []Row, _ *Config) []Row { r[3].Labels = []string{"a", "b"}; return r }, "row 3 has 2 labels"},
		"label twice":    {func(r []Row, c *Config) []Row { c.MultiLabel = true; r[2].Labels = []string{"a", "a"}; return r }, "row 2 has a label twice"},
		"weight":         {func(r []Row, _ *Config) []Row { r[5].Weight = -1; return r }, "row 5 has the weight -1"},
		"bits":           {func(r []Row, c *Config) []Row { c.Bits = 40; return r }, "bits: 40"},
		"no features":    {func(r []Row, c *Config) []Row { c.Words, c.CharMin, c.CharMax = 0, 0, 0; return r }, "no features"},
		"grid":           {func(r []Row, c *Config) []Row { c.C, c.Grid = 0, []float64{1, 1}; return r }, "ascending"},
		"too few to cut": {func(r []Row, c *Config) []Row { c.C = 0; return r[:3] }, "fewer families than folds"},
	} {
		rows, cfg := append([]Row{}, ok...), small()
		rows = c.change(rows, &cfg)
		if _, _, err := Train(t.Context(), rows, cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
}
