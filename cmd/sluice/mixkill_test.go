package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// mixRecipe trains on two domains with a mixer, behind a guard or after proxy runs.
const mixRecipe = `
sluice: 1
dataset: out
train: {data: [{path: talk.jsonl}, {path: sums.jsonl}], validation: {share: 0.2}, model: {arch: llama, layers: 1, heads: 2, dim: 16}, tokenizer: {vocab: 270},
  context: 16, batch: 8, steps: 90, eval: {every: 30}, checkpoint: {every: 9}, proxy: {steps: 10}, mix: %s, out: %s}
`

// A mixed training that is killed with kill -9, in its small trainings and in the midst of itself, makes none of the former twice, picks the same
// examples afterwards, and ends in the same bytes.
func TestKillMixedTraining(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no kill -9 on windows")
	}
	mixers := map[string]string{"regmix": "{regmix: {simulate: 1000}}, guard: {share: 1, seeds: 2}", "aioli": "{aioli: {every: 20, sweeps: 2, steps: 2}}"}
	if long() {
		mixers["law"], mixers["ado"], mixers["progress"] = "law", "{ado: {every: 66}}", "progress, guard: {share: 1, seeds: 2}"
		mixers["odm_paper"], mixers["odm_code"], mixers["odm_exp3"] = "odm_paper", "odm_code", "odm_exp3"
	}
	dir, program := t.TempDir(), linkProgram(t)
	var talk, sums strings.Builder
	for i := range 60 {
		fmt.Fprintf(&talk, "{\"text\": \"number %d said to number %d that the %s was late\"}\n", i%7, i%11, []string{"card", "bus", "moon"}[i%3])
		fmt.Fprintf(&sums, "{\"text\": \"%d + %d = %d\"}\n", i, i%9, i+i%9)
	}
	for name, text := range map[string]string{"talk.jsonl": talk.String(), "sums.jsonl": sums.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, mixer := range mixers {
		t.Run(name, func(t *testing.T) {
			// run trains into a folder and kills when it is time; it tells whether that came.
			run := func(out string, when func() bool) (killed bool, said string) {
				recipe := name + "-" + out + ".yaml"
				if err := os.WriteFile(filepath.Join(dir, recipe), fmt.Appendf(nil, mixRecipe, mixer, name+"-"+out), 0o644); err != nil {
					t.Fatal(err)
				}
				var talk bytes.Buffer
				cmd := exec.Command(program, "train", recipe)
				cmd.Dir, cmd.Stderr = dir, &talk
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				killed = killWhen(t, cmd, time.Millisecond, when)
				return killed, talk.String()
			}
			run("whole", func() bool { return false })
			there := func(what string) func() bool {
				return func() bool { _, err := os.Stat(filepath.Join(dir, name+"-cut", what)); return err == nil }
			}
			kills, all := 0, ""
			moments := []func() bool{there("checkpoints/step-000018"), there("checkpoints/step-000063")}
			if strings.Contains(mixer, "guard") || name == "law" {
				moments = append([]func() bool{there("trials.json"), func() bool {
					b, _ := os.ReadFile(filepath.Join(dir, name+"-cut", "trials.json"))
					return bytes.Count(b, []byte(`"key"`)) >= 4
				}}, moments...)
			}
			for _, m := range moments {
				killed, said := run("cut", m)
				if all += said; killed {
					kills++
				}
			}
			_, said := run("cut", func() bool { return false })
			all += said
			for _, small := range []string{"proxy run 1 of 6", "guard: trial 1 of 4"} {
				if n := strings.Count(all, small+","); n > 2 { // once cut off, once to its end
					t.Errorf("%s was made %d times", small, n)
				}
			}
			if kills < 2 {
				t.Errorf("%d kills: the test tells little", kills)
			}
			for _, file := range []string{"model.safetensors", "tokenizer.json", "trials.json", "metrics.jsonl"} {
				want, got := steady(t, filepath.Join(dir, name+"-whole", file)), steady(t, filepath.Join(dir, name+"-cut", file))
				if want != got {
					t.Errorf("%s differs after %d kills", file, kills)
				}
			}
		})
	}
}

// steady is a file without what differs by nature: how fast something went. A file that is not there is empty.
func steady(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	var out bytes.Buffer
	switch filepath.Base(path) {
	case "metrics.jsonl":
		for line := range bytes.Lines(b) {
			var p map[string]any
			if err := json.Unmarshal(line, &p); err != nil {
				t.Fatal(err)
			}
			delete(p, "tokens_per_second")
			fmt.Fprintln(&out, p)
		}
	case "trials.json":
		var all []map[string]any
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			delete(p, "seconds")
			fmt.Fprintln(&out, p)
		}
	default:
		return string(b)
	}
	return out.String()
}
