package story

import (
	"encoding/json"
	"io"

	"sluice/cmd/internal/rows"
	"sluice/schemas"
)

// JSON writes the story as one object: fate, file, record, reject, owner, stages, line (the ancestors, the nearest first), others
// and exchanges (the oldest first; a request is that of the ledger, from which its key is made).
func (s *Story) JSON(w io.Writer, asked map[schemas.ID][]Exchange) error {
	type reject struct {
		Stage   string   `json:"stage"`
		Reason  string   `json:"reason"`
		Reasons []string `json:"reasons,omitempty"`
		Failed  bool     `json:"failed"`
		Detail  string   `json:"detail,omitempty"`
		Score   float64  `json:"score,omitempty"`
	}
	type ancestor struct {
		ID     string          `json:"id"`
		Fate   string          `json:"fate,omitempty"`
		Record *schemas.Record `json:"record"`
	}
	type exchange struct {
		Record  string          `json:"record"`
		Key     string          `json:"key"`
		Request json.RawMessage `json:"request"`
		Answers any             `json:"answers"`
	}
	out := struct {
		Fate      string            `json:"fate"`
		File      string            `json:"file"`
		Record    *schemas.Record   `json:"record"`
		Reject    *reject           `json:"reject,omitempty"`
		Owner     *ancestor         `json:"owner,omitempty"`
		Stages    []json.RawMessage `json:"stages"`
		Line      []ancestor        `json:"line"`
		Others    []ancestor        `json:"others,omitempty"`
		Exchanges []exchange        `json:"exchanges"`
	}{Fate: s.Fate, File: s.File, Record: s.Record, Line: []ancestor{}, Exchanges: []exchange{}, Stages: []json.RawMessage{}}
	if x := s.Reject; x != nil {
		out.Reject = &reject{x.Stage, x.Reason, x.Reasons, x.Failed, x.Detail, x.Score}
	}
	of := func(a Ancestor) ancestor { return ancestor{a.ID.String(), a.Fate, a.Record} }
	if s.Owner != nil {
		o := of(*s.Owner)
		out.Owner = &o
	}
	for _, p := range s.Stages {
		var o rows.Object
		o.Open()
		o.Value("stage", p.Stage)
		o.Value("did", p.Did)
		out.Stages = append(out.Stages, o.Close())
	}
	for _, a := range s.Line {
		out.Line = append(out.Line, of(a))
	}
	for _, a := range s.Others {
		out.Others = append(out.Others, of(a))
	}
	for _, from := range s.Sources() {
		for _, x := range asked[from.ID] {
			out.Exchanges = append(out.Exchanges, exchange{from.ID.String(), x.Key, x.Answers[0].Request, x.Answers})
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(&out)
}
