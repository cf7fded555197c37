package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the files hold that a recipe names is part of the recipe: an edit is refused with the file's name until --new, so that no dataset is
// made by two versions.
func TestAdversaryEditedFiles(t *testing.T) {
	const program = "while read -r line; do id=${line#*'\"id\":\"'}; echo '{\"id\":\"'${id%%'\"'*}'\",\"keep\":KEEP}'; done\n"
	for name, c := range map[string]struct {
		stages, model string
		file          string
		was, is       string
		told          string // the file, as the difference names it
	}{
		"schema": {
			stages: "  - filters/schema: {column: n, file: parts/n.json}", file: "parts/n.json",
			was: `{"type": "integer"}`, is: `{"type": "integer", "maximum": 3}`, told: `contents of "parts/n.json"`,
		},
		"program": {
			stages: "  - filters/exec: {command: [/bin/sh, judge.sh]}", file: "judge.sh",
			was: strings.Replace(program, "KEEP", "true", 1), is: strings.Replace(program, "KEEP", "false", 1), told: `contents of "judge.sh"`,
		},
		"files of a program": {
			stages: "  - filters/exec: {command: [/bin/sh, -c, 'grep -q good words.txt; . ./judge.sh'], files: [words.txt]}", file: "words.txt",
			was: "good\n", is: "bad\n", told: `contents of "words.txt"`,
		},
		"recorded answers": {
			model:  "models: {writer: {provider: replay, replay: answers.jsonl}}\n",
			stages: "  - generators/paraphrase: {model: writer, prompt: '{{ text }}', system: ' '}", file: "answers.jsonl",
			was: `{"prompt": "row number 1", "text": "{\"text\": \"another row, number one\"}"}` + "\n",
			is:  `{"prompt": "row number 1", "text": "{\"text\": \"one more row, number one\"}"}` + "\n", told: `contents of "answers.jsonl"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := fileWorld(t, "s.jsonl", lines(8))
			w.put("judge.sh", strings.Replace(program, "KEEP", "true", 1))
			w.put(c.file, c.was)
			recipe := strings.Replace(w.recipe, "stages:", "stages:\n"+c.stages, 1)
			w.put("recipe.yaml", strings.Replace(recipe, "tolerate: 0.5", "tolerate: 1\n"+c.model, 1))
			command := []string{"run", "recipe.yaml", "--progress", "none"}
			for range 2 {
				if code, _, talk := w.sluice(command...); code != exitDone {
					t.Fatalf("exit %d\n%s", code, talk)
				}
			}
			w.put(c.file, c.is)
			before := w.files()
			if code, _, talk := w.sluice(command...); code != exitRecipe || !strings.Contains(talk, c.told) || !strings.Contains(talk, "--new") {
				t.Errorf("after the edit: exit %d\n%s", code, talk)
			}
			wantSame(t, "after the refusal", w.files(), before)
			for _, args := range [][]string{append(command, "--new"), command} {
				if code, _, talk := w.sluice(args...); code != exitDone {
					t.Errorf("%v: exit %d\n%s", args, code, talk)
				}
			}
			os.Remove(filepath.Join(w.dir, c.file))
			if code, _, talk := w.sluice("check", "recipe.yaml"); name != "program" && code != exitRecipe {
				t.Errorf("without the file: exit %d\n%s", code, talk)
			}
		})
	}
}

// Columns are found once, from the first rows. A row of another type that comes later costs itself alone, wherever in its file it stands; --new looks again.
func TestAdversaryWrongTypeAppended(t *testing.T) {
	w := fileWorld(t, "s.jsonl", lines(10))
	if _, err := w.attempt(); err != nil {
		t.Fatal(err)
	}
	w.put("s.jsonl", lines(10)+`{"text":"the wrong type","label":"a","n":"x"}`+"\n"+`{"text":"a float","label":"a","n":1.5}`+"\n"+lineOf(12))
	res, err := w.attempt()
	if err != nil {
		t.Fatal(err)
	}
	if s := stage(t, res, "source"); s.In != 13 || s.Out != 11 || s.Failed["wrong_type"] != 2 {
		t.Errorf("%+v", s)
	}
	w.wantWhole("appended")
	for _, args := range [][]string{{"check", "recipe.yaml"}, {"plan", "recipe.yaml"}, {"run", "recipe.yaml"}} {
		if code, _, talk := w.sluice(args...); code != exitDone {
			t.Errorf("%v: exit %d\n%s", args, code, talk)
		}
	}
	if code, _, talk := w.sluice("run", "recipe.yaml", "--new"); code != exitRecipe || !strings.Contains(talk, "column n is int in one row and string in another") {
		t.Errorf("--new: exit %d\n%s", code, talk)
	}
	w.put("recipe.yaml", strings.Replace(w.recipe, "{path: s.jsonl}", "{path: s.jsonl, columns: {n: float}}", 1))
	if code, _, talk := w.sluice("run", "recipe.yaml"); code != exitRecipe || !strings.Contains(talk, "source.columns.n") {
		t.Errorf("declared: exit %d\n%s", code, talk)
	}
}
