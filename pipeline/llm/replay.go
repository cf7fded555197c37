package llm

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluice/schemas"
)

// replay answers from a file: one JSON object per line,
//
//	{"key": "<64 hexadecimal digits>", "text": "…"}       for the request with this key
//	{"prompt": "…", "text": "…"}                          for requests whose last user message is this
//
// with optional "reasoning", "finish" and "usage" {"prompt", "completion"}. Several lines for one prompt are its answers by attempt; the last also
// serves all later attempts. A request that was not recorded costs its record (not_recorded).
type replay struct {
	place    string
	byKey    map[string]recorded
	byPrompt map[string][]recorded
}

type recorded struct {
	Key       string `json:"key"`
	Prompt    string `json:"prompt"`
	Text      string `json:"text"`
	Reasoning string `json:"reasoning"`
	Finish    string `json:"finish"`
	Usage     Usage  `json:"usage"`
}

func openReplay(dir, name string) (*replay, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	defer f.Close()
	r := &replay{place: name, byKey: make(map[string]recorded), byPrompt: make(map[string][]recorded)}
	in := bufio.NewReaderSize(f, 1<<16)
	for line := 1; ; line++ {
		b, err := in.ReadBytes('\n')
		if len(strings.TrimSpace(string(b))) > 0 {
			if err := r.add(b); err != nil {
				return nil, fmt.Errorf("replay: %s:%d: %w", name, line, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("replay: %s: %w", name, err)
		}
	}
}

func (r *replay) add(b []byte) error {
	var a recorded
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	if a.Finish == "" {
		a.Finish = finishStop
	}
	switch {
	case a.Key != "":
		if k, err := hex.DecodeString(a.Key); err != nil || len(k) != 32 {
			return fmt.Errorf("key %q is not 64 hexadecimal digits", a.Key)
		}
		r.byKey[strings.ToLower(a.Key)] = a
	case a.Prompt != "":
		r.byPrompt[a.Prompt] = append(r.byPrompt[a.Prompt], a)
	default:
		return errors.New("neither key nor prompt")
	}
	return nil
}

func (r *replay) ask(_ context.Context, c *call) (*reply, error) {
	a, ok := r.byKey[hex.EncodeToString(c.key[:])]
	if !ok {
		var list []recorded
		for i := len(c.q.Messages) - 1; i >= 0 && list == nil; i-- {
			if c.q.Messages[i].Role == "user" {
				list = r.byPrompt[c.q.Messages[i].Content]
				break
			}
		}
		if len(list) == 0 {
			return nil, schemas.Fail("not_recorded", "%s has no answer for request %x", r.place, c.key[:8])
		}
		a = list[min(c.q.Attempt, len(list)-1)]
	}
	e := &Entry{
		Time: time.Now().UTC().Truncate(time.Millisecond), Model: "replay",
		Choices: []EntryChoice{{Text: a.Text, Reasoning: a.Reasoning, Finish: finishReason(a.Finish)}},
	}
	return &reply{Entry: e, said: a.Usage, written: -1}, nil
}
