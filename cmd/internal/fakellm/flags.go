package fakellm

import (
	"flag"
	"strings"
)

// AddFlags declares the settings of c that a command line can give. Each flag's default is the value c has now.
func (c *Config) AddFlags(fs *flag.FlagSet) {
	fs.Uint64Var(&c.Seed, "seed", c.Seed, "seed of answers and faults")
	fs.DurationVar(&c.Latency, "latency", c.Latency, "median time to a whole answer")
	fs.Float64Var(&c.Sigma, "sigma", c.Sigma, "spread of the latency (log-normal); 0 is none")
	fs.DurationVar(&c.FirstToken, "first-token", c.FirstToken, "median time to the first token of a stream")
	fs.IntVar(&c.AnswerBytes, "answer-bytes", c.AnswerBytes, "size of a text answer; 0 follows the prompt")
	fs.Float64Var(&c.CachedShare, "cached-share", c.CachedShare, "share of prompt tokens reported as cached")
	fs.IntVar(&c.Dimensions, "dimensions", c.Dimensions, "length of an embedding; 0 is 64")
	fs.IntVar(&c.LimitRPM, "limit-rpm", c.LimitRPM, "requests per minute before 429; 0 is no limit")
	fs.IntVar(&c.LimitBurst, "limit-burst", c.LimitBurst, "requests let through at once; 0 is one second's worth")
	fs.IntVar(&c.LimitInFlight, "limit-inflight", c.LimitInFlight, "requests in work before 429; 0 is no limit")
	fs.BoolVar(&c.LimitRetryAfter, "limit-retry-after", c.LimitRetryAfter, "send Retry-After when a limit is hit")
	fs.BoolVar(&c.LimitHeaders, "limit-headers", c.LimitHeaders, "send x-ratelimit headers")
	fs.DurationVar(&c.BatchDelay, "batch-delay", c.BatchDelay, "time until a batch job completes")
	fs.IntVar(&c.Keep, "keep", c.Keep, "requests to remember; 0 is 1000, negative none")
	fs.Func("model", "name of a model served (repeat it); none given serves every name", func(name string) error {
		c.Models = append(c.Models, name)
		return nil
	})
	fs.Func("fault", "fault to play (repeat it), such as 429:rate=0.1,retry_after=2,date", func(text string) error {
		f, err := ParseFault(text)
		if err == nil {
			c.Faults = append(c.Faults, f)
		}
		return err
	})
}

// FaultHelp lists the kinds of fault and the settings of each, for a help page.
func FaultHelp() string {
	var b strings.Builder
	b.WriteString("A fault is KIND[:SETTING=VALUE,...]. Settings: rate, from, to, after_requests, count, times, heal,\n" +
		"delay, retry_after, date. Kinds:\n")
	for _, k := range Kinds() {
		b.WriteString("  " + k.Name + strings.Repeat(" ", max(1, 16-len(k.Name))) + k.Doc + "\n")
	}
	return b.String()
}
