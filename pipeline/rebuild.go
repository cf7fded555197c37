package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"sluice/schemas"
)

// rebuild makes claims anew that the manifest counts on but the store does not have, because the store is new, was
// lost or is damaged: from the rows that are sealed. Seeds that `seeds: drop` left out of the dataset are in no file,
// so their claims stay lost.
func (j *job) rebuild(tokens []string) error {
	missing, err := j.index.Missing(tokens)
	if err != nil || len(missing) == 0 || !slices.ContainsFunc(j.r.Stages, isDedup) {
		return err
	}
	phases := split(j.r.Stages)
	for i, p := range phases {
		man := j.man
		if i < len(phases)-1 {
			if man, err = schemas.ReadManifest(j.manifestDir(i, len(phases))); err != nil {
				return err
			}
		}
		for _, g := range man.Segments {
			if slices.Contains(missing, g.Token) {
				if err := j.reclaim(p, g); err != nil {
					return fmt.Errorf("rebuild claims: %w", err)
				}
			}
		}
	}
	j.o.Events.notice(fmt.Sprintf("the store in %s lacked the claims of %d sealed segments: they were rebuilt from the dataset's rows", j.r.State, len(missing)))
	return nil
}

func isDedup(s StageSpec) bool {
	_, ok := s.Component.(Deduper)
	return ok
}

// reclaim claims again for the rows of one segment, and stores the claims under its token.
func (j *job) reclaim(p phase, g schemas.Segment) error {
	for at := range p {
		d, ok := p[at].Component.(Deduper)
		if !ok {
			continue
		}
		scheme, scope := schemeOf(d)
		claims, err := j.index.Stage(p[at].ID, scheme)
		if err != nil {
			return err
		}
		claim := func(r *schemas.Record) error {
			l, err := d.Keys(context.Background(), r)
			if err != nil || len(l.Keys) == 0 {
				return err
			}
			_, err = claims.Claim(g.Last, r.ID, partition(scope, r), l)
			return err
		}
		for _, f := range g.Files {
			if err := j.eachClaimant(p, at, f, claim); err != nil {
				return err
			}
		}
	}
	return j.index.Seal(g.Token, g.Last)
}

// eachClaimant calls claim for every row of f that the deduplicating stage at had kept.
func (j *job) eachClaimant(p phase, at int, f schemas.Shard, claim func(*schemas.Record) error) error {
	name := filepath.Join(j.root, filepath.FromSlash(f.Path))
	acts := func(r *schemas.Record) bool { return p[at].On != OnMade || r.Origin.Depth > 0 }
	switch f.Role {
	case schemas.RoleTrain, schemas.RoleSpool:
		for r, err := range schemas.ReadShard(name) {
			if err == nil && acts(r) {
				err = claim(r)
			}
			if err != nil {
				return err
			}
		}
	case schemas.RoleRejects:
		for x, err := range schemas.ReadRejects(name) {
			if err == nil && acts(x.Record) && behind(p, at, x.Stage) {
				err = claim(x.Record)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// behind reports whether a record rejected by stage had passed the one at position at.
func behind(p phase, at int, stage string) bool {
	i := slices.IndexFunc(p, func(s StageSpec) bool { return s.ID == stage })
	return i > at || i < 0 && stage != SourceStage
}
