package trainer

import (
	"fmt"

	"sluice/trainer/model"
	"sluice/trainer/optim"
)

// network makes or loads the model and sets its dropout.
func (r *run) network() (err error) {
	head, problem := r.head()
	s := r.tok.Special()
	if m := r.c.Model; m.Path != "" {
		r.model, err = model.Load(m.Path, model.LoadOptions{Head: head, Problem: problem, Labels: r.labels, Fresh: true, Seed: r.c.Seed})
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
	} else {
		family := model.Family(m.Arch)
		if m.Arch == "" {
			if family = model.Llama; !r.c.packed() || r.c.Task == Masked {
				family = model.BERT
			}
		}
		c := model.Config{Family: family, Head: head, Problem: problem, Labels: r.labels, Vocab: r.tok.Vocab(), Hidden: m.Dim, Layers: m.Layers, Heads: m.Heads,
			KVHeads: m.KVHeads, FFN: m.FFN, Positions: r.c.Context, Untied: m.Untied, PadID: s.PAD, BOS: s.BOS}
		if family == model.RoBERTa {
			c.Positions += int(max(0, s.PAD)) + 1
		}
		if s.EOS >= 0 {
			c.EOS = []int32{s.EOS}
		}
		if r.model, err = model.New(c, r.c.Seed); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	c := &r.model.Config
	d := r.c.Dropout
	c.Drop = model.Drop{Embedding: float32(d.Hidden), Hidden: float32(d.Hidden), Attention: float32(d.Attention), Classifier: float32(d.Classifier), Layer: float32(d.Layer)}
	if have := r.tok.Vocab(); have > c.Vocab {
		return bad("tokenizer", "the tokenizer has %d tokens, the model has embeddings for %d: they do not belong together", have, c.Vocab)
	}
	if r.c.Context > c.MaxTokens() {
		return bad("context", "context is %d tokens, the model has positions for %d: lower context", r.c.Context, c.MaxTokens())
	}
	if r.c.Task == Masked && r.c.Mask.Name != "" && c.Family.Decoder() {
		return bad("task", "a %s predicts the next token and cannot guess masked ones: take arch bert, or the task causal", c.Family)
	}
	for _, p := range r.model.Params() {
		if !p.Frozen() {
			r.params = append(r.params, optim.Param{Tensor: p.Tensor, Decay: p.Role.Decays(), Hidden: p.Role == model.Matrix,
				InOut: c.Family == model.GPT2 && p.Role == model.Matrix})
		}
	}
	return nil
}

// head gives what the task puts on the body.
func (r *run) head() (model.Head, model.Problem) {
	switch r.c.Task {
	case Masked:
		return model.MaskedLM, ""
	case Classify:
		if r.c.MultiLabel {
			return model.Classify, model.MultiLabel
		}
		return model.Classify, model.SingleLabel
	case Regress:
		return model.Classify, model.Regression
	}
	return model.CausalLM, ""
}
