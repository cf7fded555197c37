package feed

import (
	"fmt"
	"slices"
)

// A Pin names a shard and what is in it.
type Pin struct {
	Name string `json:"name"`
	SHA  string `json:"sha256"`
}

// pins lists the shards that the cursors' epochs are made of.
func (c *Corpus) pins(at []Cursor) (out [][]Pin) {
	for k, d := range c.Domains {
		d.mu.Lock()
		pins := []Pin{}
		for _, s := range d.shards[:min(at[k].Shards, len(d.shards))] {
			pins = append(pins, Pin{s.name, s.sha})
		}
		d.mu.Unlock()
		out = append(out, pins)
	}
	return out
}

// Arrange puts the shards of every domain in the order in which the training of a state took them up, the ones that it does not know behind, and tells
// how many those are. A shard that is gone, or whose content is another, is an error.
func (c *Corpus) Arrange(s *State) (gained int, err error) {
	for k, d := range c.Domains {
		if k >= len(s.Shards) {
			break // other domains: [New] says so
		}
		d.mu.Lock()
		err := d.arrange(s.Shards[k])
		if n := len(s.Shards[k]); n > 0 {
			gained += len(d.shards) - n
		}
		d.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
	return gained, nil
}

func (d *Domain) arrange(pins []Pin) error {
	for i, p := range pins {
		rest := d.shards[i:] // those before have their places
		j := slices.IndexFunc(rest, func(s shard) bool { return s.name == p.Name && s.sha == p.SHA })
		if j < 0 { // renamed
			j = slices.IndexFunc(rest, func(s shard) bool { return s.sha == p.SHA })
		}
		if j < 0 {
			return fmt.Errorf("data %s: %s is gone, or holds other rows than it did", d.Name, p.Name)
		}
		j += i
		s, t := d.shards[j], d.caches[j]
		d.shards = slices.Insert(slices.Delete(d.shards, j, j+1), i, s)
		d.caches = slices.Insert(slices.Delete(d.caches, j, j+1), i, t)
	}
	return nil
}
