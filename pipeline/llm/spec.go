package llm

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Spec is one entry under models: in a recipe. What determines an answer is part of the ledger's key (identity, temperature,
// top_p, extra); everything else (limits, prices, keys, patience) may change from run to run for free.
type Spec struct {
	Provider string            `yaml:"provider"` // openai (any OpenAI-compatible endpoint; the default), echo (no key, no network), replay (recorded answers)
	Endpoint string            `yaml:"endpoint"` // base URL up to the version, such as https://api.openai.com/v1
	Model    string            `yaml:"model"`    // the model's name at the provider
	KeyEnv   string            `yaml:"key_env"`  // name of the environment variable with the API key; the key itself is never written down
	Headers  map[string]string `yaml:"headers"`  // further HTTP headers; their values are never logged
	Identity string            `yaml:"identity"` // what names the model in the ledger; default: endpoint and model. Give one to share answers between endpoints

	MaxTokens   int            `yaml:"max_tokens"`  // most tokens of an answer, where a stage does not say; default 2048
	Temperature *float64       `yaml:"temperature"` // where a stage does not say; 0 is sent as 0
	TopP        *float64       `yaml:"top_p"`       // where a stage does not say
	Extra       map[string]any `yaml:"extra"`       // merged into the body of every request: min_p, top_k, reasoning_effort, provider routing
	Structured  string         `yaml:"structured"`  // how JSON is asked for: auto (learnt from the first answers; the default), json_schema, json_object, prompt
	Reasoning   string         `yaml:"reasoning"`   // split (the default): <think> blocks are kept apart from the text; raw: text stays as it came
	Stream      bool           `yaml:"stream"`      // ask for a stream: keeps proxies with short idle times from cutting long answers

	PerMinute Limits        `yaml:"per_minute"` // declared limits of the provider; hidden ones are found
	InFlight  int           `yaml:"in_flight"`  // most requests open at once; default: the workers of the stages that use it
	Ramp      bool          `yaml:"ramp"`       // start with 4 in flight and double at most every 10 seconds, for providers that limit the slope
	Timeout   time.Duration `yaml:"timeout"`    // of one request; default 10m
	Patience  time.Duration `yaml:"patience"`   // how long an endpoint may fail before the run ends, resumably; default 15m

	Price *Price `yaml:"price"` // what tokens cost; needed with a money budget
	Usage string `yaml:"usage"` // check (the default): the larger of the provider's count and ours is booked where its count cannot be true; trust: always the provider's

	Replay string `yaml:"replay"` // file with recorded answers, for provider replay
}

// Limits are what a provider allows per minute. Zero is no limit.
type Limits struct {
	Requests int `yaml:"requests"`
	Tokens   int `yaml:"tokens"` // prompt and completion together
}

// Values of [Spec.Provider].
const (
	OpenAI = "openai"
	Echo   = "echo"
	Replay = "replay"
)

// defaults of a Spec where the recipe is silent.
const (
	defaultMaxTokens = 2048
	defaultTimeout   = 10 * time.Minute
	defaultPatience  = 15 * time.Minute
)

// withDefaults returns s with its defaults filled in.
func (s Spec) withDefaults() Spec {
	if s.Provider == "" {
		s.Provider = OpenAI
	}
	s.Endpoint = strings.TrimRight(s.Endpoint, "/")
	if s.MaxTokens == 0 {
		s.MaxTokens = defaultMaxTokens
	}
	if s.Structured == "" {
		s.Structured = modeAuto
	}
	if s.Reasoning == "" {
		s.Reasoning = "split"
	}
	if s.Usage == "" {
		s.Usage = "check"
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.Patience == 0 {
		s.Patience = defaultPatience
	}
	if s.Model == "" {
		s.Model = s.Provider
	}
	return s
}

// identity names the model in keys of the ledger.
func (s Spec) identity() string {
	switch {
	case s.Identity != "":
		return s.Identity
	case s.Endpoint != "":
		return s.Endpoint + " " + s.Model
	}
	return s.Provider + " " + s.Model + " " + s.Replay
}

// place names the endpoint for people.
func (s Spec) place() string {
	if s.Endpoint == "" {
		return s.Provider
	}
	return s.Endpoint
}

// Check returns what is wrong with s, without asking the network: every finding, joined. Each begins with the key it is about.
func (s Spec) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	oneOf := func(key, v string, allowed ...string) {
		if v != "" && !slices.Contains(allowed, v) {
			bad("%s: %q is not one of %s", key, v, strings.Join(allowed, ", "))
		}
	}
	oneOf("provider", s.Provider, OpenAI, Echo, Replay)
	oneOf("structured", s.Structured, modeAuto, modeSchema, modeObject, modePrompt)
	oneOf("reasoning", s.Reasoning, "split", "raw")
	oneOf("usage", s.Usage, "check", "trust")
	switch s.Provider {
	case "", OpenAI:
		if s.Model == "" {
			bad("model: needed: the model's name at the provider")
		}
		if err := checkEndpoint(s.Endpoint); err != nil {
			errs = append(errs, err)
		}
	case Replay:
		if s.Replay == "" {
			bad("replay: needed: the file with recorded answers")
		}
	}
	if s.Replay != "" && s.Provider != Replay {
		bad("replay: only provider replay reads it")
	}
	notNegative := func(key string, v int64) {
		if v < 0 {
			bad("%s: %d is negative", key, v)
		}
	}
	notNegative("max_tokens", int64(s.MaxTokens))
	notNegative("in_flight", int64(s.InFlight))
	notNegative("per_minute.requests", int64(s.PerMinute.Requests))
	notNegative("per_minute.tokens", int64(s.PerMinute.Tokens))
	notNegative("timeout", int64(s.Timeout))
	notNegative("patience", int64(s.Patience))
	if t := s.Temperature; t != nil && (*t < 0 || *t > 2) {
		bad("temperature: %v is not between 0 and 2", *t)
	}
	if p := s.TopP; p != nil && (*p < 0 || *p > 1) {
		bad("top_p: %v is not between 0 and 1", *p)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Extra)) {
		if reserved(k) {
			bad("extra.%s: this field is set by a key of its own, not by extra", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(s.Headers)) {
		if strings.EqualFold(k, "authorization") && s.KeyEnv != "" {
			bad("headers.%s: key_env sets it already", k)
		}
	}
	return errors.Join(errs...)
}

// reserved reports whether a field of the body has a key, or a field of [Request], of its own.
func reserved(field string) bool {
	switch field {
	case "model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens", "temperature", "top_p",
		"response_format", "tools", "logprobs", "top_logprobs":
		return true
	}
	return false
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return errors.New("endpoint: needed: the base URL, such as https://api.openai.com/v1")
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return fmt.Errorf("endpoint: not a URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("endpoint: %q is not an http or https URL", endpoint)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("endpoint: a base URL without user, query or fragment; keys come through key_env or headers")
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions"):
		return fmt.Errorf("endpoint: %q: leave out /chat/completions", endpoint)
	}
	return nil
}
