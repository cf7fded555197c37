package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sluice/pipeline"
	"sluice/schemas"
	"sluice/trainer"
)

// trainConfig reads the section train of a recipe, which has one. Paths in it begin at the recipe's folder; out replaces the folder of the model. Nothing of
// the data is looked at. Its errors are pipeline.Problems.
func trainConfig(r *pipeline.Recipe, out string) (trainer.Config, error) {
	c := trainer.Default()
	if err := r.Train.Decode(&c); err != nil {
		return c, err
	}
	dir := filepath.Dir(r.Path)
	own := len(c.Data) == 0
	if own {
		c.Data = []trainer.Data{{}}
	}
	for i := range c.Data {
		if c.Data[i].Path == "" {
			if c.Data[i].Path = r.Dataset; r.Dataset == "" {
				return c, sectionError(r, &trainer.KeyError{Key: "data", Hint: "give every domain a path, or the recipe a dataset", Err: errors.New("data without a path are the recipe's dataset, and it names none")})
			}
			own = true
		} else {
			c.Data[i].Path = inFolder(dir, c.Data[i].Path)
		}
	}
	for _, p := range []*string{&c.Validation.Path, &c.Model.Path, &c.Tokenizer.Path, &c.Proxy.Model.Path, &c.Cache, &c.Out} {
		if *p != "" {
			*p = inFolder(dir, *p)
		}
	}
	if own {
		c.MultiLabel = c.MultiLabel || r.Schema != nil && r.Schema.Kind == schemas.Multi
	}
	switch {
	case out != "":
		c.Out = out
	case c.Out == "" && r.Dataset == "":
		return c, sectionError(r, &trainer.KeyError{Hint: "name the folder of the model, such as `out: model`, or use --out", Err: errors.New("the key out of train is missing: the recipe has no dataset to put the model into")})
	case c.Out == "":
		c.Out = filepath.Join(r.Dataset, "model")
	}
	if err := c.Check(); err != nil {
		return c, sectionError(r, err)
	}
	if own {
		if err := fits(&c, r.Schema); err != nil {
			return c, sectionError(r, err)
		}
	}
	for _, taken := range []string{r.Dataset, r.State} {
		if taken != "" && holds(c.Out, taken) {
			return c, sectionError(r, &trainer.KeyError{Key: "out", Hint: "give the model a folder of its own", Err: fmt.Errorf("the model's folder would hold %s", shortest(taken))})
		}
	}
	return c, nil
}

// checkTraining is trainConfig for a recipe that is being read, and looks whether the files are there that it names: what is missing at the end of a run is
// better known at its beginning.
func checkTraining(out string) func(*pipeline.Recipe) error {
	return func(r *pipeline.Recipe) error {
		c, err := trainConfig(r, out)
		if err != nil {
			return err
		}
		named := map[string][]string{"validation.path": {c.Validation.Path}, "model.path": {c.Model.Path}, "tokenizer.path": {c.Tokenizer.Path}, "proxy.model.path": {c.Proxy.Model.Path}}
		for _, d := range c.Data {
			named["data"] = append(named["data"], d.Path)
		}
		for _, key := range slices.Sorted(maps.Keys(named)) {
			for _, path := range named[key] {
				if path != "" && !exists(path) && !(r.Dataset != "" && holds(r.Dataset, path)) { // what lies in the dataset is made by the run
					return sectionError(r, &trainer.KeyError{Key: key, Hint: "paths in the section train begin at the recipe's folder", Err: fmt.Errorf("%s does not exist", shortest(path))})
				}
			}
		}
		return nil
	}
}

// sectionError places an error of the trainer in the recipe, where it knows the key.
func sectionError(r *pipeline.Recipe, err error) error {
	if e, ok := errors.AsType[*trainer.KeyError](err); ok {
		return r.Train.Problem(e.Key, e.Hint, err)
	}
	return err
}

// fits tells whether rows of a schema are what a task wants.
func fits(c *trainer.Config, s *schemas.Schema) error {
	if s == nil || s.Kind == "" {
		return nil // the recipe makes no rows: its dataset is there
	}
	has := func(name string) bool {
		return slices.Contains(s.Scores, name) || name == "text" || slices.ContainsFunc(s.Columns, func(c schemas.Column) bool { return c.Name == name })
	}
	key, wrong, hint := "task", "", ""
	switch labeled := s.Kind == schemas.Labeled || s.Kind == schemas.Multi; {
	case c.Task == trainer.Classify && !labeled:
		wrong, hint = "a classifier learns labels", "the key label of the source names the column with them"
	case c.Task == trainer.Regress && !has(c.Target) && !(c.Target == "label" && labeled):
		key, wrong, hint = "target", fmt.Sprintf("%q is none of their scores and columns", c.Target), "they have "+strings.Join(numbersOf(s), ", ")
		if len(numbersOf(s)) == 0 {
			hint = "they have neither; map a column of the source, or let a stage score them"
		}
	case c.Task == trainer.Chat && s.Kind != schemas.Chat && c.Prompt == "":
		wrong, hint = "a chat is learned from conversations", "prompt and completion name columns to make them of"
	default:
		return nil
	}
	return &trainer.KeyError{Key: key, Hint: hint, Err: fmt.Errorf("the rows of the dataset are %s: %s", s.Kind, wrong)}
}

func numbersOf(s *schemas.Schema) []string {
	out := slices.Clone(s.Scores)
	for _, c := range s.Columns {
		out = append(out, c.Name)
	}
	return out
}

// holds tells whether path lies in dir or is it.
func holds(dir, path string) bool {
	a, errA := filepath.Abs(dir)
	b, errB := filepath.Abs(path)
	if errA != nil || errB != nil {
		return false
	}
	rel, err := filepath.Rel(a, b)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
