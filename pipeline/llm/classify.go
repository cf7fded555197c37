package llm

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What providers write where the status alone does not tell. Each alternative is a phrase of a known server: OpenAI, Azure,
// Anthropic, Mistral, vLLM, llama.cpp, Ollama, OpenRouter, Gemini's compatible endpoint.
var (
	saysTooLong = regexp.MustCompile(`(?i)context_length|context length|context window|context size|too many tokens|prompt is too long|input is too long|maximum.{0,20}tokens|exceeds? .{0,40}(context|token limit)|string_above_max_length|max_(completion_)?tokens.{0,20}too large|at most \d+ (completion )?tokens`)
	saysRefused = regexp.MustCompile(`(?i)content_filter|content filter|content_policy|content management policy|responsible.?ai|moderation|flagged|safety (system|settings|filter)`)
	saysNoModel = regexp.MustCompile(`(?i)model_not_found|model.{0,80}(does not exist|not found|not exist|unknown|is not supported)|(unknown|invalid|no such) model`)
	saysBadKey  = regexp.MustCompile(`(?i)invalid.api.key|api key not valid|incorrect api key|invalid authentication`)
	saysQuota   = regexp.MustCompile(`(?i)insufficient_quota|insufficient.{0,10}(credit|balance|funds)|billing_hard_limit|credit balance`)
	saysUsedUp  = regexp.MustCompile(`(?i)exceeded your current quota`)
)

// fromStatus classifies an answer with a status of 300 or more, or an error body under 200 (then with the status it stands for).
func fromStatus(status int, h http.Header, body []byte) *Error {
	message, code := providerError(body)
	all := code + " " + message
	e := &Error{Status: status, Message: clip(message, 300), RetryAfter: retryAfter(h, time.Now()), Unpaid: true}
	if e.Message == "" {
		e.Message = clip(string(body), 120)
	}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	switch {
	case status == 402 || saysQuota.MatchString(all):
		e.Kind = Quota
	case status == 429 && saysUsedUp.MatchString(all) && e.RetryAfter == 0 && !strings.Contains(strings.ToLower(message), "retry in"):
		e.Kind = Quota // Gemini says the same of its limits per minute, but tells when to come back
	case status == 429:
		e.Kind = Throttled
	case status == 403 && saysRefused.MatchString(all):
		e.Kind = Refused
	case status == 401 || status == 403 || saysBadKey.MatchString(all):
		e.Kind = Auth
	case status == 404:
		e.Kind = UnknownModel
	case status == 408 || status == 504 || status == 524:
		e.Kind, e.Unpaid = Timeout, false
	case status == 409 || status == 425 || status >= 500:
		e.Kind, e.Unpaid = Server, status != http.StatusBadGateway
	case status >= 400 && saysTooLong.MatchString(all) || status == 413:
		e.Kind = TooLong
	case status >= 400 && saysRefused.MatchString(all):
		e.Kind = Refused
	case status >= 400 && saysNoModel.MatchString(all):
		e.Kind = UnknownModel
	case status >= 400:
		e.Kind = BadRequest
	default:
		e.Kind, e.Message = BadRequest, "redirected to "+clip(h.Get("Location"), 120)+": set endpoint to the final address"
	}
	return e
}

// underOK classifies a body that came with status 200 but holds no answer.
func underOK(h http.Header, body []byte) *Error {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return &Error{Kind: Cut, Status: 200, Message: "empty body"}
	case trimmed[0] == '<':
		return &Error{Kind: Server, Status: 200, Unpaid: true, Message: "HTML instead of an answer: " + clip(string(trimmed), 80)}
	case !json.Valid(trimmed) && (trimmed[0] == '{' || trimmed[0] == '['):
		return &Error{Kind: Cut, Status: 200, Message: "the body ends in the middle"}
	}
	message, code := providerError(trimmed)
	if message == "" && code == "" {
		return &Error{Kind: Server, Status: 200, Message: "no choices in the answer: " + clip(string(trimmed), 80)}
	}
	status := 500
	if n, err := strconv.Atoi(code); err == nil && n >= 400 && n < 600 {
		status = n
	} else if strings.Contains(code, "rate_limit") {
		status = 429
	} else if strings.Contains(code, "invalid_request") {
		status = 400
	}
	e := fromStatus(status, h, trimmed)
	e.Status = 200
	return e
}

// providerError finds the message and the code in the error bodies that are in use:
//
//	{"error": {"message": "…", "type": "…", "code": "…"}}   {"error": "…"}   {"message": "…"}   {"detail": "…"}
func providerError(body []byte) (message, code string) {
	var top struct {
		Error   json.RawMessage `json:"error"`
		Message any             `json:"message"`
		Detail  json.RawMessage `json:"detail"`
		Code    any             `json:"code"`
		Type    any             `json:"type"`
	}
	if json.Unmarshal(body, &top) != nil {
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil && len(list) > 0 {
			return providerError(list[0])
		}
		return "", ""
	}
	var in struct {
		Message  any `json:"message"`
		Code     any `json:"code"`
		Type     any `json:"type"`
		Metadata struct {
			Raw any `json:"raw"`
		} `json:"metadata"`
	}
	switch {
	case len(top.Error) > 0 && json.Unmarshal(top.Error, &in) == nil:
		message = text(in.Message)
		if raw := text(in.Metadata.Raw); raw != "" {
			message += ": " + raw
		}
		return message, strings.TrimSpace(text(in.Code) + " " + text(in.Type))
	case len(top.Error) > 0:
		var s string
		_ = json.Unmarshal(top.Error, &s)
		return s, text(top.Code)
	case text(top.Message) != "":
		return text(top.Message), strings.TrimSpace(text(top.Code) + " " + text(top.Type))
	case len(top.Detail) > 0:
		var s string
		if json.Unmarshal(top.Detail, &s) != nil {
			s = string(top.Detail)
		}
		return s, text(top.Code)
	}
	return "", ""
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []any:
		var parts []string
		for _, e := range x {
			parts = append(parts, text(e))
		}
		return strings.Join(parts, ", ")
	}
	return ""
}

// fromTransport classifies a request that got no whole answer. It is unpaid where no connection was made.
func fromTransport(ctx context.Context, err error, status int) *Error {
	e := &Error{Kind: Network, Status: status, Message: clip(err.Error(), 200)}
	var dial *net.OpError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dns), errors.As(err, &cert), errors.As(err, &record),
		errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect"):
		e.Unpaid = true
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = Timeout
	case status > 0 || errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind = Cut
	}
	return e
}

// retryAfter reads how long the provider asks to wait: milliseconds, seconds (fractions too) or a date. 0: it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, 86400e3) * float64(time.Millisecond))
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(s) {
		return time.Duration(min(max(s, 0), 86400) * float64(time.Second))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date // the server's clock may differ from ours, and its fraction of a second is cut: waiting the difference never is too early
	}
	return min(max(at.Sub(now), 0), 24*time.Hour)
}
