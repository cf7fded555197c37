// Package fakellm is a practice server: it speaks the OpenAI protocol, answers at once or at a scripted pace, and
// fails on purpose. Recipes, limits, retries and spending caps can be tried against it without a key, a network
// or a bill.
//
// It is not a language model. A chat answer is a rewriting of the text in the last user message by fixed word lists; a
// structured answer is a random value that fits the asked JSON Schema (keywords: type, properties, items, minItems,
// maxItems, uniqueItems, enum, const, bounds and multipleOf of numbers, minLength, maxLength, anyOf, oneOf, allOf, $ref
// inside the document, a few formats; pattern and not are read past). Tokens are bytes divided by four.
//
// Three laws hold:
//
//   - An answer is a function of the request body and the seed, never of arrival order. The order of keys in a body, its
//     white space, and the fields stream, stream_options, max_tokens, max_completion_tokens, n, user and metadata do not
//     change the words.
//   - A fault is a function of the request body, the seed and how often this body was seen, so a retry may heal; only a
//     fault's own schedule (after_requests, count, from, to) looks at the order and time of arrival.
//   - What [Server.Stats] calls paid is what a provider would bill: the true tokens of each answer that was made, whether
//     or not its usage was reported rightly, its connection held, or its client waited.
//
// Time is read and waited for by package time alone, so the server runs inside a testing/synctest bubble when driven by
// [Server.RoundTripper], which needs no socket. Memory grows by about 100 bytes for each distinct body.
//
// The files: config.go and flags.go say what can be scripted; fault.go, faulttext.go and strike.go hold the faults;
// server.go is the way of a request, refusal.go what it meets that is no answer; pace.go has the limits and the latency;
// ledger.go and stats.go remember; node.go, request.go and findschema.go read a body; answer.go makes an answer out of
// text.go, words.go, schema.go and logprobs.go, and spoil.go spoils it; encode.go and stream.go write it; embeddings.go,
// files.go and batches.go are the other routes; roundtrip.go is the way without sockets.
package fakellm
