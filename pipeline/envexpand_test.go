package pipeline

import (
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for _, c := range []struct{ in, want, fails string }{
		{in: "plain $5 {x}", want: "plain $5 {x}"},
		{in: "${SIZE}", want: "40"},
		{in: "a${SIZE}b${SIZE}", want: "a40b40"},
		{in: "${NONE:-x}/${NONE:-}", want: "x/"},
		{in: "${EMPTY}|${EMPTY:-x}", want: "|x"}, // as in a shell, :- replaces what is empty too
		{in: "${NONE:-http://h:1/v1}", want: "http://h:1/v1"},
		{in: "$${SIZE} ${SIZE}", want: "${SIZE} 40"},
		{in: "${INJECT}", want: "1, max: 2}\nseed: 9"},
		{in: "${NONE}", fails: "NONE"},
		{in: "${SIZE", fails: "without }"},
		{in: "${}", fails: "name"},
		{in: "${2X}", fails: "2X"},
		{in: "${A-b}", fails: "A-b"},
	} {
		got, _, err := expand(c.in, testEnv)
		if c.fails == "" && (err != nil || got != c.want) {
			t.Errorf("expand(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("expand(%q): got %v, want an error with %q", c.in, err, c.fails)
		}
	}
}

func TestExpandTypes(t *testing.T) {
	r := mustLoad(t, `
sluice: 1
dataset: "out-${SIZE}"
seed: ${SIZE}
tolerate: ${NONE:-0.5}
source: {path: seeds.jsonl}
stages:
  - filters/size: {max: "${SIZE}", words: ["${SIZE}", "a${SIZE}", "${INJECT}"]}
`)
	f := r.Stages[0].Component.(*sizeFilter)
	if r.Seed != 40 || r.Tolerate != .5 || !strings.HasSuffix(r.Dataset, "out-40") || f.Max != 40 {
		t.Errorf("seed %d, tolerate %v, dataset %s, max %d", r.Seed, r.Tolerate, r.Dataset, f.Max)
	}
	if len(f.Words) != 3 || f.Words[0] != "40" || f.Words[1] != "a40" || f.Words[2] != "1, max: 2}\nseed: 9" {
		t.Errorf("a value changed the structure: %q", f.Words)
	}
	if strings.Contains(string(r.Raw), "40") {
		t.Error("the stored recipe holds values of the environment")
	}
}
