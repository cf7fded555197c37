package fakellm

import (
	"fmt"
	"io"
	"time"
)

// A Config is the script of a server. The zero Config answers everything at once and never fails.
type Config struct {
	Seed        uint64        `yaml:"seed"`         // another seed gives other answers and strikes other requests
	Models      []string      `yaml:"models"`       // names served; empty: every name
	Latency     time.Duration `yaml:"latency"`      // median time to a whole answer
	Sigma       float64       `yaml:"sigma"`        // of the logarithm of the latency; 0: always the median
	FirstToken  time.Duration `yaml:"first_token"`  // median time to a stream's first token; 0: all tokens at the end
	AnswerBytes int           `yaml:"answer_bytes"` // size of a text answer; 0: about that of the text it rewrites
	CachedShare float64       `yaml:"cached_share"` // of the prompt tokens, reported as served from the prompt cache
	Dimensions  int           `yaml:"dimensions"`   // of embeddings, when the request does not say; 0: 64

	LimitRPM        int  `yaml:"limit_rpm"`         // requests per minute; 0: no limit
	LimitBurst      int  `yaml:"limit_burst"`       // requests let through at once within LimitRPM; 0: one second's worth
	LimitInFlight   int  `yaml:"limit_inflight"`    // requests in work at once; 0: no limit
	LimitRetryAfter bool `yaml:"limit_retry_after"` // a 429 of a limit carries Retry-After
	LimitHeaders    bool `yaml:"limit_headers"`     // answers carry x-ratelimit-*

	BatchDelay time.Duration `yaml:"batch_delay"` // from the creation of a batch to its completion
	Keep       int           `yaml:"keep"`        // requests remembered with their bodies; 0: 1,000; negative: none
	Faults     []Fault       `yaml:"faults"`

	Key string    `yaml:"-"` // bearer token demanded; empty: none
	Log io.Writer `yaml:"-"` // receives one JSON line for each request; nil: no log
}

// Check reports the first setting that makes no sense.
func (c *Config) Check() error {
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"latency", float64(c.Latency)}, {"sigma", c.Sigma}, {"first_token", float64(c.FirstToken)},
		{"answer_bytes", float64(c.AnswerBytes)}, {"dimensions", float64(c.Dimensions)},
		{"limit_rpm", float64(c.LimitRPM)}, {"limit_burst", float64(c.LimitBurst)},
		{"limit_inflight", float64(c.LimitInFlight)}, {"batch_delay", float64(c.BatchDelay)},
	} {
		if !(n.value >= 0) {
			return fmt.Errorf("fake-llm: %s is negative: use 0 or more", n.name)
		}
	}
	if !(c.CachedShare >= 0 && c.CachedShare <= 1) {
		return fmt.Errorf("fake-llm: cached_share %v is not a share: use 0 to 1", c.CachedShare)
	}
	for i := range c.Faults {
		if err := c.Faults[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

// keep is how many requests to remember.
func (c *Config) keep() int {
	if c.Keep == 0 {
		return 1000
	}
	return max(0, c.Keep)
}
