package fakellm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A job is a batch as the protocol shows it. Nothing runs behind it: it is settled when someone looks after its time.
type job struct {
	ID               string          `json:"id"`
	Object           string          `json:"object"`
	Endpoint         string          `json:"endpoint"`
	InputFileID      string          `json:"input_file_id"`
	CompletionWindow string          `json:"completion_window"`
	Status           string          `json:"status"`
	OutputFileID     string          `json:"output_file_id,omitempty"`
	ErrorFileID      string          `json:"error_file_id,omitempty"`
	CreatedAt        int64           `json:"created_at"`
	InProgressAt     int64           `json:"in_progress_at,omitempty"`
	CompletedAt      int64           `json:"completed_at,omitempty"`
	ExpiresAt        int64           `json:"expires_at"`
	Counts           jobCounts       `json:"request_counts"`
	Metadata         json.RawMessage `json:"metadata,omitempty"`
	Errors           json.RawMessage `json:"errors,omitempty"`
	created          time.Time
	lines            []line
}

type jobCounts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// A line of a batch: one request.
type line struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
}

func (s *Server) routeBatches() {
	s.mux.HandleFunc("POST /v1/batches", s.plain(s.createBatch))
	s.mux.HandleFunc("GET /v1/batches", s.plain(func(w http.ResponseWriter, _ *http.Request) {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		s.settleBatches(time.Now())
		list := []*job{}
		for _, id := range s.store.order {
			if j := s.store.batches[id]; j != nil {
				list = append(list, j)
			}
		}
		sendJSON(w, 200, map[string]any{"object": "list", "data": list, "has_more": false})
	}))
	s.mux.HandleFunc("GET /v1/batches/{id}", s.plain(s.withBatch(func(*job) {})))
	s.mux.HandleFunc("POST /v1/batches/{id}/cancel", s.plain(s.withBatch(func(j *job) {
		if j.Status == "in_progress" {
			j.Status = "cancelled"
		}
	})))
}

// withBatch shows the batch that a path names, after change.
func (s *Server) withBatch(change func(*job)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.store.mu.Lock()
		defer s.store.mu.Unlock()
		s.settleBatches(time.Now())
		j := s.store.batches[r.PathValue("id")]
		if j == nil {
			notFound("batch", r.PathValue("id")).send(w)
			return
		}
		change(j)
		sendJSON(w, 200, j)
	}
}

func (s *Server) createBatch(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		InputFileID      string          `json:"input_file_id"`
		Endpoint         string          `json:"endpoint"`
		CompletionWindow string          `json:"completion_window"`
		Metadata         json.RawMessage `json:"metadata"`
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(data, &ask)
	}
	if err != nil {
		badRequest("the body is not a batch: "+err.Error(), "").send(w)
		return
	}
	if !slices.Contains([]string{chatRoute, completionsRoute, embeddingsRoute}, ask.Endpoint) {
		badRequest("endpoint "+strconv.Quote(ask.Endpoint)+" takes no batches", "endpoint").send(w)
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	input := s.store.files[ask.InputFileID]
	if input == nil {
		notFound("file", ask.InputFileID).send(w)
		return
	}
	now := time.Now()
	j := &job{Object: "batch", Endpoint: ask.Endpoint, InputFileID: ask.InputFileID, CompletionWindow: ask.CompletionWindow,
		Metadata: ask.Metadata, Status: "in_progress", created: now, CreatedAt: now.Unix(), InProgressAt: now.Unix(),
		ExpiresAt: now.Add(24 * time.Hour).Unix()}
	j.ID = "batch_" + hex(mix(hashText(2, ask.InputFileID+ask.Endpoint), uint64(len(s.store.batches))))
	if bad := j.read(input.data); bad != "" {
		j.fail(bad)
	} else if f := s.lineFault(hashText(3, ask.InputFileID), "batch_failed"); f != nil {
		j.fail("The batch failed its validation.")
	}
	s.store.batches[j.ID] = j
	s.ledger.mu.Lock()
	s.ledger.sum.Batches++
	s.ledger.mu.Unlock()
	s.store.order = append(s.store.order, j.ID)
	sendJSON(w, 200, j)
}

