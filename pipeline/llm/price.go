package llm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in pico-units (10⁻¹²) of the recipe's currency: whole numbers, so that sums are exact. It is written as a
// decimal amount: 5, 0.25, "0.000001".
type Money int64

// Unit is one whole unit of the currency, such as one dollar.
const Unit Money = 1_000_000_000_000

// Rate is a price in pico-units per token. It is written as providers print it, per million tokens: 0.0375 is 37,500
// pico-units per token, exactly. At most six decimals.
type Rate int64

// UnmarshalText reads a decimal amount such as 12.50.
func (m *Money) UnmarshalText(b []byte) error {
	v, err := decimal(string(b), 12)
	*m = Money(v)
	return err
}

// MarshalText writes the shortest exact decimal.
func (m Money) MarshalText() ([]byte, error) { return []byte(plain(int64(m), 12)), nil }

// String writes at least two decimals and no more than needed down to a millionth: 0.25, 12.00, 0.000038.
func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	micro := (int64(m) + 500_000) / 1_000_000
	s := fmt.Sprintf("%d.%06d", micro/1_000_000, micro%1_000_000)
	for strings.HasSuffix(s, "0") && len(s)-strings.IndexByte(s, '.') > 3 {
		s = s[:len(s)-1]
	}
	return sign + s
}

// UnmarshalText reads a price per million tokens.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := decimal(string(b), 6)
	*r = Rate(v)
	return err
}

// MarshalText writes the price per million tokens.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes the price per million tokens: 0.0375.
func (r Rate) String() string { return plain(int64(r), 6) }

// Price says what a model costs, per million tokens. A price that is not given is unknown, never zero: with a money cap, input and
// output must be known. A local model has {input: 0, output: 0}.
type Price struct {
	Input       *Rate  `yaml:"input"`        // prompt tokens
	CachedInput *Rate  `yaml:"cached_input"` // prompt tokens that the provider had cached; default: input
	CacheWrite  *Rate  `yaml:"cache_write"`  // prompt tokens written to the provider's cache; default: input
	Output      *Rate  `yaml:"output"`       // completion tokens
	Reasoning   *Rate  `yaml:"reasoning"`    // reasoning tokens, a part of the completion; default: output
	Request     *Money `yaml:"request"`      // per request, in whole units of the currency; default: nothing
	Currency    string `yaml:"currency"`     // default USD
	AsOf        string `yaml:"as_of"`        // date of the price list, such as 2026-11-01
}

// Known reports whether the price of every token is known.
func (p *Price) Known() bool { return p != nil && p.Input != nil && p.Output != nil }

func (p *Price) currency() string {
	if p == nil || p.Currency == "" {
		return "USD"
	}
	return strings.ToUpper(p.Currency)
}

// Cost is the price of u, rounded to nothing: all factors are whole. An unknown price costs 0 here; [Spec.Check] has
// refused it where a cap depends on it. written is how many prompt tokens went to the provider's cache, -1 if it does not tell:
// then all that were not read from it may have, and the dearer price counts.
func (p *Price) Cost(u Usage, written int64) Money {
	if p == nil {
		return 0
	}
	in, out := value(p.Input, 0), value(p.Output, 0)
	write := value(p.CacheWrite, in)
	fresh := max(u.Prompt-u.Cached, 0)
	switch {
	case p.CacheWrite == nil:
		written = 0
	case written < 0 && write > in:
		written = fresh
	}
	written = min(max(written, 0), fresh)
	thought := min(u.Reasoning, u.Completion)
	c := (fresh-written)*in + written*write + u.Cached*value(p.CachedInput, in) +
		(u.Completion-thought)*out + thought*value(p.Reasoning, out)
	if p.Request != nil {
		c += int64(*p.Request)
	}
	return Money(c)
}

// worst is the most that prompt and completion tokens can cost in one request.
func (p *Price) worst(prompt, completion int64) Money {
	if p == nil {
		return 0
	}
	in, out := value(p.Input, 0), value(p.Output, 0)
	c := prompt*max(in, value(p.CacheWrite, in), value(p.CachedInput, in)) + completion*max(out, value(p.Reasoning, out))
	if p.Request != nil {
		c += int64(*p.Request)
	}
	return Money(c)
}

func value(r *Rate, unknown int64) int64 {
	if r == nil {
		return unknown
	}
	return int64(*r)
}

// decimal reads a non-negative decimal number exactly, scaled by 10^digits: decimal("0.0375", 6) is 37500.
func decimal(s string, digits int) (int64, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "_", ""))
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	if strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("%q is negative", s)
	}
	if len(frac) > digits {
		return 0, fmt.Errorf("%q has more than %d decimals", s, digits)
	}
	if whole == "" {
		whole = "0"
	}
	all := whole + frac + strings.Repeat("0", digits-len(frac))
	v, err := strconv.ParseUint(all, 10, 64)
	if err != nil || v > math.MaxInt64 || s == "" || s == "." {
		return 0, fmt.Errorf("%q is not a decimal number such as 0.15 (or it is too large)", s)
	}
	return int64(v), nil
}

// plain writes v / 10^digits without trailing zeros.
func plain(v int64, digits int) string {
	s := fmt.Sprintf("%0*d", digits+1, v)
	whole, frac := s[:len(s)-digits], strings.TrimRight(s[len(s)-digits:], "0")
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
