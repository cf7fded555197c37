package story

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/schemas"
)

// Ids of the example: two seeds, a chain of made rows.
var (
	seed  = schemas.SeedID("s.jsonl", 0)
	held  = schemas.SeedID("s.jsonl", 1)
	child = schemas.MadeID(seed, "generators/eda", 0, 0)
	grand = schemas.MadeID(child, "generators/aeda", 0, 0)
	bad   = schemas.MadeID(seed, "generators/label", 0, 0)
	round = schemas.MadeID(seed, "generators/eda", 0, 7)
	spool = schemas.SeedID("s.jsonl", 2)
)

func record(id schemas.ID, stage string, depth int, parents ...schemas.ID) *schemas.Record {
	return &schemas.Record{ID: id, Text: "text of " + id.String()[:4], Origin: schemas.Origin{Source: "s.jsonl", Depth: depth, Stage: stage, Parents: parents}}
}

// example writes a dataset of two phases: the seeds are not kept in it but for the spool.
func example(t *testing.T) *schemas.Dataset {
	t.Helper()
	dir := t.TempDir()
	m := &schemas.Manifest{Version: schemas.ManifestVersion, Schema: schemas.Schema{Kind: schemas.Text}}
	put := func(role, path string, rs []*schemas.Record, xs []schemas.Reject) schemas.Shard {
		var b bytes.Buffer
		if role == schemas.RoleRejects {
			w, err := schemas.NewRejectWriter("jsonl", &b, &m.Schema, schemas.WriteOptions{})
			if err = errors.Join(err, w.Write(xs), w.Close()); err != nil {
				t.Fatal(err)
			}
		} else {
			w, err := schemas.NewWriter("jsonl", &b, &m.Schema, schemas.WriteOptions{})
			if err = errors.Join(err, w.Write(rs), w.Close()); err != nil {
				t.Fatal(err)
			}
		}
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		return schemas.Shard{Role: role, Path: path, Rows: int64(len(rs) + len(xs))}
	}
	s, c, g := record(seed, "", 0), record(child, "generators/eda", 1, seed), record(grand, "generators/aeda", 2, child)
	failed := record(bad, "generators/label", 1, seed)
	m.Phases = []schemas.Phase{{Dir: "phases/1", Segments: []schemas.Segment{{
		Files: []schemas.Shard{
			put(schemas.RoleSpool, "phases/1/data/spool-0.jsonl", []*schemas.Record{s, c, g, record(spool, "", 0)}, nil),
			put(schemas.RoleTest, "data/test-0.jsonl", []*schemas.Record{record(held, "", 0)}, nil),
			put(schemas.RoleRejects, "rejects/rejects-0.jsonl", nil, []schemas.Reject{
				{Record: failed, Stage: "generators/label", Reason: "bad_json", Failed: true},
				{Record: record(round, "generators/eda", 1, round), Stage: "filters/length", Reason: "too_short"},
			}),
		},
		Counts: []schemas.Tally{{Stage: "source"}, {Stage: "generators/eda"}, {Stage: "generators/aeda"}, {Stage: "generators/label"}, {Stage: "filters/length"}, {Stage: "spool"}},
	}}}}
	m.Segments = []schemas.Segment{{
		Files: []schemas.Shard{
			put(schemas.RoleTrain, "data/train-0.jsonl", []*schemas.Record{g}, nil),
			put(schemas.RoleRejects, "rejects/rejects-1.jsonl", nil, []schemas.Reject{{Record: c, Stage: "filters/top", Reason: "below_top", Owner: seed, Score: .5}}),
		},
		Counts: []schemas.Tally{{Stage: "phases/1"}, {Stage: "filters/top"}, {Stage: "mine"}, {Stage: "sink"}},
	}}
	if err := m.Write(schemas.Disk, dir); err != nil {
		t.Fatal(err)
	}
	return &schemas.Dataset{Dir: dir, Manifest: m}
}

func TestFates(t *testing.T) {
	d := example(t)
	for _, c := range []struct {
		id     schemas.ID
		fate   string
		stages string
		line   []schemas.ID
	}{
		{grand, Accepted, "generators/aeda made it, generators/label passed, filters/length passed, filters/top passed, mine passed", []schemas.ID{child, seed}},
		{child, Rejected, "generators/eda made it, generators/aeda passed, generators/label passed, filters/length passed, filters/top took it out", []schemas.ID{seed}},
		{bad, Rejected, "generators/label took it out", []schemas.ID{seed}},
		{held, HeldOut, "source held out: no stage has seen it", nil},
		{spool, Waiting, "generators/eda passed, generators/aeda passed, generators/label passed, filters/length passed", nil},
		{round, Rejected, "generators/eda made it, generators/aeda passed, generators/label passed, filters/length took it out", nil}, // its own parent: damage
	} {
		s, err := Tell(d, c.id)
		if err != nil {
			t.Fatal(err)
		}
		var did []string
		for _, p := range s.Stages {
			did = append(did, p.Stage+" "+p.Did)
		}
		var line []schemas.ID
		for _, a := range s.Line {
			line = append(line, a.ID)
		}
		if s.Fate != c.fate || strings.Join(did, ", ") != c.stages {
			t.Errorf("%s: %s: %s\nwant %s: %s", c.id, s.Fate, strings.Join(did, ", "), c.fate, c.stages)
		}
		if diff := cmp.Diff(c.line, line); diff != "" {
			t.Errorf("%s: line of ancestors: %s", c.id, diff)
		}
		if text := s.Text(80, nil); !strings.HasPrefix(text, c.id.String()+"  "+c.fate) {
			t.Errorf("text begins %q", text[:60])
		}
	}
	s, err := Tell(d, child)
	if err != nil || s.Owner == nil || s.Owner.ID != seed || s.Owner.Record == nil {
		t.Errorf("owner %+v (%v)", s.Owner, err)
	}
	if _, err := Tell(d, schemas.ID{1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown id: %v", err)
	}
}

func TestResolve(t *testing.T) {
	d := example(t)
	for _, id := range []schemas.ID{seed, held, child, grand, bad, spool} {
		for _, prefix := range []string{id.String(), id.String()[:10], strings.ToUpper(id.String()[:8])} {
			if got, err := Resolve(d, prefix); err != nil || got != id {
				t.Errorf("%s: %s, %v", prefix, got, err)
			}
		}
	}
	for prefix, want := range map[string]error{"": ErrNoID, "xyz": ErrNoID, strings.Repeat("a", 33): ErrNoID, strings.Repeat("z", 32): ErrNoID, "0123456789abc": ErrNotFound} {
		if _, err := Resolve(d, prefix); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", prefix, err, want)
		}
	}
	digits := map[byte]int{}
	for _, id := range []schemas.ID{seed, held, child, grand, bad, round, spool} {
		digits[id.String()[0]]++
	}
	for digit, n := range digits {
		_, err := Resolve(d, string(digit))
		if _, many := errors.AsType[*Ambiguous](err); many != (n > 1) {
			t.Errorf("%c begins %d ids: %v", digit, n, err)
		}
	}
}
