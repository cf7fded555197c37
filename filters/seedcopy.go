package filters

import (
	"context"
	"errors"
	"fmt"

	"sluice/pipeline"
	"sluice/pipeline/text"
	"sluice/schemas"
)

// SeedCopy drops made records that repeat a seed: models that are shown examples hand them back. A record is a copy if
//
//   - the longest run of tokens it shares with one seed is at least `run` (12) long, or
//   - one seed holds at least `coverage` (half) of its runs of eight tokens; a text of fewer tokens is one run, so a short text is a copy only
//     of a seed that says just the same.
//
// Tokens are runs of letters and digits, without case. Seeds themselves pass. All seeds of the pool are compared, the record's own parent
// among them; on sources with more than 2,000 seeds of a label the pool is a sample, and dedup/exact and dedup/minhash find the
// rest. Methods that keep most words of their seed (eda, aeda) make copies by this rule: put it before them, or after models only. Reason:
// seed_copy.
type SeedCopy struct {
	Run      int     `yaml:"run"`      // tokens; 0: no such rule, else at least 8
	Coverage float64 `yaml:"coverage"` // share of runs of eight; 0: no such rule

	seeds []*schemas.Record
	grams map[uint64][]place8
}

// place8 is where a run of eight tokens stands.
type place8 struct{ seed, at int32 }

const gramSize = 8

// Check finds rules that nothing meets.
func (s *SeedCopy) Check(pipeline.CheckEnv) error {
	var errs []error
	if s.Run != 0 && s.Run < gramSize {
		errs = append(errs, wrong("run", "must be 0 or at least %d", gramSize))
	}
	if !(s.Coverage >= 0 && s.Coverage <= 1) {
		errs = append(errs, wrong("coverage", "is a share from 0 to 1"))
	}
	if s.Run == 0 && s.Coverage == 0 {
		errs = append(errs, wrong("run", "run and coverage are both 0: nothing is ever a copy"))
	}
	return errors.Join(errs...)
}

// NeedsPool: the seeds to compare with.
func (s *SeedCopy) NeedsPool() bool { return true }

// Open indexes the runs of eight tokens of all seeds.
func (s *SeedCopy) Open(_ context.Context, env *pipeline.Env) error {
	s.seeds = env.Pool.Seeds
	s.grams = map[uint64][]place8{}
	var t text.Tokeniser
	var grams []uint64
	for i, r := range s.seeds {
		grams = text.AppendShingles(grams[:0], t.Hashes(r.Content()), gramSize)
		for at, g := range grams {
			s.grams[g] = append(s.grams[g], place8{int32(i), int32(at)})
		}
	}
	return nil
}

// Judge looks for the seed that r repeats most.
func (s *SeedCopy) Judge(_ context.Context, r *schemas.Record) (pipeline.Verdict, error) {
	if r.Origin.Depth == 0 {
		return pipeline.Keep, nil
	}
	var t text.Tokeniser
	tokens := t.Hashes(r.Content())
	grams := text.AppendShingles(nil, tokens, gramSize)
	seed, run, covered := s.longest(grams, len(tokens))
	share := 0.0
	if len(grams) > 0 {
		share = float64(covered) / float64(len(grams))
	}
	if s.Run > 0 && run >= s.Run || s.Coverage > 0 && covered > 0 && share >= s.Coverage {
		v := pipeline.Drop("seed_copy")
		v.Detail = fmt.Sprintf("shares %d tokens in a row and %.0f %% with seed %s", run, 100*share, s.seeds[seed].ID)
		return v, nil
	}
	return pipeline.Keep, nil
}

// longest returns the longest run of tokens shared with any seed, the most grams that one seed covers, and the seed to name: the one
// that covers most, or that shares the longest run where that decides.
func (s *SeedCopy) longest(grams []uint64, tokens int) (seed int32, run, covered int) {
	type diagonal struct{ seed, shift int32 }
	type reach struct{ last, length int }
	runs := map[diagonal]reach{}
	count := map[int32]int{}
	var runSeed, countSeed int32
	for i, g := range grams {
		for j, p := range s.grams[g] {
			if j == 0 || s.grams[g][j-1].seed != p.seed { // a gram counts once a seed
				count[p.seed]++
				if count[p.seed] > covered {
					covered, countSeed = count[p.seed], p.seed
				}
			}
			d := diagonal{p.seed, p.at - int32(i)}
			n := min(gramSize, tokens)
			if before, ok := runs[d]; ok && before.last == i-1 {
				n = before.length + 1
			}
			runs[d] = reach{i, n}
			if n > run {
				run, runSeed = n, p.seed
			}
		}
	}
	if s.Run > 0 && run >= s.Run {
		return runSeed, run, covered
	}
	return countSeed, run, covered
}
