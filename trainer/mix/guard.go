package mix

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// A Guard stands before a training and asks whether a mixer is worth its risk: uniform mixing and the mixer train side by side on a small part of the
// budget, with the same seeds, every mixer with its own periods shortened to the length of a trial. The mixer stays only if the paired 90 % interval of
// its excess loss excludes "worse by more than .5 %". Excess is taken domain by domain, as a ratio, and averaged: a domain of high loss, noise above all,
// has no more say than another.
type Guard struct {
	Share  float64            `yaml:"share" json:"share"`   // of the steps, for all trials together: .05 to .1
	Seeds  int                `yaml:"seeds" json:"seeds"`   // pairs
	Worse  float64            `yaml:"worse" json:"worse"`   // what a mixer may be worse by
	Target map[string]float64 `yaml:"target" json:"target"` // what a domain's loss counts, by name; none: 1 for all
}

// DefaultGuard spends a tenth of the steps on five pairs.
func DefaultGuard() Guard { return Guard{Share: .1, Seeds: 5, Worse: .005} }

// A Verdict is what a guard found.
type Verdict struct {
	Keep   bool      `json:"keep"`
	Excess float64   `json:"excess"` // mean of the pairs
	Low    float64   `json:"low"`    // its 90 % interval
	Up     float64   `json:"up"`
	Pairs  []float64 `json:"pairs"` // excess of every pair
	Steps  int64     `json:"steps"` // of a trial
	Failed string    `json:"failed,omitempty"`
}

// ErrDiverged is what a [Trial] fails with when its loss is no number any more. With a mixer to judge, that is a judgement.
var ErrDiverged = errors.New("the training diverged")

// shortest is the least number of steps that tells mixers apart: before, exploration keeps the bandits uniform, and all trials end alike.
const shortest = 20

// String says the verdict in words.
func (v Verdict) String() string {
	what := "uniform mixing takes its place"
	if v.Keep {
		what = "the mixer stays"
	}
	if v.Failed != "" {
		return v.Failed + ": " + what
	}
	return fmt.Sprintf("validation loss against uniform mixing %+.2f %% (90 %% interval %+.2f to %+.2f %%, %d pairs): %s", 100*v.Excess, 100*v.Low, 100*v.Up,
		len(v.Pairs), what)
}

// Check says what is wrong with the settings, or with the length of the training for them.
func (g Guard) Check(env Env) error {
	if err := g.Suits(env.Steps); err != nil {
		return err
	}
	_, err := importance(g.Target, env)
	if err != nil {
		err = fmt.Errorf("guard: %w", err)
	}
	return err
}

// Suits is [Guard.Check] for what is known before any data are read: the length of the training.
func (g Guard) Suits(steps int64) error {
	if !(g.Share > 0 && g.Share <= 1) || g.Seeds < 2 || !(g.Worse >= 0) {
		return fmt.Errorf("guard: share lies above 0 and up to 1, seeds are 2 or more and worse 0 or more, not %v, %d and %v", g.Share, g.Seeds, g.Worse)
	}
	if each := g.trial(steps); each < shortest {
		return fmt.Errorf("guard: %v of %d steps is %d steps for each of %d trials, and fewer than %d tell nothing: raise guard.share or steps, lower guard.seeds, or leave guard out",
			g.Share, steps, each, 2*g.Seeds, shortest)
	}
	return nil
}

// Steps is the length of a trial.
func (g Guard) Steps(env Env) int64 { return g.trial(env.Steps) }

func (g Guard) trial(steps int64) int64 { return int64(g.Share * float64(steps) / float64(2*g.Seeds)) }

