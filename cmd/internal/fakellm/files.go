package fakellm

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A store keeps uploaded files and batch jobs, in memory and for the life of the server.
type store struct {
	mu      sync.Mutex
	files   map[string]*file
	batches map[string]*job
	order   []string // ids of files and batches as they came
}

// A file is an upload, or the output of a batch.
type file struct {
	ID        string `json:"id"`
	Object    string `json:"object"`
	Bytes     int    `json:"bytes"`
	CreatedAt int64  `json:"created_at"`
	Filename  string `json:"filename"`
	Purpose   string `json:"purpose"`
	Status    string `json:"status"`
	data      []byte
}

func (t *store) init() { t.files, t.batches = map[string]*file{}, map[string]*job{} }

// add files data under an id made of its content. The caller holds the lock.
func (t *store) add(name, purpose string, data []byte, now time.Time) *file {
	id := "file-" + hex(mix(hashText(0, string(data)), hashText(1, purpose+name)))
	if f := t.files[id]; f != nil {
		return f
	}
	f := &file{ID: id, Object: "file", Bytes: len(data), CreatedAt: now.Unix(), Filename: name, Purpose: purpose,
		Status: "processed", data: data}
	t.files[id] = f
	t.order = append(t.order, id)
	return f
}

func (s *Server) routeFiles() {
	s.mux.HandleFunc("POST /v1/files", s.plain(s.upload))
	s.mux.HandleFunc("GET /v1/files", s.plain(s.listFiles))
	s.mux.HandleFunc("GET /v1/files/{id}", s.plain(s.withFile(func(w http.ResponseWriter, f *file) { sendJSON(w, 200, f) })))
	s.mux.HandleFunc("GET /v1/files/{id}/content", s.plain(s.withFile(func(w http.ResponseWriter, f *file) {
		send(w, 200, "application/octet-stream", f.data)
	})))
	s.mux.HandleFunc("DELETE /v1/files/{id}", s.plain(s.withFile(func(w http.ResponseWriter, f *file) {
		s.store.mu.Lock()
		delete(s.store.files, f.ID)
		s.store.order = slices.DeleteFunc(s.store.order, func(id string) bool { return id == f.ID })
		s.store.mu.Unlock()
		sendJSON(w, 200, map[string]any{"id": f.ID, "object": "file", "deleted": true})
	})))
}

// upload takes a multipart form with the parts purpose and file.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	form, err := r.MultipartReader()
	if err != nil {
		badRequest("the upload is not a multipart form: "+err.Error(), "file").send(w)
		return
	}
	var purpose, name string
	var data []byte
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(part)
		}
		if err != nil {
			badRequest("the upload broke off: "+err.Error(), "file").send(w)
			return
		}
		switch part.FormName() {
		case "purpose":
			purpose = strings.TrimSpace(string(content))
		case "file":
			name, data = part.FileName(), content
		}
	}
	if purpose == "" || data == nil {
		badRequest("an upload needs the parts purpose and file", "file").send(w)
		return
	}
	s.store.mu.Lock()
	f := s.store.add(name, purpose, data, time.Now())
	s.store.mu.Unlock()
	sendJSON(w, 200, f)
}

func (s *Server) listFiles(w http.ResponseWriter, _ *http.Request) {
	s.store.mu.Lock()
	s.settleBatches(time.Now())
	list := []*file{}
	for _, id := range s.store.order {
		if f := s.store.files[id]; f != nil {
			list = append(list, f)
		}
	}
	s.store.mu.Unlock()
	sendJSON(w, 200, map[string]any{"object": "list", "data": list, "has_more": false})
}

// withFile finds the file that a path names.
func (s *Server) withFile(h func(http.ResponseWriter, *file)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.store.mu.Lock()
		f := s.store.files[r.PathValue("id")]
		s.store.mu.Unlock()
		if f == nil {
			notFound("file", r.PathValue("id")).send(w)
			return
		}
		h(w, f)
	}
}

func notFound(what, id string) *refusal {
	return &refusal{status: 404, message: "No such " + what + ": " + id, kind: "invalid_request_error", param: "id"}
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		(&refusal{status: 500, message: err.Error(), kind: "server_error"}).send(w)
		return
	}
	send(w, status, "application/json", body)
}
