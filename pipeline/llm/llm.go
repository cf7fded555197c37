// Package llm asks language models through one durable, metered path:
//
//	Cached(Retried(Limited(Metered(client))))
//
// A cached answer costs nothing; a retry waits its turn in the limiter again; every paid call is
// metered; an answer is durable before it is used.
//
// It is not a client for everything that endpoints offer: it asks for chat completions, and turns them into answers, failures that
// cost one record, or an error that ends the run. Its files:
//
//	llm.go spec.go price.go budget.go   what others see: requests, answers, the recipe's keys
//	models.go status.go events.go       the models of one run
//	ask.go                              one question: truncation, correction, failures by name
//	call.go cached.go entry.go          the request and its key; answers in the ledger
//	retried.go breaker.go halt.go       what is asked again, when the run pauses, when it ends
//	limited.go gate.go adapt.go bucket.go   declared limits and those that are found
//	metered.go account.go tokens.go     money and tokens, the cap, counts of our own
//	client.go wire.go stream.go classify.go errors.go   the network
//	schema.go modes.go extract.go repair.go   JSON from models
//	echo.go echo_value.go replay.go     models without a network
//	probe.go                            what an endpoint can do
package llm

import (
	"context"
	"encoding/json"

	"sluice/schemas"
)

// A Model answers requests. It may be called concurrently. Transport errors have been retried when Ask returns;
// what comes back is an answer, a [*schemas.Failure] that costs one record, or an error that stops the run.
type Model interface {
	Name() string // its name in the recipe
	Ask(ctx context.Context, q Request) (Answer, error)
}

// Message is one turn of a conversation.
type Message = schemas.Message

// Request is everything that determines an answer, and nothing else. Pointers tell "not set" from an exact zero.
type Request struct {
	Messages    []Message
	Schema      *Schema // the answer must be JSON that fits; nil: free text
	Tools       json.RawMessage
	Temperature *float64
	TopP        *float64
	MaxTokens   int // 0: the model's max_tokens in the recipe; not part of the key
	Stop        []string
	Seed        *int64
	N           int // choices in one request; 0 and 1 are one
	Logprobs    int // top log-probabilities per token; 0: none
	Extra       map[string]any
	Attempt     int // sample number, then correction turn: another attempt is another request
}

// Answer is what a model said and what it cost.
type Answer struct {
	Text      string
	Value     any    // the parsed JSON when the request had a schema
	Reasoning string // kept apart from the text
	ToolCalls []schemas.ToolCall
	Choices   []Choice // all choices when N > 1; the first is also in Text
	Finish    string   // stop, length, content_filter, tool_calls
	Logprobs  []TokenLogprob
	Usage     Usage

	Model       string // as the provider returned it
	Fingerprint string
	RequestID   string
	Key         string // ledger key, hexadecimal
	Cached      bool   // from the ledger: it cost nothing now
}

// Choice is one of several answers to one request.
type Choice struct {
	Text, Reasoning, Finish string
}

// TokenLogprob is a token of the answer with the likeliest alternatives at its place.
type TokenLogprob struct {
	Token   string             `json:"token"`
	Logprob float64            `json:"logprob"`
	Top     map[string]float64 `json:"top,omitempty"`
}

// Usage counts tokens and money of one answer. Cost is in pico-units of the recipe's currency.
type Usage struct {
	Prompt     int64 `json:"prompt"`
	Cached     int64 `json:"cached,omitempty"` // part of Prompt
	Completion int64 `json:"completion"`
	Reasoning  int64 `json:"reasoning,omitempty"` // part of Completion
	Cost       int64 `json:"cost,omitempty"`
	Estimated  bool  `json:"estimated,omitempty"` // usage was missing or too low: our own upper count
}
