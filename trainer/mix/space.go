package mix

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// A space is the mixtures that a search looks at. Every domain is a coordinate; those whose mixture is frozen are one coordinate together, within which their
// shares keep their proportions. When a domain is added to a mixture that is known already, the space has two coordinates, however many domains there are,
// and takes as few proxy runs as two domains do (mixture reuse, after arXiv 2602.12237).
//
//	domains a b c, frozen a 3, c 1: coordinates (a and c, b); .8 .2 is the mixture .6 .2 .2
type space struct {
	names  []string  // of the domains
	of     []int     // coordinate of every domain
	within []float64 // share of every domain within its coordinate
	size   int       // coordinates
}

func newSpace(frozen map[string]float64, env Env) (*space, error) {
	s := &space{}
	sum := 0.
	for _, name := range slices.Sorted(maps.Keys(frozen)) {
		if !slices.ContainsFunc(env.Domains, func(d Domain) bool { return d.Name == name }) {
			return nil, fmt.Errorf("frozen: there is no domain %s", name)
		}
		if w := frozen[name]; !(w >= 0) || !finite(w) {
			return nil, fmt.Errorf("frozen: domain %s has %v, want a share of 0 or more", name, w)
		}
		sum += frozen[name]
	}
	if len(frozen) > 0 && sum == 0 {
		return nil, fmt.Errorf("frozen: all shares are 0")
	}
	together := -1
	for _, d := range env.Domains {
		s.names = append(s.names, d.Name)
		w, ok := frozen[d.Name]
		if !ok {
			s.of, s.within = append(s.of, s.size), append(s.within, 1)
			s.size++
			continue
		}
		if together < 0 {
			together = s.size
			s.size++
		}
		s.of, s.within = append(s.of, together), append(s.within, w/sum)
	}
	return s, nil
}

// expand gives the shares of the domains.
func (s *space) expand(at []float64) []float64 {
	out := make([]float64, len(s.of))
	for i, c := range s.of {
		out[i] = at[c] * s.within[i]
	}
	return out
}

// contract gives the coordinates of shares of domains.
func (s *space) contract(shares []float64) []float64 {
	out := make([]float64, s.size)
	for i, c := range s.of {
		out[c] += shares[i]
	}
	return out
}

// caps are the largest coordinates that the cap on repetition allows.
func (s *space) caps(env Env) []float64 {
	out := make([]float64, s.size)
	for c := range out {
		out[c] = 1
	}
	for i, m := range most(env) {
		if s.within[i] > 0 {
			out[s.of[i]] = min(out[s.of[i]], m/s.within[i])
		}
	}
	return out
}

// tried lowers caps to the largest coordinates that runs have had. Beyond them a log-linear fit knows nothing of how steeply a loss rises where its domain's
// share nears zero, and gives all to one domain.
func tried(caps []float64, runs []Run) []float64 {
	for c := range caps {
		top := 0.
		for _, r := range runs {
			top = max(top, r.Shares[c])
		}
		caps[c] = min(caps[c], top)
	}
	return caps
}

// prior is the mixture by size.
func (s *space) prior(env Env) []float64 {
	p, sum := s.contract(powers(env, 1)), 0.
	for _, v := range p {
		sum += v
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

// explain says by predict what is expected of a domain, where it is one that is judged.
func (s *space) explain(domain int, judged []string, predict func(loss int) string) string {
	if i := slices.Index(judged, s.names[domain]); i >= 0 {
		return predict(i)
	}
	return "with it " + judged[0] + " is predicted to do best"
}

// known are the runs of the recipe, or those that training has made.
func known(written, probed []Run) []Run {
	if len(written) > 0 {
		return written
	}
	return probed
}

// design answers [Prober].Design: nothing where the recipe has runs; else n mixtures of the space that frozen leaves.
func design(written []Run, frozen map[string]float64, env Env, n int) ([][]float64, error) {
	if len(written) > 0 {
		return nil, nil
	}
	s, err := newSpace(frozen, env)
	if err != nil {
		return nil, err
	}
	return s.design(env, n)
}

// design gives n mixtures to try, all of them allowed by the cap on repetition; with n = 0 as many as the space takes: five for every share that is free, and
// one. They are shares of domains.
//
//	coordinates 2, 3, 4: 6, 11, 16 mixtures
func (s *space) design(env Env, n int) ([][]float64, error) {
	if n == 0 {
		n = 5*(s.size-1) + 1
	}
	caps, sum := s.caps(env), 0.
	for _, c := range caps {
		sum += c
	}
	if sum < 1-1e-9 {
		return nil, fmt.Errorf("the frozen shares and the cap on repetition leave too few examples: raise repeats or lower steps")
	}
	all := Design(n, s.prior(env), env.Seed)
	for i := range all {
		all[i] = s.expand(share(all[i], caps, 1))
	}
	return all, nil
}

// runs gives proxy runs with their coordinates in place of shares, having checked that they fit, and are at least least.
func (s *space) runs(runs []Run, env Env, least int) ([]Run, error) {
	k := len(env.Domains)
	judged := len(env.judged())
	if len(runs) < least {
		return nil, fmt.Errorf("runs: %d proxy runs for %d domains, want at least %d: leave runs out and training makes them", len(runs), k, least)
	}
	out := make([]Run, 0, len(runs))
	for n, r := range runs {
		if len(r.Shares) != k || len(r.Losses) != judged {
			return nil, fmt.Errorf("runs: run %d has %d shares and %d losses for %d domains, %d of them judged", n, len(r.Shares), len(r.Losses), k, judged)
		}
		sum := 0.
		for i, v := range r.Shares {
			if !(v >= 0) {
				return nil, fmt.Errorf("runs: run %d has the share %v of domain %s", n, v, env.Domains[i].Name)
			}
			sum += v
		}
		for i, l := range r.Losses {
			if !(l > 0) || !finite(l) {
				return nil, fmt.Errorf("runs: run %d has the loss %v on %s", n, l, env.judged()[i])
			}
		}
		if math.Abs(sum-1) > 1e-3 {
			return nil, fmt.Errorf("runs: the shares of run %d have the sum %v, want 1", n, sum)
		}
		at := s.contract(r.Shares)
		for i, v := range s.expand(at) {
			if math.Abs(v-r.Shares[i]) > 1e-3 {
				return nil, fmt.Errorf("runs: run %d does not keep the frozen proportions: domain %s has %v, not %v", n, env.Domains[i].Name, r.Shares[i], v)
			}
		}
		out = append(out, Run{Shares: at, Losses: r.Losses})
	}
	return out, nil
}
