package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// folders are the places a recipe names, as it writes them.
type folders struct {
	Dataset string `yaml:"dataset"`
	State   string `yaml:"state"`
}

// recipeFolders reads no more of a recipe than its places: the rest may name files and variables that are not there any more.
// It refuses places that hold ${VAR}, for they cannot be told from the file.
func recipeFolders(path string) (folders, error) {
	var f folders
	b, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if err := yaml.Load(b, &f); err != nil {
		return f, fmt.Errorf("%s cannot be read as a recipe: %w", path, err)
	}
	if strings.Contains(f.Dataset+f.State, "${") {
		return folders{}, fmt.Errorf("%s names its folders by variables", path)
	}
	return f, nil
}

// inFolder is a path of a recipe that lies in dir.
func inFolder(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, filepath.FromSlash(path))
}

// stateOf works out where the store of the dataset in dir is. The dataset keeps a copy of its recipe, whose paths start at the folder
// of the original; where that is follows from where the dataset is, if it lies where the recipe says. "" is unknown.
//
//	dataset: out/support, in /jobs/out/support       the recipe is in /jobs
//	dataset: ../out/support, state: ../out/state     both start at the folder above the recipe's, whatever that is called
func stateOf(dir string, f folders) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if f.State == "" {
		return filepath.Join(filepath.Dir(dir), "state")
	}
	if filepath.IsAbs(f.State) {
		return filepath.Clean(f.State)
	}
	if f.Dataset == "" || filepath.IsAbs(f.Dataset) {
		return ""
	}
	up, down := climb(f.Dataset)
	stateUp, stateDown := climb(f.State)
	base, ok := strings.CutSuffix(dir, string(filepath.Separator)+down)
	if !ok || stateUp < up {
		return ""
	}
	if base == "" {
		base = string(filepath.Separator)
	}
	return filepath.Join(base, strings.Repeat(".."+string(filepath.Separator), stateUp-up), stateDown)
}

// climb splits a relative path into how far it goes up, and what follows: ../../out/d is 2 and out/d.
func climb(path string) (up int, down string) {
	down = filepath.Clean(filepath.FromSlash(path))
	for down == ".." || strings.HasPrefix(down, ".."+string(filepath.Separator)) {
		up++
		down = strings.TrimPrefix(strings.TrimPrefix(down, ".."), string(filepath.Separator))
	}
	return up, down
}
