package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/schemas"
)

func TestReadPool(t *testing.T) {
	var b strings.Builder
	for i := range 3 * PoolSize {
		label := "many"
		if i%100 == 0 {
			label = "few"
		}
		fmt.Fprintf(&b, "{\"text\":\"t%d\",\"label\":%q}\n", i, label)
	}
	dir := writeFiles(t, map[string]string{"a.jsonl": b.String(), "b.jsonl": "{\"text\":\"x\",\"label\":\"late\"}\n"})
	_, src := openTestSource(t, dir, `{path: "*.jsonl"}`)
	p, c, err := ReadPool(t.Context(), src, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Labels, c.Total, c.Seeds["many"], c.Seeds["few"]); got != "[few many late] 6001 5940 60" {
		t.Errorf("census: %s", got)
	}
	if len(p.ByLabel["many"]) != PoolSize || len(p.ByLabel["few"]) != 60 || len(p.Seeds) != PoolSize+61 {
		t.Errorf("pool has %d of many, %d of few, %d in all", len(p.ByLabel["many"]), len(p.ByLabel["few"]), len(p.Seeds))
	}
	if !slices.IsSortedFunc(p.Seeds[:PoolSize+60], func(a, b *schemas.Record) int { return int(a.Origin.Row - b.Origin.Row) }) {
		t.Error("the pool is not in source order")
	}
	for label, at := range p.ByLabel {
		for _, i := range at {
			if p.Seeds[i].Label() != label {
				t.Fatalf("seed %d is of label %s, not %s", i, p.Seeds[i].Label(), label)
			}
		}
	}

	// A prefix of the source: later rows change nothing.
	upTo := []schemas.SourceExtent{{Name: "b.jsonl", Rows: 1}, {Name: "a.jsonl", Rows: 150}}
	p, c, err = ReadPool(t.Context(), src, upTo, func(r *schemas.Record) bool { return r.Text == "t7" })
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintln(c.Labels, len(p.Seeds), p.Seeds[0].Text, c.Extents[0].Name, c.Extents[1].Rows); got != "[late few many] 150 x b.jsonl 150\n" {
		t.Errorf("prefix: %s", got)
	}
	if p, c, err = ReadPool(t.Context(), src, []schemas.SourceExtent{}, nil); err != nil || len(p.Seeds) > 0 || c.Total > 0 {
		t.Errorf("an empty prefix: %d seeds, %v", len(p.Seeds), err)
	}
}
