package fakellm

import (
	"flag"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseFault(t *testing.T) {
	for _, text := range []string{"429", "429:rate=0.1,retry_after=2s,date=true", "dead:from=10s,to=40s",
		"slow:after_requests=150,count=1", "truncate:rate=0.25,times=1,heal=false,delay=1m0s"} {
		f, err := ParseFault(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if f.String() != text {
			t.Errorf("%s came back as %s", text, f)
		}
	}
	if f, err := ParseFault(" 503:retry_after=1.5,date"); err != nil || f.RetryAfter != 1500*time.Millisecond || !f.Date {
		t.Errorf("%+v, %v", f, err)
	}
	for text, want := range map[string]string{
		"429:rate=0": "never strike", "429:rate=2": "not a share", "429:retri_after=2": `no setting "retri_after"`,
		"hang": `no fault "hang"`, "600": "no fault", "dead:from=4s,to=2s": "before it begins", "429:date": "date without",
		"slow:delay=x": "delay", "slow:count=-1": "negative",
	} {
		if _, err := ParseFault(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

// statuses sends each body until it is answered, at most tries times, and lists what each met.
func statuses(t *testing.T, c Config, bodies, tries int) [][]int {
	client := &http.Client{Transport: New(c).RoundTripper()}
	out := make([][]int, bodies)
	for i := range out {
		for range tries {
			r := post(t, client, "http://x"+chatRoute, chat("request "+strconv.Itoa(i)))
			out[i] = append(out[i], r.status)
			if r.status == 200 {
				break
			}
		}
	}
	return out
}

// TestHeal: a fault with times=1 strikes a body when first seen; with heal=false whenever it is seen; else each try is
// drawn anew.
func TestHeal(t *testing.T) {
	count := func(all [][]int) (first, lost, more int) {
		for _, one := range all {
			if one[0] != 200 {
				first++
			}
			if one[len(one)-1] != 200 {
				lost++
			}
			if len(one) > 2 {
				more++
			}
		}
		return first, lost, more
	}
	first, lost, more := count(statuses(t, Config{Faults: []Fault{{Kind: "429", Rate: 0.3, Times: 1}}}, 300, 5))
	if first < 60 || first > 120 || lost != 0 || more != 0 {
		t.Errorf("times=1: %d struck, %d lost, %d struck twice", first, lost, more)
	}
	first, lost, _ = count(statuses(t, Config{Faults: []Fault{{Kind: "429", Rate: 0.3, Heal: new(false)}}}, 300, 5))
	if first < 60 || first > 120 || lost != first {
		t.Errorf("heal=false: %d struck, %d lost", first, lost)
	}
	first, lost, more = count(statuses(t, Config{Faults: []Fault{{Kind: "429", Rate: 0.3}}}, 300, 20))
	if first < 60 || first > 120 || lost != 0 || more == 0 {
		t.Errorf("heal: %d struck, %d lost, %d struck twice", first, lost, more)
	}
}

// TestSchedule: windows of time, numbers of requests, and one slow answer, in virtual time.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Latency: 100 * time.Millisecond, Faults: []Fault{
			{Kind: "dead", From: 10 * time.Second, To: 40 * time.Second},
			{Kind: "slow", AfterRequests: 3, Count: 1},
			{Kind: "500", AfterRequests: 50},
		}})
		client := &http.Client{Transport: s.RoundTripper()}
		start := time.Now()
		var dead, slow []int
		for i := range 50 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second)))
			sent := time.Now()
			go func() {
				r := post(t, client, "http://x"+chatRoute, chat(strconv.Itoa(i)))
				if r.err != nil {
					dead = append(dead, i)
				}
				if took := time.Since(sent); took == 20*time.Second {
					slow = append(slow, i)
				} else if r.err == nil && took != 100*time.Millisecond {
					t.Errorf("request %d took %v", i, took)
				}
			}()
			synctest.Wait()
			resp, err := client.Get("http://x/v1/models")
			if (err != nil) != (i >= 10 && i < 40) {
				t.Errorf("models at %d s: %v", i, err)
			} else if err == nil {
				resp.Body.Close()
			}
		}
		time.Sleep(time.Minute)
		if len(dead) != 30 || dead[0] != 10 || dead[29] != 39 || len(slow) != 1 || slow[0] != 3 {
			t.Errorf("dead %v, slow %v", dead, slow)
		}
		if r := post(t, client, "http://x"+chatRoute, chat("the end")); r.status != 500 {
			t.Errorf("after 50 requests: %+v", r)
		}
		if st := s.Stats(); st.ByStatus["hangup"] != 30 || st.ByStatus["200"] != 20 || st.Paid != 20 || st.ByStatus["500"] != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// TestFlags: a command line gives the Config it says, and every kind of fault has its line in the help.
func TestFlags(t *testing.T) {
	var c Config
	fs := flag.NewFlagSet("fake-llm", flag.ContinueOnError)
	fs.SetOutput(t.Output())
	c.AddFlags(fs)
	err := fs.Parse(strings.Fields("--latency 100ms --sigma 0.35 --limit-rpm 300 --model a --model b --fault 429:rate=0.1,retry_after=2,date --fault fence"))
	if err != nil || c.Latency != 100*time.Millisecond || c.Sigma != 0.35 || c.LimitRPM != 300 || len(c.Models) != 2 ||
		len(c.Faults) != 2 || !c.Faults[0].Date || c.Check() != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if err := fs.Parse([]string{"--fault", "fense"}); err == nil || !strings.Contains(err.Error(), "fence") {
		t.Errorf("a misspelt fault: %v", err)
	}
	for _, k := range Kinds() {
		if !strings.Contains(FaultHelp(), "  "+k.Name+" ") {
			t.Errorf("no help for %s", k.Name)
		}
	}
	if err := (&Config{CachedShare: 2}).Check(); err == nil {
		t.Error("a share of 2 passes")
	}
}
