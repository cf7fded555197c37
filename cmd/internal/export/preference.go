package export

import (
	"slices"

	"sluice/schemas"
)

// preference writes pairs with their prompt, as TRL's DPO and reward trainers read them.
//
//	{"prompt": [{"role": "user", …}], "chosen": [{"role": "assistant", …}], "rejected": [{"role": "assistant", …}]}
func preference(e *env, r *schemas.Record) error {
	p, err := pairOf(r)
	if err != nil {
		return err
	}
	e.row(member{"prompt", p.prompt}, member{"chosen", p.chosen}, member{"rejected", p.rejected})
	return nil
}

// kto writes a row for each side of a pair, as TRL's KTO trainer reads them (Ethayarajh et al., 2024, arXiv 2402.01306).
//
//	{"prompt": […], "completion": [chosen], "label": true}
//	{"prompt": […], "completion": [rejected], "label": false}
func kto(e *env, r *schemas.Record) error {
	p, err := pairOf(r)
	if err != nil {
		return err
	}
	e.row(member{"prompt", p.prompt}, member{"completion", p.chosen}, member{"label", true})
	e.row(member{"prompt", p.prompt}, member{"completion", p.rejected}, member{"label", false})
	return nil
}

// pair is a preference with its prompt.
type pair struct{ prompt, chosen, rejected []schemas.Message }

// pairOf returns the pair of a record. Where its prompt is not kept apart, it is what both conversations begin with, as far as something
// is left of each.
func pairOf(r *schemas.Record) (pair, error) {
	p := pair{r.Prompt, r.Chosen, r.Rejected}
	if len(p.prompt) == 0 {
		n := 0
		for n < len(p.chosen)-1 && n < len(p.rejected)-1 && same(&p.chosen[n], &p.rejected[n]) {
			n++
		}
		p = pair{p.chosen[:n], p.chosen[n:], p.rejected[n:]}
	}
	switch {
	case len(p.prompt) == 0:
		return p, misfit(r, "it has no prompt, and its two sides begin differently")
	case len(p.chosen) == 0 || len(p.rejected) == 0:
		return p, misfit(r, "one of its two sides is empty")
	case slices.EqualFunc(p.chosen, p.rejected, func(a, b schemas.Message) bool { return same(&a, &b) }):
		return p, misfit(r, "chosen and rejected are the same")
	}
	return p, nil
}

func same(a, b *schemas.Message) bool {
	return a.Role == b.Role && a.Content == b.Content && a.Name == b.Name && a.ToolCallID == b.ToolCallID && slices.Equal(a.ToolCalls, b.ToolCalls)
}
