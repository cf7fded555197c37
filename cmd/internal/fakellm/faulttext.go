package fakellm

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseFault reads the text form of a fault: its kind, a colon, and settings with commas between them.
//
//	429:rate=0.1,retry_after=2,date      a tenth of the requests; come back at a date 2 s ahead
//	dead:from=10s,to=40s                 thirty seconds without a server
//	slow:after_requests=150,count=1      one answer, the 151st asked for, takes 20 s
//	truncate:rate=0.1,times=1            a tenth of the bodies, each only when first seen
//	truncate_hard:rate=0.1,heal=false    a tenth of the bodies, whenever they come
//
// A duration is written 1m30s or as a number of seconds. A setting without a value is true.
func ParseFault(text string) (Fault, error) {
	kind, settings, _ := strings.Cut(strings.TrimSpace(text), ":")
	f := Fault{Kind: kind}
	for part := range strings.SplitSeq(settings, ",") {
		if part == "" {
			continue
		}
		name, value, given := strings.Cut(part, "=")
		if err := f.set(name, value, given); err != nil {
			return Fault{}, fmt.Errorf("fake-llm: fault %q: %w", text, err)
		}
	}
	if err := f.Check(); err != nil {
		return Fault{}, err
	}
	return f, nil
}

// set gives one setting its value.
func (f *Fault) set(name, value string, given bool) (err error) {
	switch name {
	case "rate":
		f.Rate, err = strconv.ParseFloat(value, 64)
		if err == nil && f.Rate == 0 {
			err = fmt.Errorf("0 would never strike: leave the fault out")
		}
	case "from":
		f.From, err = seconds(value)
	case "to":
		f.To, err = seconds(value)
	case "after_requests":
		f.AfterRequests, err = strconv.Atoi(value)
	case "count":
		f.Count, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "delay":
		f.Delay, err = seconds(value)
	case "retry_after":
		f.RetryAfter, err = seconds(value)
	case "date":
		f.Date, err = truth(value, given)
	case "heal":
		var heal bool
		heal, err = truth(value, given)
		f.Heal = &heal
	default:
		return fmt.Errorf("no setting %q: use rate, from, to, after_requests, count, times, heal, delay, retry_after or date", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// String is the text form; ParseFault reads it back.
func (f Fault) String() string {
	var settings []string
	add := func(given bool, name, value string) {
		if given {
			settings = append(settings, name+"="+value)
		}
	}
	add(f.Rate != 0, "rate", strconv.FormatFloat(f.Rate, 'g', -1, 64))
	add(f.From != 0, "from", f.From.String())
	add(f.To != 0, "to", f.To.String())
	add(f.AfterRequests != 0, "after_requests", strconv.Itoa(f.AfterRequests))
	add(f.Count != 0, "count", strconv.Itoa(f.Count))
	add(f.Times != 0, "times", strconv.Itoa(f.Times))
	add(f.Heal != nil, "heal", strconv.FormatBool(f.heals()))
	add(f.Delay != 0, "delay", f.Delay.String())
	add(f.RetryAfter != 0, "retry_after", f.RetryAfter.String())
	add(f.Date, "date", "true")
	if len(settings) == 0 {
		return f.Kind
	}
	return f.Kind + ":" + strings.Join(settings, ",")
}

// UnmarshalText lets a configuration file write the text form.
func (f *Fault) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFault(string(text))
	return err
}

// MarshalText is the text form.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// seconds reads 1m30s, or 90 as so many seconds.
func seconds(text string) (time.Duration, error) {
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return time.Duration(s * float64(time.Second)), nil
	}
	return time.ParseDuration(text)
}

// truth reads the value of a switch; one that stands alone is on.
func truth(value string, given bool) (bool, error) {
	if !given {
		return true, nil
	}
	return strconv.ParseBool(value)
}
