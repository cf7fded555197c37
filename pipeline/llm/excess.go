package llm

import "fmt"

// excess holds how far answers of a model went beyond what was reserved for them: some providers do not keep to max_tokens, or add
// a prompt of their own that they charge for. What such an answer cost is booked in full; that it was possible is said once; and from then on
// every request of the model reserves as much as the dearest answer so far has taken, so that spend passes the cap by no more than the
// requests that were in flight when the first came back. It is stored with the dataset, as are [modes].
type excess struct {
	Prompt     int64 `json:"prompt,omitempty"`     // tokens above our upper count of a prompt
	Completion int64 `json:"completion,omitempty"` // tokens of the longest answer that passed its limit, per choice
}

// bound is the most tokens that an answer to c may take, as far as the model is known.
func (m *modes) bound(c *call) (prompt, completion int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.pinned.Excess
	return c.prompt.most + x.Prompt, c.choices() * max(int64(c.max), x.Completion)
}

// exceeded learns from the usage of an answer to c. It returns what went beyond the reservation, "" if nothing did; first is true
// once for each run.
func (m *modes) exceeded(c *call, u Usage) (what string, first bool) {
	limit := c.choices() * int64(c.max)
	m.mu.Lock()
	defer m.mu.Unlock()
	x := &m.pinned.Excess
	if u.Completion > limit {
		x.Completion = max(x.Completion, (u.Completion+c.choices()-1)/c.choices())
		what = fmt.Sprintf("an answer took %d tokens where max_tokens allowed %d", u.Completion, limit)
	}
	if u.Prompt > c.prompt.most {
		x.Prompt = max(x.Prompt, u.Prompt-c.prompt.most)
		what = fmt.Sprintf("a prompt of at most %d tokens was charged as %d", c.prompt.most, u.Prompt)
	}
	if what == "" {
		return "", false
	}
	first = !m.told
	m.told = true
	return what, first
}
