package generators

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v7"

	"sluice/schemas"
)

// Column is one column of [Columns]. It is made in exactly one way.
type Column struct {
	Name string `yaml:"name"` // letters, digits and _
	Type string `yaml:"type"` // string, int, float, bool, list<…>, struct<name: type>; an expression must have one
	When string `yaml:"when"` // condition; where it is not true the column is null and costs nothing

	Category  []any              `yaml:"category"`  // one of these values, all as likely
	Weighted  map[string]float64 `yaml:"weighted"`  // one of these texts, by weight
	Int       *Span              `yaml:"int"`       // a whole number from min to max, both included
	Uniform   *Span              `yaml:"uniform"`   // a number from min to max
	Gaussian  *Normal            `yaml:"gaussian"`  // a normally distributed number
	Bernoulli *float64           `yaml:"bernoulli"` // true with this probability
	Datetime  *Period            `yaml:"datetime"`  // a moment
	Fake      string             `yaml:"fake"`      // invented data by gofakeit's patterns, such as "{firstname} {lastname}, {city}"
	Expr      string             `yaml:"expr"`      // an expression over the seed's fields and other columns
	Prompt    string             `yaml:"prompt"`    // a template: a model writes the value

	System      string         `yaml:"system"`      // template of the system message; for prompts
	Model       string         `yaml:"model"`       // default: the stage's
	Temperature *float64       `yaml:"temperature"` // default: the model's
	TopP        *float64       `yaml:"top_p"`
	MaxTokens   int            `yaml:"max_tokens"`
	Schema      map[string]any `yaml:"schema"` // JSON Schema of the answer; the column's type follows from it
}

// Span is a range of numbers.
type Span struct {
	Min   float64 `yaml:"min"`
	Max   float64 `yaml:"max"`
	Round *int    `yaml:"round"` // decimal places; default: all
}

// Normal is a normal distribution, cut at min and max.
type Normal struct {
	Mean  float64  `yaml:"mean"`
	Std   float64  `yaml:"std"`
	Min   *float64 `yaml:"min"`
	Max   *float64 `yaml:"max"`
	Round *int     `yaml:"round"` // decimal places; default: all
}

// Period is a range of time. Dates are written 2024-12-31 or 2024-12-31T23:59:59Z.
type Period struct {
	From   string `yaml:"from"`
	To     string `yaml:"to"`     // not included
	Format string `yaml:"format"` // date (the default: 2024-12-31) or rfc3339
}

var allWays = []string{"category", "weighted", "int", "uniform", "gaussian", "bernoulli", "datetime", "fake", "expr", "prompt"}

// ways names how the column says that it is made.
func (c *Column) ways() []string {
	set := []bool{len(c.Category) > 0, len(c.Weighted) > 0, c.Int != nil, c.Uniform != nil, c.Gaussian != nil,
		c.Bernoulli != nil, c.Datetime != nil, c.Fake != "", c.Expr != "", c.Prompt != ""}
	var ways []string
	for i, on := range set {
		if on {
			ways = append(ways, allWays[i])
		}
	}
	return ways
}

func (c *Column) modelOr(stage string) string { return cmp.Or(c.Model, stage) }

// checkSampler finds numbers that no value fits.
func (c *Column) checkSampler() error {
	span := func(s *Span) error {
		if s != nil && !(s.Min <= s.Max && !math.IsInf(s.Max-s.Min, 0)) {
			return fmt.Errorf("min %g is above max %g", s.Min, s.Max)
		}
		return nil
	}
	switch {
	case c.Int != nil && (c.Int.Min != math.Trunc(c.Int.Min) || c.Int.Max != math.Trunc(c.Int.Max) || math.Abs(c.Int.Min) > 1<<52 || math.Abs(c.Int.Max) > 1<<52):
		return errors.New("int wants whole numbers below 2^52")
	case c.Gaussian != nil && !(c.Gaussian.Std >= 0):
		return errors.New("gaussian: std must not be negative")
	case c.Gaussian != nil && c.Gaussian.Min != nil && c.Gaussian.Max != nil && *c.Gaussian.Min > *c.Gaussian.Max:
		return errors.New("gaussian: min is above max")
	case c.Bernoulli != nil && !(*c.Bernoulli >= 0 && *c.Bernoulli <= 1):
		return errors.New("bernoulli is a probability from 0 to 1")
	case c.Prompt == "" && (c.Schema != nil || c.System != "" || c.Model != "" || c.Temperature != nil || c.TopP != nil || c.MaxTokens != 0):
		return errors.New("schema, system, model, temperature, top_p and max_tokens are for prompts")
	}
	total := 0.0
	for _, k := range slices.Sorted(maps.Keys(c.Weighted)) {
		if !(c.Weighted[k] >= 0) {
			return fmt.Errorf("weight of %q is negative", k)
		}
		total += c.Weighted[k]
	}
	if len(c.Weighted) > 0 && !(total > 0) {
		return errors.New("all weights are 0")
	}
	if c.Datetime != nil {
		if _, _, err := c.Datetime.bounds(); err != nil {
			return err
		}
	}
	if c.Fake != "" {
		return checkFake(c.Fake)
	}
	return errors.Join(span(c.Int), span(c.Uniform))
}

