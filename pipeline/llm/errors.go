package llm

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors that end a run. All but [ErrAuth], [ErrUnknownModel] and [ErrBadRequest] leave it to be resumed by the same command.
var (
	ErrStopping     = errors.New("stopping: no new requests are sent")
	ErrUnavailable  = errors.New("provider unavailable")
	ErrBudget       = errors.New("budget reached")
	ErrAuth         = errors.New("the provider refuses the key")
	ErrUnknownModel = errors.New("the provider does not know the model")
	ErrBadRequest   = errors.New("the provider refuses the requests")
)

// Kind classifies what went wrong with one request.
type Kind string

const (
	Throttled    Kind = "rate"          // 429: too many requests or tokens for now
	Quota        Kind = "quota"         // paid-for quota or credit is used up: waiting does not help
	Auth         Kind = "auth"          // the key is missing, wrong or not allowed
	UnknownModel Kind = "unknown_model" // no such model, or no such path at the endpoint
	Server       Kind = "server"        // 5xx, or an answer that is not of this protocol
	Network      Kind = "network"       // no connection, or it broke
	Timeout      Kind = "timeout"       // no answer in time
	Cut          Kind = "cut"           // the answer ended in the middle
	BadRequest   Kind = "bad_request"   // the provider says that the request is wrong
	TooLong      Kind = "too_long"      // prompt and answer exceed the model's context
	Refused      Kind = "refused"       // a content filter refused the prompt

	unsupported Kind = "unsupported" // a parameter that has a substitute: asked again at once without it
)

// Error is the failure of one request. No key and no header value is in it.
type Error struct {
	Kind       Kind
	Status     int           // HTTP status; 0 where there was no answer
	RetryAfter time.Duration // what the provider asks to wait; 0 where it does not say
	Endpoint   string
	Model      string // the model's name at the provider
	Message    string // what the provider said, or the cause of a broken connection

	// Unpaid is true if the provider certainly charges nothing: it refused, or was never reached. Otherwise the worst case is booked.
	Unpaid bool
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Endpoint)
	if e.Model != "" {
		fmt.Fprintf(&b, " (%s)", e.Model)
	}
	b.WriteString(": ")
	if e.Status > 0 {
		fmt.Fprintf(&b, "%d ", e.Status)
	}
	b.WriteString(strings.ReplaceAll(string(e.Kind), "_", " "))
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	return b.String()
}

// Is matches the errors that end a run by their cause.
func (e *Error) Is(target error) bool {
	switch e.Kind {
	case Quota:
		return target == ErrUnavailable
	case Auth:
		return target == ErrAuth
	case UnknownModel:
		return target == ErrUnknownModel
	}
	return false
}

// retryable reports whether the same request may succeed later.
func (e *Error) retryable() bool {
	switch e.Kind {
	case Throttled, Server, Network, Timeout, Cut:
		return true
	}
	return false
}

// clip shortens what a provider said to one line of at most n bytes.
func clip(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
