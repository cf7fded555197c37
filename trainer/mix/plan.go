package mix

import (
	"fmt"
	"strings"
)

// An Explainer says in a few words why a domain has the share it has.
type Explainer interface{ Explain(domain int) string }

// A Choice is what a mixer means to do before the first step; a reactive one will move on from there.
type Choice struct {
	Mixer   string    `json:"mixer"`
	Domains []Planned `json:"domains"`
	Notes   []string  `json:"notes,omitempty"`
}

// Planned is the plan for one domain.
type Planned struct {
	Name     string  `json:"name"`
	Examples int64   `json:"examples"` // of one epoch
	Tokens   int64   `json:"tokens"`   // of one epoch
	Share    float64 `json:"share"`    // of the training
	Picks    float64 `json:"picks"`    // examples of it, expected
	Epochs   float64 `json:"epochs"`   // Picks / Examples
	Cap      float64 `json:"cap"`      // most picks that the cap on repetition allows; 0: any number
	Capped   bool    `json:"capped"`   // it will be reached
	Why      string  `json:"why"`
}

// Plan opens a mixer and tells what it will do and why; m is used up by it. Picks are simulated under the caps: a domain that ends early leaves its
// place to the others.
func Plan(name string, m Mixer, env Env) (*Choice, error) {
	if err := Open(m, env); err != nil {
		return nil, err
	}
	c := &Choice{Mixer: name}
	weights := append([]float64{}, m.Weights()...)
	all := 0.
	for _, d := range env.Domains {
		all += float64(d.Examples)
	}
	limit := caps(env, env.Repeats)
	if env.Repeats == 0 {
		for i := range limit {
			limit[i] = env.Examples()
		}
	}
	picks := share(weights, limit, env.Examples())
	for i, d := range env.Domains {
		p := Planned{Name: d.Name, Examples: d.Examples, Tokens: d.Tokens, Picks: picks[i], Epochs: picks[i] / float64(d.Examples), Cap: env.Repeats * float64(d.Examples)}
		if total := env.Examples(); total > 0 {
			p.Share = picks[i] / total
			p.Capped = env.Repeats > 0 && weights[i]*total > limit[i]*(1+1e-9)
		}
		p.Why = fmt.Sprintf("%.2f × its share by size", weights[i]*all/float64(d.Examples))
		if e, ok := m.(Explainer); ok {
			p.Why = e.Explain(i)
		}
		switch {
		case p.Capped:
			p.Why += fmt.Sprintf("; wants %.1f %%, ends after %v epochs", 100*weights[i], env.Repeats)
		case p.Epochs > 4:
			c.Notes = append(c.Notes, fmt.Sprintf("%s is repeated %.1f times: beyond 4 epochs repeated data is worth less and less (arXiv 2305.16264)", d.Name, p.Epochs))
		}
		c.Domains = append(c.Domains, p)
	}
	if Reacts(m) {
		c.Notes = append(c.Notes, "these are the shares of the first step; the mixer moves them by what it learns")
	}
	if _, ok := m.(Validator); ok {
		c.Notes = append(c.Notes, "the mixer asks for validation losses while training")
	}
	return c, nil
}

// Reacts tells whether the mixer's shares depend on training.
func Reacts(m Mixer) bool {
	if g, ok := m.(*Guarded); ok {
		m = g.active()
	}
	_, ok := m.(interface{ turn(int64) bool })
	return ok
}

// String gives the plan as a table in Markdown.
func (c *Choice) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mixer %s\n\n| domain | examples | tokens | share | picks | epochs | why |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n", c.Mixer)
	for _, d := range c.Domains {
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f %% | %.0f | %.2f | %s |\n", d.Name, d.Examples, d.Tokens, 100*d.Share, d.Picks, d.Epochs, d.Why)
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "\n%s.\n", n)
	}
	return b.String()
}
