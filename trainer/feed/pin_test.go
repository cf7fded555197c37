package feed

import "testing"

// Shards go where the training took them up, found by name and content, or by content alone where a file was renamed, though two files may hold the same.
func TestArrange(t *testing.T) {
	pins := []Pin{{"b", "2"}, {"old", "1"}, {"older", "1"}}
	for _, c := range []struct {
		have []Pin
		want string
	}{
		{[]Pin{{"a", "1"}, {"a2", "1"}, {"b", "2"}, {"c", "3"}}, "b a a2 c"},
		{[]Pin{{"b", "2"}, {"old", "1"}, {"older", "1"}}, "b old older"},
		{[]Pin{{"a", "1"}, {"b", "2"}}, ""},             // one is gone
		{[]Pin{{"b", "9"}, {"a", "1"}, {"c", "1"}}, ""}, // or holds something else
	} {
		d := &Domain{Name: "all"}
		for _, p := range c.have {
			d.shards = append(d.shards, shard{name: p.Name, sha: p.SHA})
			d.caches = append(d.caches, &cache{shard: p.Name})
		}
		corpus := &Corpus{Domains: []*Domain{d}}
		gained, err := corpus.Arrange(&State{Shards: [][]Pin{pins}})
		if c.want == "" {
			if err == nil {
				t.Errorf("%v fits %v", c.have, pins)
			}
			continue
		}
		got := ""
		for i, s := range d.shards {
			if got += " " + s.name; d.caches[i].shard != s.name {
				t.Errorf("%v: the tokens of %s stand for %s", c.have, d.caches[i].shard, s.name)
			}
		}
		if err != nil || got != " "+c.want || gained != len(c.have)-len(pins) {
			t.Errorf("%v: order%s and %d gained (%v), want %s", c.have, got, gained, err, c.want)
		}
	}
}
