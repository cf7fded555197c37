package trainer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/schemas"
)

func update(t *testing.T, c Config, o Options) (made bool) {
	t.Helper()
	_, made, err := Update(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// The model follows the data: it is left alone while they are the same, and is what it would be had it never been another.
func TestUpdateFollowsTheData(t *testing.T) {
	for name, c := range map[string]Config{
		"linear":  student(t, labeled(60, 1)),
		"network": with(tiny(t, Classify, labeled(60, 1)), func(c *Config) { c.Steps = 6 }),
	} {
		t.Run(name, func(t *testing.T) {
			dir, fresh := filepath.Join(t.TempDir(), "[v1]", "model"), filepath.Join(t.TempDir(), "model")
			c := func() Config { return with(c, func(*Config) {}) }
			if !update(t, c(), Options{Dir: dir}) || update(t, c(), Options{Dir: dir}) {
				t.Error("want a model at first, and nothing to do then")
			}
			first := weights(t, dir)
			if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, trialsFile), []byte("[]"), 0o600); err != nil { // of the old data
				t.Fatal(err)
			}
			jsonl(t, c().Data[0].Path, labeled(90, 2)...)
			if !update(t, c(), Options{Dir: dir}) {
				t.Error("other data, and nothing was trained")
			}
			update(t, c(), Options{Dir: fresh})
			if got := weights(t, dir); got == first || got != weights(t, fresh) {
				t.Error("the model is not that of the new data")
			}
			for _, name := range []string{dir + newSuffix, dir + oldSuffix, filepath.Join(dir, trialsFile)} {
				if _, err := os.Stat(name); err == nil {
					t.Errorf("%s is left behind", name)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
				t.Error(err)
			}
			if _, err := Evaluate(t.Context(), dir, c().Data, Options{}); err != nil {
				t.Error(err)
			}
			other := c()
			other.Seed = 9
			_, _, err := Update(t.Context(), other, Options{Dir: dir})
			if _, ok := errors.AsType[*ChangedError](err); !ok || CheckSettings(other, dir) == nil {
				t.Errorf("other settings: %v", err)
			}
			if !update(t, other, Options{Dir: dir, Fresh: true}) || update(t, other, Options{Dir: dir}) {
				t.Error("--new did not take")
			}
			if err := os.Remove(filepath.Join(dir, weightsFile)); err != nil {
				t.Fatal(err)
			}
			if !update(t, other, Options{Dir: dir}) || weights(t, dir) == "" {
				t.Error("a model that went away was not made again")
			}
		})
	}
}

// A training on old data that was stopped does not go on with the new ones: the model would be of neither.
func TestUpdateOfAStoppedTraining(t *testing.T) {
	c := with(tiny(t, Causal, sentences(60, 1)), func(c *Config) { c.Steps, c.Eval.Every = 12, 4 })
	dir, fresh := filepath.Join(t.TempDir(), "[v1]", "model"), filepath.Join(t.TempDir(), "model")
	stopped := func(at string) {
		stop := make(chan struct{})
		_, _, err := Update(t.Context(), with(c, func(*Config) {}), Options{Dir: at, Stop: stop, Progress: func(s Step) {
			if s.Step == 5 {
				close(stop)
			}
		}})
		if !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
	}
	stopped(dir)
	jsonl(t, c.Data[0].Path, sentences(80, 2)...)
	first := 0
	update(t, with(c, func(*Config) {}), Options{Dir: dir, Progress: func(s Step) {
		if first == 0 {
			first = s.Step
		}
	}})
	update(t, with(c, func(*Config) {}), Options{Dir: fresh})
	if first != 1 || weights(t, dir) != weights(t, fresh) {
		t.Errorf("it went on with step %d", first)
	}

	// Beside a finished model one goes on where it was stopped, and the old one serves meanwhile.
	old := weights(t, dir)
	jsonl(t, c.Data[0].Path, sentences(70, 3)...)
	stopped(dir)
	if weights(t, dir) != old {
		t.Error("the old model is gone before the new one is whole")
	}
	first = 0
	update(t, with(c, func(*Config) {}), Options{Dir: dir, Progress: func(s Step) {
		if first == 0 {
			first = s.Step
		}
	}})
	update(t, with(c, func(*Config) {}), Options{Dir: fresh})
	if first != 6 || weights(t, dir) != weights(t, fresh) {
		t.Errorf("it went on with step %d", first)
	}
}

// A training that failed before it had done anything stands in nobody's way.
func TestUpdateAfterAMistake(t *testing.T) {
	c := student(t, labeled(40, 1))
	dir := filepath.Join(t.TempDir(), "model")
	wrong := c
	wrong.Label = "topic"
	if _, _, err := Update(t.Context(), wrong, Options{Dir: dir}); err == nil {
		t.Fatal("no column topic, and no error")
	}
	if CheckSettings(c, dir) != nil || !update(t, c, Options{Dir: dir}) {
		t.Error("the settings of a training that came to nothing are held against the next")
	}
}

// crashFS fails at the nth call that changes a folder, and at all after it.
type crashFS struct {
	schemas.FS
	left int
}

var errCrash = errors.New("crash")

func (f *crashFS) step() error {
	if f.left--; f.left < 0 {
		return errCrash
	}
	return nil
}

func (f *crashFS) Create(name string) (schemas.File, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return f.FS.Create(name)
}

func (f *crashFS) Rename(from, to string) error {
	return errors.Join(f.step(), f.unless(func() error { return f.FS.Rename(from, to) }))
}

func (f *crashFS) RemoveAll(dir string) error {
	return errors.Join(f.step(), f.unless(func() error { return f.FS.RemoveAll(dir) }))
}

func (f *crashFS) unless(do func() error) error {
	if f.left < 0 {
		return nil
	}
	return do()
}

// Whatever a crash cuts short: a model is there at every moment, the old one or the new one, or the next call puts it back; and the call after a crash ends as if
// there had been none.
func TestUpdateSurvivesCrashes(t *testing.T) {
	c := student(t, labeled(40, 1))
	c.Model.Linear = nil
	dir := filepath.Join(t.TempDir(), "model")
	update(t, c, Options{Dir: dir})
	olds, newer := labeled(40, 1), labeled(60, 2)
	for n := 0; ; n++ {
		jsonl(t, c.Data[0].Path, olds...)
		update(t, c, Options{Dir: dir})
		was := weights(t, dir)
		jsonl(t, c.Data[0].Path, newer...)
		_, _, err := Update(t.Context(), c, Options{Dir: dir, FS: &crashFS{schemas.Disk, n}})
		if err == nil {
			if n < 5 {
				t.Errorf("only %d calls changed a folder", n)
			}
			return
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("after %d calls: %v", n, err)
		}
		if _, err := os.Stat(dir); err != nil {
			dir += oldSuffix // between the two renames of the swap
		}
		if weights(t, dir) != was {
			if _, err := Evaluate(t.Context(), dir, c.Data, Options{}); err != nil {
				t.Errorf("after %d calls there is neither the old model nor a new one: %v", n, err)
			}
		}
		dir = strings.TrimSuffix(dir, oldSuffix)
		update(t, c, Options{Dir: dir})
		fresh := filepath.Join(t.TempDir(), "model")
		update(t, c, Options{Dir: fresh})
		if weights(t, dir) != weights(t, fresh) {
			t.Fatalf("after %d calls: not the model of the new data", n)
		}
	}
}

// What an ensemble has trained counts as work, and goes when it begins anew, in a folder with the marks of a pattern in its name too.
func TestMembersAreFoundInAnyFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[v1]")
	if err := os.MkdirAll(filepath.Join(dir, memberPrefix+"0"), 0o755); err != nil {
		t.Fatal(err)
	}
	if !hasWork(dir) {
		t.Error("a member is no work")
	}
	if err := wipe(schemas.Disk, dir); err != nil || hasWork(dir) {
		t.Errorf("after the wipe: %v, work %v", err, hasWork(dir))
	}
}