// sample draws the value of a column that is drawn.
func (c *Column) sample(t schemas.Type, rng *rand.Rand) (any, error) {
	switch {
	case len(c.Category) > 0:
		return convert(t, c.Category[rng.IntN(len(c.Category))]), nil
	case len(c.Weighted) > 0:
		return weighted(c.Weighted, rng), nil
	case c.Int != nil:
		return int64(c.Int.Min) + rng.Int64N(int64(c.Int.Max)-int64(c.Int.Min)+1), nil
	case c.Uniform != nil:
		return rounded(c.Uniform.Min+rng.Float64()*(c.Uniform.Max-c.Uniform.Min), c.Uniform.Round), nil
	case c.Gaussian != nil:
		v := c.Gaussian.Mean + c.Gaussian.Std*rng.NormFloat64()
		if c.Gaussian.Min != nil {
			v = max(v, *c.Gaussian.Min)
		}
		if c.Gaussian.Max != nil {
			v = min(v, *c.Gaussian.Max)
		}
		return rounded(v, c.Gaussian.Round), nil
	case c.Bernoulli != nil:
		return rng.Float64() < *c.Bernoulli, nil
	case c.Datetime != nil:
		return c.Datetime.sample(rng)
	}
	return gofakeit.NewFaker(rng, false).Generate(c.Fake)
}

// weighted draws a key in proportion to its weight.
func weighted(weights map[string]float64, rng *rand.Rand) string {
	keys := slices.Sorted(maps.Keys(weights))
	total := 0.0
	for _, k := range keys {
		total += weights[k]
	}
	at := rng.Float64() * total
	last := ""
	for _, k := range keys {
		if weights[k] == 0 {
			continue
		}
		if last = k; at < weights[k] {
			break
		}
		at -= weights[k]
	}
	return last
}

func rounded(v float64, places *int) float64 {
	if places == nil {
		return v
	}
	p := math.Pow10(*places)
	return math.Round(v*p) / p
}

func (p *Period) bounds() (from, to time.Time, err error) {
	parse := func(s string) time.Time {
		t, e := time.Parse(time.DateOnly, s)
		if e != nil {
			t, e = time.Parse(time.RFC3339, s)
		}
		if e != nil && err == nil {
			err = fmt.Errorf("datetime: %q is no date: write 2024-12-31 or 2024-12-31T23:59:59Z", s)
		}
		return t
	}
	from, to = parse(p.From), parse(p.To)
	if err == nil && !from.Before(to) {
		err = fmt.Errorf("datetime: from %s is not before to %s", p.From, p.To)
	}
	if err == nil && p.Format != "" && p.Format != "date" && p.Format != "rfc3339" {
		err = fmt.Errorf("datetime: format is date or rfc3339, not %q", p.Format)
	}
	return from, to, err
}

func (p *Period) sample(rng *rand.Rand) (string, error) {
	from, to, err := p.bounds()
	if err != nil {
		return "", err
	}
	t := from.Add(time.Duration(rng.Int64N(int64(to.Sub(from)/time.Second)+1)) * time.Second)
	if !t.Before(to) {
		t = to.Add(-time.Second)
	}
	if p.Format == "rfc3339" {
		return t.Format(time.RFC3339), nil
	}
	return t.Format(time.DateOnly), nil
}

// checkFake finds patterns in braces that gofakeit does not know: it would leave them in the text.
func checkFake(pattern string) error {
	for rest := pattern; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return nil
		}
		inner, after, ok := strings.Cut(after, "}")
		if !ok {
			return fmt.Errorf("fake: %q has an open brace", pattern)
		}
		name, _, _ := strings.Cut(inner, ":")
		if gofakeit.GetFuncLookup(strings.ToLower(name)) == nil {
			return fmt.Errorf("fake: unknown pattern {%s}", name)
		}
		rest = after
	}
}
