package main

import (
	"errors"
	"fmt"
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
			c.Data[i].Path = r.Dataset
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

// checkTraining is trainConfig for a recipe that is being read.
func checkTraining(r *pipeline.Recipe) error {
	_, err := trainConfig(r, "")
	return err
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
	return append(out, "no more")
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
