package fakellm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// get fetches a JSON value or, into a *string, a text.
func get(t *testing.T, client *http.Client, url string, into any) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	if s, ok := into.(*string); ok {
		*s = string(text)
	} else if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// submit uploads n chat lines and makes a batch of them.
func submit(t *testing.T, client *http.Client, base string, n int) (id string) {
	t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	m.WriteField("purpose", "batch")
	part, _ := m.CreateFormFile("file", "in.jsonl")
	for i := range n {
		fmt.Fprintf(part, `{"custom_id":"row-%03d","method":"POST","url":%q,"body":%s}`+"\n", i, chatRoute, chat(fmt.Sprint("row ", i), asked))
	}
	m.Close()
	resp, err := client.Post(base+"/v1/files", m.FormDataContentType(), &form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var f file
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || f.ID == "" {
		t.Fatalf("upload: %v, %+v", err, f)
	}
	r := post(t, client, base+"/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":%q,"completion_window":"24h","metadata":{"run":"7"}}`, f.ID, chatRoute))
	var j job
	if err := json.Unmarshal([]byte(r.body), &j); err != nil || r.status != 200 {
		t.Fatalf("batch: %v, %s", err, r.body)
	}
	return j.ID
}

// outcome reads a settled batch: the custom ids of its output and of its errors, in order, and its output by id.
func outcome(t *testing.T, client *http.Client, base string, j job) (good, bad []string, bodies map[string]string) {
	t.Helper()
	bodies = map[string]string{}
	for id, list := range map[string]*[]string{j.OutputFileID: &good, j.ErrorFileID: &bad} {
		if id == "" {
			continue
		}
		var text string
		get(t, client, base+"/v1/files/"+id+"/content", &text)
		for line := range strings.Lines(text) {
			var l struct {
				CustomID string `json:"custom_id"`
				Response *struct {
					StatusCode int `json:"status_code"`
					Body       json.RawMessage
				}
				Error *struct{ Code string }
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			*list = append(*list, l.CustomID)
			if id == j.OutputFileID {
				if l.Response == nil || l.Response.StatusCode != 200 || l.Error != nil {
					t.Errorf("output line %s", line)
				}
				bodies[l.CustomID] = string(l.Response.Body)
			} else if (l.Error == nil) == (l.Response == nil) {
				t.Errorf("error line %s", line)
			}
		}
	}
	return good, bad, bodies
}

// TestBatch: a batch takes its time, answers every line in order with the same words as the chat route, and is paid.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{BatchDelay: time.Hour})
		client := &http.Client{Transport: s.RoundTripper()}
		id := submit(t, client, "http://x", 50)
		var j job
		get(t, client, "http://x/v1/batches/"+id, &j)
		if j.Status != "in_progress" || j.Counts.Total != 50 || s.Stats().Paid != 0 {
			t.Errorf("%+v", j)
		}
		time.Sleep(time.Hour)
		get(t, client, "http://x/v1/batches/"+id, &j)
		if j.Status != "completed" || j.Counts.Completed != 50 || string(j.Metadata) != `{"run":"7"}` {
			t.Errorf("%+v", j)
		}
		good, bad, bodies := outcome(t, client, "http://x", j)
		if len(good) != 50 || len(bad) != 0 || !slices.IsSorted(good) {
			t.Errorf("%v, %v", good, bad)
		}
		if got := post(t, client, "http://x"+chatRoute, chat("row 7", asked)).body; got != bodies["row-007"] {
			t.Errorf("chat says %s, the batch %s", got, bodies["row-007"])
		}
		if st := s.Stats(); st.Paid != 51 || st.BatchLines != 50 || st.Batches != 1 || st.PaidRepeats != 1 || st.Distinct != 50 {
			t.Errorf("%+v", st)
		}
		get(t, client, "http://x/v1/batches/"+id, &j)
		if s.Stats().BatchLines != 50 {
			t.Error("a batch was settled twice")
		}
	})
}

func TestBatchFaults(t *testing.T) {
	bothWays(t, Config{Faults: []Fault{{Kind: "batch_unordered"}, {Kind: "batch_missing", Rate: 0.1},
		{Kind: "batch_expired", Rate: 0.1}, {Kind: "batch_error", Rate: 0.1}}}, func(t *testing.T, s *Server, client *http.Client, base string) {
		id := submit(t, client, base, 200)
		var j job
		get(t, client, base+"/v1/batches/"+id, &j)
		good, bad, _ := outcome(t, client, base, j)
		st := s.Stats()
		missing := 200 - len(good) - len(bad)
		if missing != st.Faults["batch_missing"] || missing < 5 || len(bad) != st.Faults["batch_expired"]+st.Faults["batch_error"] || len(bad) < 10 {
			t.Errorf("%d good, %d bad, %d missing, %v", len(good), len(bad), missing, st.Faults)
		}
		if slices.IsSorted(good) || j.Status != "expired" || j.Counts.Completed != len(good) || j.Counts.Failed != len(bad) || st.Paid != len(good) {
			t.Errorf("%+v, paid %d, sorted %v", j, st.Paid, slices.IsSorted(good))
		}
	})
	s := New(Config{Faults: []Fault{{Kind: "batch_failed"}}})
	client := &http.Client{Transport: s.RoundTripper()}
	var j job
	get(t, client, "http://x/v1/batches/"+submit(t, client, "http://x", 3), &j)
	if j.Status != "failed" || len(j.Errors) == 0 || j.OutputFileID != "" {
		t.Errorf("%+v", j)
	}
}

// TestOtherRoutes: models, health, statistics, completions and embeddings.
func TestOtherRoutes(t *testing.T) {
	bothWays(t, Config{Models: []string{"m", "n"}}, func(t *testing.T, s *Server, client *http.Client, base string) {
		var models struct{ Data []struct{ ID string } }
		get(t, client, base+"/v1/models", &models)
		if len(models.Data) != 2 || models.Data[1].ID != "n" {
			t.Errorf("%+v", models)
		}
		get(t, client, base+"/healthz", &struct{}{})

		r := post(t, client, base+completionsRoute, `{"model":"m","prompt":["<|user|>","tell me why"],"n":2,"logprobs":2}`)
		var c struct {
			Choices []struct {
				Index    int
				Text     string
				Logprobs struct {
					Tokens []string
					Top    []map[string]float64 `json:"top_logprobs"`
				}
			}
		}
		if err := json.Unmarshal([]byte(r.body), &c); err != nil || len(c.Choices) != 4 || c.Choices[3].Index != 3 {
			t.Fatalf("%v: %s", err, r.body)
		}
		if x := c.Choices[2]; strings.Join(x.Logprobs.Tokens, "") != x.Text || len(x.Logprobs.Top[0]) != 2 {
			t.Errorf("%+v", x)
		}

		r = post(t, client, base+embeddingsRoute, `{"model":"m","input":["the card is lost","the card is gone","blue sky today"],"dimensions":256}`)
		var e struct {
			Data  []struct{ Embedding []float64 }
			Usage struct {
				PromptTokens int `json:"prompt_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(r.body), &e); err != nil || len(e.Data) != 3 || e.Usage.PromptTokens == 0 {
			t.Fatalf("%v: %s", err, r.body)
		}
		dot := func(a, b int) (sum float64) {
			for i := range 256 {
				sum += e.Data[a].Embedding[i] * e.Data[b].Embedding[i]
			}
			return sum
		}
		if self, near, far := dot(0, 0), dot(0, 1), dot(0, 2); self < 0.999 || self > 1.001 || near < far+0.2 {
			t.Errorf("products %v, %v, %v", self, near, far)
		}

		var st Stats
		get(t, client, base+"/stats", &st)
		if st.Requests != 2 || st.Paid != 2 || st.ByStatus["200"] != 2 {
			t.Errorf("%+v", st)
		}
	})
}
