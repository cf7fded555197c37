package logs

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// hidden stands where a secret stood.
const hidden = "[redacted]"

// shortest is the length below which a value is not hidden: taking "1" or "true" out of every line would hide no key
// and spoil every number.
const shortest = 6

// patterns find what looks like a key though nobody named it: an Authorization header, or a key with a provider's prefix.
var patterns = []*regexp.Regexp{
	regexp.MustCompile(`(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`),
	regexp.MustCompile(`()\b(?:sk|pk|gsk|xai|hf|key)[-_][A-Za-z0-9_-]{16,}`),
}

// A Redactor passes on what is written to it, with secrets taken out. Each call of Write must hold whole lines: a secret
// cut in two by a caller is not found. It may be used concurrently.
type Redactor struct {
	mu      sync.Mutex
	w       io.Writer
	secrets [][]byte // longest first, so that a secret inside another leaves nothing of it
}

// NewRedactor returns a Redactor that writes to w.
func NewRedactor(w io.Writer) *Redactor { return &Redactor{w: w} }

// Hide takes secret out of everything written from now on, as it is and as JSON or Go quote it.
func (r *Redactor) Hide(secret string) {
	if len(secret) < shortest {
		return
	}
	forms := []string{secret, unquoted(strconv.Quote(secret))}
	if b, err := json.Marshal(secret); err == nil {
		forms = append(forms, unquoted(string(b)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range forms {
		if !slices.ContainsFunc(r.secrets, func(s []byte) bool { return string(s) == f }) {
			r.secrets = append(r.secrets, []byte(f))
		}
	}
	slices.SortStableFunc(r.secrets, func(a, b []byte) int { return len(b) - len(a) })
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// To turns what is written from now on to w, such as the lines above a progress bar, and returns the writer before.
func (r *Redactor) To(w io.Writer) (before io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, r.w = r.w, w
	return before
}

// Write writes b without secrets. It reports len(b) when all that is left of b was written.
func (r *Redactor) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.w.Write(r.redact(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// redact returns b without secrets; r.mu is held.
func (r *Redactor) redact(b []byte) []byte {
	for _, s := range r.secrets {
		b = bytes.ReplaceAll(b, s, []byte(hidden))
	}
	for _, p := range patterns {
		b = p.ReplaceAll(b, []byte("${1}"+hidden))
	}
	return b
}
