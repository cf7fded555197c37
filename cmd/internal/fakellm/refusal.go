package fakellm

import (
	"net/http"
	"strconv"
	"time"
)

// A refusal is an answer that is none: its status, and the error object of the protocol.
type refusal struct {
	status        int
	message, kind string
	code, param   string // empty: null
	retryAfter    time.Duration
	date, hangsUp bool
	page          string // the body, where it is a page of HTML in place of an error object
}

func badRequest(message, param string) *refusal {
	return &refusal{status: 400, message: message, kind: "invalid_request_error", param: param}
}

func unknownModel(name string) *refusal {
	return &refusal{status: 404, message: "The model `" + name + "` does not exist or you do not have access to it.",
		kind: "invalid_request_error", code: "model_not_found", param: "model"}
}

func badKey() *refusal {
	return &refusal{status: 401, message: "Incorrect API key provided.", kind: "invalid_request_error", code: "invalid_api_key"}
}

func rateLimited(message string, after time.Duration) *refusal {
	return &refusal{status: 429, message: message, kind: "requests", code: "rate_limit_exceeded", retryAfter: after}
}

// refusalOf is what a fault of class refuses answers.
func refusalOf(f *Fault, q *request) *refusal {
	x := &refusal{}
	switch f.Kind {
	case "dead":
		x.hangsUp = true
	case "429":
		x = rateLimited("Rate limit reached for requests. Please slow down.", 0)
	case "quota":
		x = &refusal{status: 429, message: "You exceeded your current quota, please check your plan and billing details.",
			kind: "insufficient_quota", code: "insufficient_quota"}
	case "401":
		x = badKey()
	case "404":
		x = unknownModel(q.model)
	case "context_length":
		x = badRequest("This model's maximum context length is 4096 tokens. However, your messages resulted in "+
			strconv.Itoa(4097+q.prompt)+" tokens.", "messages")
		x.code = "context_length_exceeded"
	case "no_json_schema", "no_json_object":
		x = badRequest("Invalid parameter: 'response_format' of type '"+q.format+"' is not supported with this model.", "response_format")
	case "html":
		x.status = 200
		x.page = "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body>Checking your browser.</body></html>\n"
	case "error_200":
		x = &refusal{status: 200, message: "Provider returned error", kind: "server_error", code: "502"}
	default: // a status, as Check saw to
		x.status, _ = strconv.Atoi(f.Kind)
		x.message, x.kind = http.StatusText(x.status), "server_error"
		if x.status < 500 {
			x.kind = "invalid_request_error"
		}
	}
	x.retryAfter, x.date = f.RetryAfter, f.Date
	return x
}

// body is the text sent.
func (x *refusal) body() []byte {
	if x.page != "" {
		return []byte(x.page)
	}
	orNull := func(b []byte, s string) []byte {
		if s == "" {
			return append(b, "null"...)
		}
		return appendString(b, s)
	}
	b := appendString([]byte(`{"error":{"message":`), x.message)
	b = appendString(append(b, `,"type":`...), x.kind)
	b = orNull(append(b, `,"param":`...), x.param)
	b = orNull(append(b, `,"code":`...), x.code)
	return append(b, "}}\n"...)
}

// send writes the refusal.
func (x *refusal) send(w http.ResponseWriter) {
	if x.hangsUp {
		panic(http.ErrAbortHandler)
	}
	if x.retryAfter > 0 {
		whole := (x.retryAfter + time.Second - 1).Truncate(time.Second)
		value := strconv.Itoa(int(whole / time.Second))
		if x.date { // whole seconds: rounded up, lest the date lies before the wait is over
			value = time.Now().Add(whole + time.Second - 1).UTC().Truncate(time.Second).Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", value)
	}
	kind := "application/json"
	if x.page != "" {
		kind = "text/html; charset=utf-8"
	}
	send(w, x.status, kind, x.body())
}

// send writes a whole body.
func send(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) // an error here is a client that left: nothing to do about it
}
