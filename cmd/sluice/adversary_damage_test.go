package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/pipeline"
	"sluice/schemas"
)

// sealedWorld has a dataset of ten rows, duplicates among them, and a real store.
func sealedWorld(t *testing.T) *stageWorld {
	t.Helper()
	w := fileWorld(t, "s.jsonl", lines(20)+lines(5))
	if _, err := w.attempt(); err != nil {
		t.Fatal(err)
	}
	return w
}

// sluice runs the program itself and returns its exit code and what it said.
func (w *stageWorld) sluice(args ...string) (code int, out, talk string) {
	w.t.Helper()
	w.t.Chdir(w.dir)
	var stdout, stderr strings.Builder
	code = run(args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func (w *stageWorld) damage(name string, f func([]byte) []byte) {
	w.t.Helper()
	name = filepath.Join(w.dir, filepath.FromSlash(name))
	b, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, f(b), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// Damage is told with the file's name, by verify and by run; it is never made worse; and --new always helps.
func TestAdversaryDamage(t *testing.T) {
	const shard = "out/data/train-000000.parquet"
	half := func(b []byte) []byte { return b[:len(b)/2] }
	for name, c := range map[string]struct {
		hurt   func(w *stageWorld)
		verify int    // exit code of verify
		names  string // what verify names
		run    string // what run says; "" if it goes on
	}{
		"manifest cut":     {func(w *stageWorld) { w.damage("out/manifest.json", half) }, exitAudit, "manifest.json", "manifest.json is damaged"},
		"manifest emptied": {func(w *stageWorld) { w.damage("out/manifest.json", func([]byte) []byte { return nil }) }, exitAudit, "manifest.json", "manifest.json is damaged"},
		"manifest of later": {func(w *stageWorld) {
			w.damage("out/manifest.json", func(b []byte) []byte {
				return []byte(strings.Replace(string(b), `"version": 1`, `"version": 2`, 1))
			})
		}, exitAudit, "version 2", "version 2"},
		"shard gone":    {func(w *stageWorld) { os.Remove(filepath.Join(w.dir, shard)) }, exitAudit, "train-000000.parquet", "train-000000.parquet is gone"},
		"rejects gone":  {func(w *stageWorld) { os.RemoveAll(filepath.Join(w.dir, "out/rejects")) }, exitAudit, "rejects-000001.parquet", "rejects-000001.parquet is gone"},
		"byte flipped":  {func(w *stageWorld) { w.damage(shard, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) }, exitAudit, "train-000000.parquet", ""},
		"shard cut":     {func(w *stageWorld) { w.damage(shard, half) }, exitAudit, "train-000000.parquet", "train-000000.parquet has"},
		"recipe cut":    {func(w *stageWorld) { w.damage("out/recipe.yaml", half) }, exitDone, "", ""},
		"card emptied":  {func(w *stageWorld) { w.damage("out/README.md", func([]byte) []byte { return nil }) }, exitDone, "", ""},
		"manifest gone": {func(w *stageWorld) { os.Remove(filepath.Join(w.dir, "out/manifest.json")) }, exitAudit, "manifest.json", "holds no manifest.json"},
	} {
		t.Run(name, func(t *testing.T) {
			w := sealedWorld(t)
			c.hurt(w)
			w.put("s.jsonl", lines(20)+lines(5)+lineOf(90))
			before := w.files()
			if code, out, talk := w.sluice("verify", "out"); code != c.verify || !strings.Contains(out+talk, c.names) {
				t.Errorf("verify: exit %d\n%s%s", code, out, talk)
			}
			code, _, talk := w.sluice("run", "recipe.yaml", "--progress", "none")
			if c.run == "" && code != exitDone || c.run != "" && (code == exitDone || !strings.Contains(talk, c.run)) {
				t.Errorf("run: exit %d\n%s", code, talk)
			}
			if c.run != "" {
				wantSame(t, "after the refusal", w.files(), before)
			}
			if name == "manifest gone" {
				return // it may be anybody's folder: nothing but the user's hand removes it
			}
			if code, _, talk := w.sluice("run", "recipe.yaml", "--new", "--progress", "none"); code != exitDone {
				t.Fatalf("--new: exit %d\n%s", code, talk)
			}
			if code, out, talk := w.sluice("verify", "out"); code != exitDone {
				t.Errorf("verify after --new: exit %d\n%s%s", code, out, talk)
			}
		})
	}
}

// A folder that is no dataset is never written to, with --new or without.
func TestAdversaryForeignFolder(t *testing.T) {
	w := fileWorld(t, "s.jsonl", lines(10))
	w.put("out/precious.txt", "mine")
	w.put("out/data/train-000000.parquet", "mine too")
	w.put("recipe.yaml", w.recipe)
	for _, args := range [][]string{{"run", "recipe.yaml"}, {"run", "recipe.yaml", "--new"}} {
		if code, _, talk := w.sluice(args...); code == exitDone || !strings.Contains(talk, "choose another folder") {
			t.Errorf("%v: exit %d\n%s", args, code, talk)
		}
	}
	for name, want := range map[string]string{"out/precious.txt": "mine", "out/data/train-000000.parquet": "mine too"} {
		if b, err := os.ReadFile(filepath.Join(w.dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// Folders that cannot be written: the error names the place, and nothing sealed is harmed. (A file where the folder should be: rights mean
// nothing to an administrator, who may run the tests.)
func TestAdversaryNoFolder(t *testing.T) {
	for _, place := range []string{"out", "state", "out/runs"} {
		t.Run(place, func(t *testing.T) {
			w := sealedWorld(t)
			w.put("s.jsonl", lines(20)+lines(5)+lineOf(90))
			before := w.files()
			full := filepath.Join(w.dir, filepath.FromSlash(place))
			if err := os.Rename(full, full+".kept"); err != nil {
				t.Fatal(err)
			}
			w.put(place, "a file")
			code, _, talk := w.sluice("run", "recipe.yaml", "--progress", "none")
			if code == exitDone || code == exitAtOnce || !strings.Contains(talk, filepath.FromSlash(place)) || strings.Contains(talk, "panic") {
				t.Errorf("exit %d\n%s", code, talk)
			}
			os.Remove(full)
			if err := os.Rename(full+".kept", full); err != nil {
				t.Fatal(err)
			}
			wantSame(t, "after the refusal", w.files(), before)
			if code, _, talk := w.sluice("run", "recipe.yaml", "--progress", "none"); code != exitDone {
				t.Errorf("then: exit %d\n%s", code, talk)
			}
			w.wantWhole("then")
		})
	}
}

// A store that is lost, belongs to another dataset or is a copy of an older self: duplicates are known all the same.
func TestAdversaryOtherStore(t *testing.T) {
	for name, swap := range map[string]func(t *testing.T, w *stageWorld){
		"lost": func(t *testing.T, w *stageWorld) { os.RemoveAll(filepath.Join(w.dir, "state")) },
		"another's": func(t *testing.T, w *stageWorld) {
			other := sealedWorld(t)
			os.RemoveAll(filepath.Join(w.dir, "state"))
			if err := os.CopyFS(filepath.Join(w.dir, "state"), os.DirFS(filepath.Join(other.dir, "state"))); err != nil {
				t.Fatal(err)
			}
		},
		"an older self": func(t *testing.T, w *stageWorld) {
			state := filepath.Join(w.dir, "state")
			if err := os.CopyFS(state+".copy", os.DirFS(state)); err != nil {
				t.Fatal(err)
			}
			w.put("s.jsonl", lines(20)+lines(5)+lineOf(80))
			if _, err := w.attempt(); err != nil {
				t.Fatal(err)
			}
			os.RemoveAll(state)
			if err := os.Rename(state+".copy", state); err != nil {
				t.Fatal(err)
			}
		},
		"a newer dataset's": func(t *testing.T, w *stageWorld) { // the dataset is the old one, the store knows more
			kept := filepath.Join(w.dir, "kept")
			if err := os.CopyFS(kept, os.DirFS(filepath.Join(w.dir, "out"))); err != nil {
				t.Fatal(err)
			}
			w.put("s.jsonl", lines(20)+lines(5)+lineOf(80))
			if _, err := w.attempt(); err != nil {
				t.Fatal(err)
			}
			os.RemoveAll(filepath.Join(w.dir, "out"))
			if err := os.Rename(kept, filepath.Join(w.dir, "out")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := sealedWorld(t)
			swap(t, w)
			w.put("s.jsonl", lines(20)+lines(5)+lineOf(80)+lineOf(3)+lineOf(81)+lineOf(80))
			res, err := w.attempt()
			if err != nil {
				t.Fatal(err)
			}
			if c := stage(t, res, "dedup/exact"); c.Out != 22 || c.Dropped["duplicate"] != 7 {
				t.Errorf("%+v", c)
			}
			w.wantWhole(name)
		})
	}
}

// A store of another kind or version is refused with its name, and left as it is.
func TestAdversaryStrangeStore(t *testing.T) {
	for name, put := range map[string]func(w *stageWorld){
		"no store at all": func(w *stageWorld) { w.put("state/notes.txt", "mine") },
		"manifest cut":    func(w *stageWorld) { w.damage("state/MANIFEST", func(b []byte) []byte { return b[:6] }) },
		"another version": func(w *stageWorld) {
			w.damage("state/MANIFEST", func(b []byte) []byte { b[7] ^= 0x7f; return b })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := sealedWorld(t)
			if name == "no store at all" {
				os.RemoveAll(filepath.Join(w.dir, "state"))
			}
			put(w)
			code, _, talk := w.sluice("run", "recipe.yaml", "--progress", "none")
			t.Logf("exit %d: %s", code, talk)
			if code != exitDone && (code != exitFailed || !strings.Contains(talk, "state") || strings.Contains(talk, "goroutine")) {
				t.Errorf("exit %d\n%s", code, talk)
			}
			w.wantWhole(name)
		})
	}
}

// Rows that are added to a source while a run reads it are taken by this run or by the next, once.
func TestAdversaryAppendedDuringTheRun(t *testing.T) {
	w := fileWorld(t, "s.jsonl", lines(40))
	w.put("recipe.yaml", w.recipe)
	r, err := pipeline.Load(filepath.Join(w.dir, "recipe.yaml"), pipeline.LoadOptions{Catalogs: catalogs()})
	if err != nil {
		t.Fatal(err)
	}
	o := options(t.Context(), r, false, 0)
	added := false
	o.Events.BatchDone = func(pipeline.BatchInfo) {
		if !added {
			added = true
			w.put("s.jsonl", lines(45))
		}
	}
	if _, err := pipeline.Run(t.Context(), r, o); err != nil {
		t.Fatal(err)
	}
	res, err := w.attempt()
	if err != nil {
		t.Fatal(err)
	}
	if s := stage(t, res, "dedup/exact"); s.Out != 45 || s.Dropped["duplicate"] != 0 {
		t.Errorf("%+v", s)
	}
	found, err := schemas.Verify(filepath.Join(w.dir, "out"), true)
	if err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
}