// read takes the lines of the input, or says what is wrong with one.
func (j *job) read(data []byte) (bad string) {
	ids := map[string]bool{}
	at := 0
	for text := range bytes.Lines(data) {
		at++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var l line
		where := "line " + strconv.Itoa(at)
		switch err := json.Unmarshal(text, &l); {
		case err != nil:
			return where + " is not JSON: " + err.Error()
		case l.CustomID == "" || ids[l.CustomID]:
			return where + " has no custom_id of its own"
		case l.URL != j.Endpoint:
			return where + " is for " + l.URL + ", the batch for " + j.Endpoint
		}
		ids[l.CustomID] = true
		j.lines = append(j.lines, l)
	}
	j.Counts.Total = len(j.lines)
	if at == 0 {
		return "the file is empty"
	}
	return ""
}

func (j *job) fail(message string) {
	j.Status = "failed"
	j.Errors, _ = json.Marshal(map[string]any{"object": "list", // strings and maps always encode
		"data": []map[string]string{{"code": "invalid_batch", "message": message}}})
}

// settleBatches completes the jobs whose time has come. The caller holds the store's lock.
func (s *Server) settleBatches(now time.Time) {
	for _, id := range slices.Clone(s.store.order) {
		j := s.store.batches[id]
		if j == nil || j.Status != "in_progress" || now.Sub(j.created) < s.c.BatchDelay {
			continue
		}
		s.settle(j, now)
	}
}

// settle answers the lines of a job into its output and error files.
func (s *Server) settle(j *job, now time.Time) {
	type result struct {
		order uint64
		text  []byte
	}
	var good, bad []result
	j.Status = "completed"
	shuffled := s.lineFault(hashText(6, j.InputFileID), "batch_unordered") != nil
	for i, l := range j.lines {
		order := uint64(i)
		h := mix(hashText(4, l.CustomID), hashText(5, string(l.Body)))
		if shuffled {
			order = mix(h, s.c.Seed)
		}
		if s.lineFault(h, "batch_missing") != nil {
			continue
		}
		text, ok, expired := s.answerLine(l, h)
		if expired {
			j.Status = "expired"
		}
		if ok {
			j.Counts.Completed++
			good = append(good, result{order, text})
		} else {
			j.Counts.Failed++
			bad = append(bad, result{order, text})
		}
	}
	join := func(rs []result, name string) string {
		if len(rs) == 0 {
			return ""
		}
		slices.SortStableFunc(rs, func(a, b result) int { return cmp.Compare(a.order, b.order) })
		var out []byte
		for _, r := range rs {
			out = append(append(out, r.text...), '\n')
		}
		return s.store.add(j.ID+name, "batch_output", out, now).ID
	}
	j.OutputFileID = join(good, "_output.jsonl")
	j.ErrorFileID = join(bad, "_error.jsonl")
	j.CompletedAt = now.Unix()
	j.lines = nil
}

// answerLine makes one line of output: an answer if ok, else an error; expired says that its time ran out.
func (s *Server) answerLine(l line, h uint64) (text []byte, ok, expired bool) {
	b := appendString([]byte(`{"id":"batch_req_`+hex(h)+`","custom_id":`), l.CustomID)
	respond := func(status int, body []byte) []byte {
		b = strconv.AppendInt(append(b, `,"response":{"status_code":`...), int64(status), 10)
		b = append(append(b, `,"request_id":"req_`+hex(h)+`","body":`...), bytes.TrimSpace(body)...)
		return append(b, `},"error":null}`...)
	}
	if s.lineFault(h, "batch_expired") != nil {
		return append(b, `,"response":null,"error":{"code":"batch_expired","message":"This request could not be executed before the completion window expired."}}`...), false, true
	}
	q, bad := readRequest(l.URL, l.Body, s.c.Seed)
	if bad == nil && !s.serves(q.model) {
		bad = unknownModel(q.model)
	}
	if bad == nil && s.lineFault(h, "batch_error") != nil {
		bad = &refusal{status: 500, message: "The server had an error while processing your request.", kind: "server_error"}
	}
	if bad != nil {
		return respond(bad.status, bad.body()), false, false
	}
	k := s.lineStrike(q)
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.sum.BatchLines++
	if q.route == embeddingsRoute {
		s.ledger.book(q.body, bill{prompt: q.prompt})
		return respond(200, s.embeddings(q, k.usage)), true, false
	}
	a := s.answer(q, k)
	s.ledger.book(q.body, a.paid)
	return respond(200, a.body()), true, false
}
