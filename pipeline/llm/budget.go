package llm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Budget caps what a dataset, or a run, may spend. A request leaves only if everything spent, everything in flight
// at its worst and its own worst case fit under the cap.
type Budget struct {
	USD    *Money `yaml:"usd"`    // most money, in US dollars
	Amount *Money `yaml:"amount"` // most money, in the currency of the prices (where it is not USD)
	Tokens int64  `yaml:"tokens"` // most tokens, prompt and completion together; 0: no cap
	Per    string `yaml:"per"`    // dataset (all runs together, killed ones included; the default) or run
}

// Money returns the cap in money, or false if there is none.
func (b *Budget) Money() (Money, bool) {
	switch {
	case b == nil:
		return 0, false
	case b.USD != nil:
		return *b.USD, true
	case b.Amount != nil:
		return *b.Amount, true
	}
	return 0, false
}

// Check returns what is wrong with the budget for a recipe that uses the models of specs: every finding, joined.
func (b *Budget) Check(specs map[string]Spec) error {
	if b == nil {
		return nil
	}
	var errs []error
	if b.USD != nil && b.Amount != nil {
		errs = append(errs, errors.New("usd, amount: give one of them"))
	}
	if b.Tokens < 0 {
		errs = append(errs, fmt.Errorf("tokens: %d is negative", b.Tokens))
	}
	if !slices.Contains([]string{"", "dataset", "run"}, b.Per) {
		errs = append(errs, fmt.Errorf("per: %q is not one of dataset, run", b.Per))
	}
	if _, capped := b.Money(); !capped {
		return errors.Join(errs...)
	}
	currency := ""
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		s := specs[name].withDefaults()
		switch {
		case s.Provider != OpenAI:
		case !s.Price.Known():
			errs = append(errs, fmt.Errorf("the price of model %s is unknown, so money cannot be capped: give models.%s.price {input, output} per million tokens ({input: 0, output: 0} for a local model)", name, name))
		case b.USD != nil && s.Price.currency() != "USD":
			errs = append(errs, fmt.Errorf("usd: model %s is priced in %s: give amount: instead", name, s.Price.currency()))
		case currency != "" && s.Price.currency() != currency:
			errs = append(errs, fmt.Errorf("models are priced in %s and in %s: one cap cannot hold both", currency, s.Price.currency()))
		default:
			currency = s.Price.currency()
		}
	}
	return errors.Join(errs...)
}
