package fakellm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Fault is something that goes wrong, and when. In the text form of [ParseFault], and wherever a text can stand for
// it, it is written 429:rate=0.1,retry_after=2,date.
type Fault struct {
	Kind          string        `yaml:"kind"`           // one of [Kinds], or an HTTP status of 400 to 599
	Rate          float64       `yaml:"rate"`           // share of requests struck; 0 means 1, every request
	From          time.Duration `yaml:"from"`           // strikes from this time after the first request …
	To            time.Duration `yaml:"to"`             // … and until this one; 0: for good
	AfterRequests int           `yaml:"after_requests"` // strikes only once so many requests came before
	Count         int           `yaml:"count"`          // strikes so often in all; 0: without end
	Times         int           `yaml:"times"`          // strikes one body so often at most; 0: without end
	Heal          *bool         `yaml:"heal"`           // false: a body once struck is struck each time it returns; nil: true
	Delay         time.Duration `yaml:"delay"`          // wait before it; for slow and slow_first the time itself (20s, 10s)
	RetryAfter    time.Duration `yaml:"retry_after"`    // of an error status, rounded up to whole seconds; 0: no header
	Date          bool          `yaml:"date"`           // Retry-After is sent as an HTTP date
}

// A class of faults strikes one part of a request's way. Of the faults of one class, the first in the list that strikes
// is played; faults of different classes meet in one answer.
type class int

const (
	refuses class = iota // before any work: nothing is paid
	delays               // the answer comes late
	content              // what the model says
	wire                 // how the answer travels
	usage                // what the answer says that it cost
	batch                // the lines of a batch job
)

// A Kind is a kind of fault.
type Kind struct {
	Name, Doc string
	class     class
}

// Kinds lists the kinds of fault that have names; the kinds "400" to "599" are plain error statuses besides.
func Kinds() []Kind {
	return []Kind{
		{"dead", "hangs up on every route before any work, as a stopped server does", refuses},
		{"429", "rate limit error; with retry_after (and date) a Retry-After header", refuses},
		{"quota", "429 insufficient_quota, which no retry heals", refuses},
		{"401", "invalid API key", refuses},
		{"404", "unknown model", refuses},
		{"context_length", "400 context_length_exceeded", refuses},
		{"no_json_schema", "400 on response_format json_schema", refuses},
		{"no_json_object", "400 on response_format json_object", refuses},
		{"html", "200 with an HTML page", refuses},
		{"error_200", "200 with an error body", refuses},

		{"slow", "the answer takes delay (20s)", delays},
		{"slow_first", "a stream's first token takes delay (10s) more", delays},

		{"truncate", "JSON without its closing quote and brackets: curable", content},
		{"truncate_hard", "JSON cut within its first key: not curable", content},
		{"fence", "JSON in a Markdown fence", content},
		{"prose", "JSON between two sentences", content},
		{"no_json", "a sentence where JSON was asked", content},
		{"wrong_schema", "JSON that does not fit its schema", content},
		{"think", "a <think> block before the answer", content},
		{"reasoning", "reasoning_content beside the answer, counted in its tokens", content},
		{"refusal", "the model refuses; in the field refusal if a structure was asked", content},
		{"content_filter", "half an answer with finish_reason content_filter", content},
		{"empty", "empty content", content},
		{"length", "half an answer with finish_reason length", content},
		{"no_limit", "the whole answer, whatever max_tokens says", content},
		{"duplicate", "one and the same text, whatever was asked", content},

		{"hangup", "hangs up in place of the answer, which is paid", wire},
		{"cut_body", "half the body, then the connection breaks", wire},
		{"cut_stream", "half a stream, then a clean end without finish_reason or [DONE]", wire},
		{"no_done", "a stream without [DONE]", wire},
		{"error_event", "half a stream, then data: { \"error\" …", wire},
		{"keepalive", "400 comment lines before a stream's first token", wire},

		{"no_usage", "usage is missing", usage},
		{"wrong_usage", "usage says a tenth of the truth", usage},
		{"one_usage", "usage counts one of n choices", usage},

		{"batch_unordered", "the lines of a batch come in another order", batch},
		{"batch_missing", "lines are missing from a batch without a word", batch},
		{"batch_expired", "lines expire: they stand in the error file", batch},
		{"batch_error", "lines failed with status 500: they stand in the error file", batch},
		{"batch_failed", "the whole batch fails its validation", batch},
	}
}

// classOf finds the class of a kind.
func classOf(kind string) (class, error) {
	names := Kinds()
	for _, k := range names {
		if k.Name == kind {
			return k.class, nil
		}
	}
	if n, err := strconv.Atoi(kind); err == nil && n >= 400 && n <= 599 {
		return refuses, nil
	}
	all := make([]string, len(names))
	for i, k := range names {
		all[i] = k.Name
	}
	return 0, fmt.Errorf("fake-llm: no fault %q: use a status of 400 to 599 or one of %s", kind, strings.Join(all, ", "))
}

// Check reports the first setting of the fault that makes no sense.
func (f *Fault) Check() error {
	switch _, err := classOf(f.Kind); {
	case err != nil:
		return err
	case !(f.Rate >= 0 && f.Rate <= 1):
		return fmt.Errorf("fake-llm: fault %s: rate %v is not a share: use a value above 0 and up to 1", f.Kind, f.Rate)
	case f.To != 0 && f.To <= f.From:
		return fmt.Errorf("fake-llm: fault %s: it ends at %v before it begins at %v", f.Kind, f.To, f.From)
	case f.From < 0 || f.AfterRequests < 0 || f.Count < 0 || f.Times < 0 || f.Delay < 0 || f.RetryAfter < 0:
		return fmt.Errorf("fake-llm: fault %s: a setting is negative: use 0 or more", f.Kind)
	case f.Date && f.RetryAfter == 0:
		return fmt.Errorf("fake-llm: fault %s: date without retry_after: say how far away the date is", f.Kind)
	}
	return nil
}

// heals reports whether the fault is drawn anew each time a body returns.
func (f *Fault) heals() bool { return f.Heal == nil || *f.Heal }

// delay is the fault's wait, or d when it names none.
func (f *Fault) delay(d time.Duration) time.Duration {
	if f.Delay > 0 {
		return f.Delay
	}
	return d
}
