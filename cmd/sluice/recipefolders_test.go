package main

import (
	"path/filepath"
	"testing"
)

// The store is found from where the dataset lies and from what the recipe says of both; where that does not determine it, nothing is guessed.
func TestStateOf(t *testing.T) {
	for _, c := range []struct{ dir, dataset, state, want string }{
		{"/jobs/out/support", "out/support", "out/state", "/jobs/out/state"},
		{"/jobs/out/support", "out/support", "", "/jobs/out/state"},
		{"/jobs/out/support", "./out//support", "../shared", "/shared"},
		{"/jobs/out/d", "../out/d", "../out/state", "/jobs/out/state"},
		{"/jobs/out/d", "../../out/d", "../../../state", "/state"},
		{"/jobs/out/d", "../out/d", "state", ""},         // in the recipe's folder, whose name nobody knows
		{"/moved/elsewhere", "out/support", "out/s", ""}, // not where the recipe puts it
		{"/jobs/out/d", "/jobs/out/d", "state", ""},
		{"/any/where", "out/d", "/abs/state", "/abs/state"},
		{"/d", "d", "state", "/state"},
	} {
		got := stateOf(filepath.FromSlash(c.dir), folders{Dataset: c.dataset, State: c.state})
		if got != filepath.FromSlash(c.want) {
			t.Errorf("dataset %s as %q, state %q: %q, want %q", c.dir, c.dataset, c.state, got, c.want)
		}
	}
}
