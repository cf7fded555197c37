package trainer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/trainer/mask"
	"sluice/trainer/mix"
	"sluice/trainer/model"
	"sluice/trainer/tokenizer"
)

// Every task learns: the loss falls well below where it began.
func TestLossFalls(t *testing.T) {
	for name, c := range map[string]Config{
		"causal llama": tiny(t, Causal, sentences(200, 1)),
		"causal gpt2":  with(tiny(t, Causal, sentences(200, 1)), func(c *Config) { c.Model.Arch = "gpt2" }),
		"muon":         with(tiny(t, Causal, sentences(200, 1)), func(c *Config) { c.Optimizer.Name = "muon" }),
		"schedulefree": with(tiny(t, Causal, sentences(200, 1)), func(c *Config) { c.Optimizer.Name, c.Optimizer.LR = "schedulefree", 3e-3 }),
		"masked":       with(tiny(t, Masked, sentences(200, 1)), func(c *Config) { c.Steps = 150 }),
		"masked chars": with(tiny(t, Masked, sentences(200, 1)), func(c *Config) { c.Tokenizer.Train, c.Optimizer.Name, c.Steps = "chars", "muon", 150 }),
		"chat":         tiny(t, Chat, chats(64)),
		"classify":     with(tiny(t, Classify, labeled(200, 1)), func(c *Config) { c.Steps = 120 }),
		"decoder":      with(tiny(t, Classify, labeled(200, 1)), func(c *Config) { c.Model.Arch, c.Steps = "llama", 120 }),
		"multilabel":   with(tiny(t, Classify, labeled(200, 1)), func(c *Config) { c.MultiLabel, c.Steps = true, 150 }),
		"regress":      with(tiny(t, Regress, labeled(200, 1)), func(c *Config) { c.Target, c.Steps = "score", 120 }),
		"regularised": with(tiny(t, Classify, labeled(200, 1)), func(c *Config) {
			c.Steps, c.RDrop, c.Smoothing, c.EMA = 120, 1, .05, .95
			c.Dropout = Dropout{Hidden: .1, Attention: .1, Classifier: .1, Word: .05, Layer: .05}
		}),
		"ema, two pieces": with(tiny(t, Causal, sentences(200, 1)), func(c *Config) { c.EMA, c.Accumulate = .9, 2 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rep := train(t, c, Options{Dir: dir})
			if first := firstLoss(t, dir); !(rep.Validation.Loss < .7*first) {
				t.Errorf("validation loss %.3f, the first training loss was %.3f: want less than .7 of it", rep.Validation.Loss, first)
			}
			for _, file := range []string{"config.json", weightsFile, tokenizerFile, configFile, reportFile, reportText, reportPage, metricsFile} {
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func with(c Config, change func(*Config)) Config {
	change(&c)
	c.Mask = Masking{"token", mask.Catalog["token"]()}
	c.Mix = Mixing{"uniform", mix.Catalog["uniform"]()}
	return c
}

// A small model learns 32 conversations by heart, and a classifier 32 texts.
func TestOverfits(t *testing.T) {
	c := with(tiny(t, Chat, chats(32)), func(c *Config) {
		c.Validation.Share, c.Steps, c.Optimizer.LR, c.Optimizer.Decay, c.Eval.Every = 0, 600, 3e-3, 0, 600
		c.Validation.Path = c.Data[0].Path
	})
	if rep := train(t, c, Options{Dir: t.TempDir()}); rep.Validation.Loss > .05 {
		t.Errorf("chat: loss %.3f on what was learned, want below .05", rep.Validation.Loss)
	}
	c = with(tiny(t, Classify, labeled(32, 4)), func(c *Config) {
		c.Validation.Share, c.Steps = 0, 150
		c.Validation.Path = c.Data[0].Path
	})
	if rep := train(t, c, Options{Dir: t.TempDir()}); rep.Validation.Accuracy != 1 {
		t.Errorf("classify: accuracy %.3f on what was learned", rep.Validation.Accuracy)
	}
}

// The tokens of a prompt have no influence on the loss: only answers count.
func TestPromptTokensDoNotCount(t *testing.T) {
	c := with(tiny(t, Chat, chats(16)), func(c *Config) { c.Validation.Share = 0 })
	r, err := prepare(t.Context(), c, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if _, err := r.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := r.feed.Next(0)
	if err != nil {
		t.Fatal(err)
	}
	m := b.Micros[0]
	for row, pieces := range m.Pieces {
		for _, p := range pieces {
			var said []int32
			at := row*m.Time + p.At
			for i, target := range m.Targets[at : at+p.Len] {
				if target >= 0 {
					said = append(said, m.IDs[at+i])
				}
			}
			whole := r.tok.Decode(m.IDs[at:at+p.Len], false)
			answer := r.tok.Decode(said, false)
			_, want, _ := strings.Cut(whole, "<|im_start|>assistant\n")
			if want = strings.TrimSpace(want); answer != want {
				t.Fatalf("targets are %q of %q, want %q", answer, whole, want)
			}
		}
	}
}

// A run that is cut off after any step and started again ends in the bytes of one that was not.
func TestResumeIsExact(t *testing.T) {
	for name, c := range map[string]Config{
		"causal, dropout, ema": with(tiny(t, Causal, sentences(60, 3)), func(c *Config) {
			c.Dropout.Hidden, c.EMA, c.Accumulate, c.Dropout.Attention = .1, .9, 3, .1
		}),
		"muon, masked": with(tiny(t, Masked, sentences(60, 3)), func(c *Config) { c.Optimizer.Name = "muon" }),
		"classify, schedule-free, early stopping": with(tiny(t, Classify, labeled(60, 3)), func(c *Config) {
			c.Optimizer.Name, c.Stop.Patience, c.Dropout.Word = "schedulefree", 2, .1
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Steps, c.Eval.Every, c.Checkpoint.Every = 12, 4, 2
			whole := t.TempDir()
			train(t, with(c, func(*Config) {}), Options{Dir: whole})
			want := weights(t, whole)
			for k := 1; k < c.Steps; k++ {
				dir := t.TempDir()
				ctx, cancel := context.WithCancel(t.Context())
				_, err := Train(ctx, with(c, func(*Config) {}), Options{Dir: dir, Progress: func(s Step) {
					if s.Step == k {
						cancel()
					}
				}})
				if !errors.Is(err, context.Canceled) && err != nil {
					t.Fatal(err)
				}
				train(t, with(c, func(*Config) {}), Options{Dir: dir})
				if weights(t, dir) != want {
					t.Fatalf("cut off after step %d: other weights", k)
				}
			}
		})
	}
}

// A run that is asked to stop writes a checkpoint of that very step.
func TestStopAndResume(t *testing.T) {
	c := with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps = 15 })
	whole, dir := t.TempDir(), t.TempDir()
	train(t, with(c, func(*Config) {}), Options{Dir: whole})
	stop := make(chan struct{})
	_, err := Train(t.Context(), with(c, func(*Config) {}), Options{Dir: dir, Stop: stop, Progress: func(s Step) {
		if s.Step == 7 {
			close(stop)
		}
	}})
	if !errors.Is(err, ErrStopped) {
		t.Fatalf("got %v, want ErrStopped", err)
	}
	first := 0
	train(t, with(c, func(*Config) {}), Options{Dir: dir, Progress: func(s Step) {
		if first == 0 {
			first = s.Step
		}
	}})
	if first != 8 || weights(t, dir) != weights(t, whole) {
		t.Errorf("resumed with step %d, want 8; same weights: %v", first, weights(t, dir) == weights(t, whole))
	}
}

func TestThreadsDoNotMatter(t *testing.T) {
	for _, task := range []string{Causal, Masked, Classify} {
		rows := sentences(60, 3)
		if task == Classify {
			rows = labeled(60, 3)
		}
		var want string
		for _, threads := range []int{1, 2, 4} {
			dir := t.TempDir()
			train(t, with(tiny(t, task, rows), func(c *Config) {
				c.Optimizer.Name, c.Threads, c.Steps, c.Dropout.Hidden = "muon", threads, 8, .1
			}), Options{Dir: dir})
			if got := weights(t, dir); want == "" {
				want = got
			} else if got != want {
				t.Errorf("%s: %d threads give other weights", task, threads)
			}
		}
	}
}

// Early stopping goes back to the step with the best validation loss.
func TestEarlyStopRestoresBest(t *testing.T) {
	c := with(tiny(t, Classify, labeled(24, 9)), func(c *Config) {
		c.Validation = Validation{Path: jsonl(t, filepath.Join(t.TempDir(), "v.jsonl"), shuffled(labeled(30, 10))...)}
		c.Steps, c.Eval.Every, c.Stop.Patience, c.Optimizer.LR = 200, 5, 3, 2e-3
	})
	dir := t.TempDir()
	best, at := math.Inf(1), 0
	rep := train(t, c, Options{Dir: dir, Progress: func(s Step) {
		if s.Eval != nil && s.Eval.Loss < best {
			best, at = s.Eval.Loss, s.Step
		}
	}})
	if rep.Step == 200 || rep.Best != at || math.Abs(rep.Validation.Loss-best) > 1e-9 {
		t.Errorf("stopped after %d, went back to %d with validation loss %v; the best was step %d with %v", rep.Step, rep.Best, rep.Validation.Loss, at, best)
	}
}

// shuffled gives rows labels that nothing can predict.
func shuffled(rows []map[string]any) []map[string]any {
	for i := range rows {
		rows[i]["label"] = []string{"red", "green", "blue"}[i%3]
	}
	return rows
}

func TestFinishedRunGivesItsReport(t *testing.T) {
	c := with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Steps = 5 })
	dir := t.TempDir()
	first := train(t, with(c, func(*Config) {}), Options{Dir: dir})
	again := train(t, with(c, func(*Config) {}), Options{Dir: dir, Progress: func(Step) { t.Error("a finished run made a step") }})
	if again.Validation.Loss != first.Validation.Loss || again.String() != first.String() {
		t.Errorf("%v, want %v", again, first)
	}
	_, err := Train(t.Context(), with(c, func(c *Config) { c.Optimizer.LR = .5 }), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "optimizer.lr was 0.001, is 0.5") {
		t.Errorf("other settings give %v", err)
	}
	train(t, with(c, func(c *Config) { c.Optimizer.LR = .002 }), Options{Dir: dir, Fresh: true})
}

// A vocabulary of a run that never got to a checkpoint does not outlive a change of the recipe.
func TestVocabularyFollowsTheRecipe(t *testing.T) {
	dir := t.TempDir()
	for _, vocab := range []int{280, 290} {
		c := with(tiny(t, Causal, sentences(60, 3)), func(c *Config) { c.Tokenizer.Vocab = vocab })
		if _, err := Plan(t.Context(), c, Options{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Load(dir)
		if err != nil || tok.Vocab() != vocab {
			t.Fatalf("%d tokens, want %d (%v)", tok.Vocab(), vocab, err)
		}
	}
}

func TestEnsemble(t *testing.T) {
	c := with(tiny(t, Classify, labeled(120, 2)), func(c *Config) { c.Steps, c.Ensemble = 40, 3 })
	dir := t.TempDir()
	rep := train(t, c, Options{Dir: dir})
	e := rep.Ensemble
	if e == nil || len(e.Members) != 3 {
		t.Fatalf("%+v", e)
	}
	sum := 0.
	for _, m := range e.Members {
		sum += m.Validation.Loss / 3
	}
	if e.Validation.Loss > sum+1e-9 { // Jensen's inequality
		t.Errorf("the mean of predictions loses %.4f, the members on average %.4f", e.Validation.Loss, sum)
	}
	if weights(t, dir) != weights(t, filepath.Join(dir, fmt.Sprint("member-", e.Best))) {
		t.Error("the model is not the best member")
	}
	again := train(t, with(c, func(*Config) {}), Options{Dir: dir})
	if math.Abs(again.Ensemble.Validation.Loss-e.Validation.Loss) > 1e-9 {
		t.Errorf("again: %v, want %v", again.Ensemble.Validation.Loss, e.Validation.Loss)
	}
}

// What judges a trained ensemble asks all its members: on rows that the report was made of it says what the report says.
func TestEvaluateEnsemble(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) {},
		func(c *Config) { c.MultiLabel = true },
		func(c *Config) { c.Task, c.Target = Regress, "score" },
	} {
		c := with(tiny(t, Classify, labeled(90, 2)), func(c *Config) { c.Steps, c.Ensemble = 20, 3 })
		change(&c)
		c.Validation.Share, c.Validation.Path = 0, c.Data[0].Path
		dir := t.TempDir()
		rep := train(t, c, Options{Dir: dir})
		res, err := Evaluate(t.Context(), dir, c.Data, Options{})
		if err != nil || math.Abs(res.Loss-rep.Ensemble.Validation.Loss) > 1e-6 {
			t.Fatalf("%v, %v; the report says %v", res, err, rep.Ensemble.Validation.Loss)
		}
		if math.Abs(res.Loss-rep.Validation.Loss) < 1e-9 {
			t.Error("the best member alone does as well to nine digits")
		}
	}
}

// A trained model can be loaded, evaluated anew, and trained on for another task.
func TestEvaluateAndContinue(t *testing.T) {
	c := with(tiny(t, Masked, sentences(100, 1)), func(c *Config) { c.Steps = 20 })
	c.Validation.Share, c.Validation.Path = 0, c.Data[0].Path
	base := t.TempDir()
	rep := train(t, c, Options{Dir: base})
	res, err := Evaluate(t.Context(), base, []Data{{Path: c.Data[0].Path}}, Options{})
	if err != nil || math.Abs(res.Loss-rep.Validation.Loss) > 1e-6 {
		t.Fatalf("%v, %v; the report says %v", res, err, rep.Validation.Loss)
	}
	next := with(tiny(t, Classify, labeled(60, 1)), func(c *Config) { c.Steps, c.Model, c.Tokenizer = 10, ModelConfig{Path: base}, TokenizerConfig{} })
	dir := t.TempDir()
	train(t, next, Options{Dir: dir})
	m, err := model.Load(dir, model.LoadOptions{})
	if err != nil || len(m.Config.Labels) != 3 {
		t.Errorf("%v, %v", m, err)
	}
}