// Try runs the trials. Fresh gives a new mixer, not yet opened, at every call. Domains without a validation loss (NaN) have no say.
func (g Guard) Try(ctx context.Context, fresh func() Mixer, trial Trial, env Env) (Verdict, error) {
	if err := g.Check(env); err != nil {
		return Verdict{}, err
	}
	steps := g.Steps(env)
	weight, err := importance(g.Target, env)
	if err != nil {
		return Verdict{}, fmt.Errorf("guard: %w", err)
	}
	var pairs []float64
	for i := range g.Seeds {
		m := fresh()
		if p, ok := m.(Periodic); ok {
			p.Shorten(float64(steps)/float64(env.Steps), len(env.Domains))
		}
		theirs, err := trial(ctx, m, steps, env.Seed+uint64(i))
		if errors.Is(err, ErrDiverged) {
			return Verdict{Steps: steps, Failed: fmt.Sprintf("trial %d of the mixer diverged", i+1)}, nil
		}
		if err != nil {
			return Verdict{}, fmt.Errorf("guard: trial %d: %w", i+1, err)
		}
		ours, err := trial(ctx, &Uniform{}, steps, env.Seed+uint64(i))
		if err != nil {
			return Verdict{}, fmt.Errorf("guard: trial %d of uniform mixing: %w", i+1, err)
		}
		sum, all := 0., 0.
		for k, l := range ours {
			if !math.IsNaN(l) && weight[k] > 0 {
				sum += weight[k] * (theirs[k]/l - 1)
				all += weight[k]
			}
		}
		if all == 0 {
			return Verdict{}, fmt.Errorf("guard: no domain that counts has validation data")
		}
		pairs = append(pairs, sum/all)
	}
	v := g.Decide(pairs)
	v.Steps = steps
	return v, nil
}

// A Periodic mixer does something every so many steps. Shortened, it does so as often in a training of the share f of the steps.
type Periodic interface{ Shorten(f float64, domains int) }

// Decide judges pairs of excess losses.
//
//	pairs .01 .02 .03, worse .005: mean .02, interval .02 ± 2.92·.01/√3 = .003 to .037: uniform
func (g Guard) Decide(pairs []float64) Verdict {
	n := float64(len(pairs))
	v := Verdict{Pairs: pairs}
	for _, p := range pairs {
		v.Excess += p / n
	}
	s := 0.
	for _, p := range pairs {
		s += (p - v.Excess) * (p - v.Excess) / (n - 1)
	}
	half := student95(len(pairs)-1) * math.Sqrt(s/n)
	v.Low, v.Up = v.Excess-half, v.Excess+half
	v.Keep = v.Up <= g.Worse // false, too, for NaN: a trial that diverged
	return v
}

// student95 is the 95 % quantile of Student's distribution.
func student95(freedom int) float64 {
	table := []float64{6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753}
	if freedom <= len(table) {
		return table[max(1, freedom)-1]
	}
	return 1.645 + 1.6/float64(freedom) // within .002 of the table above 15
}

// Guarded is a mixer or, when its guard has turned it down, uniform mixing. Its state says which, so that a resumed run asks no guard again.
type Guarded struct {
	Mixer   Mixer
	uniform Uniform
	kept    bool
}

// Open implements [Opener].
func (g *Guarded) Open(env Env) error {
	g.kept = true
	if err := g.uniform.Open(env); err != nil {
		return err
	}
	return Open(g.Mixer, env)
}

// Heed obeys a verdict; it is called after Open and before the first pick.
func (g *Guarded) Heed(v Verdict) { g.kept = v.Keep }

func (g *Guarded) active() Mixer {
	if g.kept {
		return g.Mixer
	}
	return &g.uniform
}

// Pick implements [Mixer].
func (g *Guarded) Pick(step int64, rng *rand.Rand) int { return g.active().Pick(step, rng) }

// Learn implements [Mixer].
func (g *Guarded) Learn(step int64, domain int, loss float64) { g.active().Learn(step, domain, loss) }

// Weights implements [Mixer].
func (g *Guarded) Weights() []float64 { return g.active().Weights() }

// Due implements [Validator].
func (g *Guarded) Due(step int64) bool {
	v, ok := g.active().(Validator)
	return ok && v.Due(step)
}

// Validate implements [Validator].
func (g *Guarded) Validate(step int64, losses []float64) {
	if v, ok := g.active().(Validator); ok {
		v.Validate(step, losses)
	}
}

// MarshalBinary implements [Mixer]: one byte, 1 for kept, then the state of the mixer in use.
func (g *Guarded) MarshalBinary() ([]byte, error) {
	b, err := g.active().MarshalBinary()
	if g.kept {
		return append([]byte{1}, b...), err
	}
	return append([]byte{0}, b...), err
}

// UnmarshalBinary implements [Mixer].
func (g *Guarded) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] > 1 {
		return fmt.Errorf("mixer state: this is no state of a guarded mixer")
	}
	g.kept = b[0] == 1
	return g.active().UnmarshalBinary(b[1:])
}
