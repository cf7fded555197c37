package llm

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// How structured output is asked for.
const (
	modeAuto   = "auto"
	modeSchema = "json_schema" // response_format with the schema
	modeObject = "json_object" // response_format json_object, the schema in the prompt
	modePrompt = "prompt"      // the schema in the prompt
)

// modes holds what was learnt of one model: for each schema the strongest mode that the provider takes, and the name of its
// token limit. A refused mode (400) is followed by the next weaker one at once; the first answer pins the mode. Pinned modes are stored
// with the dataset, so that later runs ask the same way without a refusal.
type modes struct {
	mu     sync.Mutex
	fixed  string // the recipe's choice; "" to learn
	pinned pinned
	trying map[string]string // by schema: the mode being tried, not answered yet
	told   bool              // that answers pass their limits
}

// pinned is what is stored with a dataset.
type pinned struct {
	Schemas          map[string]string `json:"schemas,omitempty"`           // hash of a schema -> mode
	CompletionTokens bool              `json:"completion_tokens,omitempty"` // the limit is max_completion_tokens
	Excess           excess            `json:"excess,omitzero"`             // beyond what was reserved
}

func newModes(structured string, known pinned) *modes {
	m := &modes{pinned: known, trying: make(map[string]string)}
	m.pinned.Schemas = maps.Clone(known.Schemas)
	if m.pinned.Schemas == nil {
		m.pinned.Schemas = make(map[string]string)
	}
	if structured != modeAuto {
		m.fixed = structured
	}
	return m
}

// pick returns the mode for a schema.
func (m *modes) pick(c *compiled) string {
	if m.fixed != "" {
		return m.fixed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if mode, ok := m.pinned.Schemas[c.hash]; ok {
		return mode
	}
	if mode, ok := m.trying[c.hash]; ok {
		return mode
	}
	return modeSchema
}

// proved pins the mode of an answer.
func (m *modes) proved(c *compiled, mode string) {
	if m.fixed != "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.pinned.Schemas[c.hash]; !ok {
		m.pinned.Schemas[c.hash] = mode
	}
}

// refused is told of a 400 to a request in mode, and reports whether to ask again in the mode that pick returns now.
func (m *modes) refused(c *compiled, mode, message string) bool {
	if m.fixed != "" || mode == modePrompt {
		m.mu.Lock()
		delete(m.trying, c.hash) // the format was not the cause
		m.mu.Unlock()
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now, ok := m.pinned.Schemas[c.hash]; ok {
		return now != mode // pinned meanwhile by another request
	}
	now, ok := m.trying[c.hash]
	if ok && now != mode && weaker(mode, now) {
		return true // another request has stepped down already
	}
	// a vague 400 steps down too as long as nothing was answered: many servers do not name what they do not know
	next := modePrompt
	if mode == modeSchema && !namesAll(message) {
		next = modeObject
	}
	m.trying[c.hash] = next
	return true
}

var saysNoFormat = regexp.MustCompile(`(?i)response_format.{0,40}(not supported|unsupported|unknown|unrecognized|not permitted|extra)`)

// namesAll reports whether a message refuses response_format as a whole, json_object with it.
func namesAll(message string) bool {
	return saysNoFormat.MatchString(message) && !strings.Contains(message, modeSchema)
}

func weaker(a, b string) bool {
	order := []string{modeSchema, modeObject, modePrompt}
	return slices.Index(order, b) > slices.Index(order, a)
}

// completionTokens reports whether the token limit is called max_completion_tokens.
func (m *modes) completionTokens() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pinned.CompletionTokens
}

// renameLimit switches to max_completion_tokens and reports whether that is new.
func (m *modes) renameLimit() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.pinned.CompletionTokens
	m.pinned.CompletionTokens = true
	return !was
}

func (m *modes) export() pinned {
	m.mu.Lock()
	defer m.mu.Unlock()
	return pinned{maps.Clone(m.pinned.Schemas), m.pinned.CompletionTokens, m.pinned.Excess}
}

// Pinned returns what was learnt of the models, as JSON for the manifest of the dataset; [Options.Pinned] takes it back.
func (m *Models) Pinned() (json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[string]pinned)
	for name, l := range m.lines {
		if p := l.modes.export(); len(p.Schemas) > 0 || p.CompletionTokens || p.Excess != (excess{}) {
			all[name] = p
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return json.Marshal(all)
}

func readPinned(b json.RawMessage) (map[string]pinned, error) {
	all := make(map[string]pinned)
	if len(b) == 0 {
		return all, nil
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("modes learnt of models: %w", err)
	}
	return all, nil
}
