package llm

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"sluice/schemas"
)

// Entry is an answer as the ledger keeps it: just as the provider gave it, so that a better parser reads it anew for free.
//
//	byte 0     version, 1
//	byte 1     0: the request is plain, 1: it is zstd-compressed (from 1 KiB)
//	uvarint    length of the answer
//	           the answer, JSON
//	           the request, canonical JSON: its SHA-256 is the key
type Entry struct {
	Time        time.Time     `json:"t"`
	Max         int           `json:"max"` // max_tokens that was asked
	Choices     []EntryChoice `json:"choices"`
	Usage       Usage         `json:"usage"`
	Model       string        `json:"model,omitempty"` // as the provider returned it
	Fingerprint string        `json:"fingerprint,omitempty"`
	RequestID   string        `json:"id,omitempty"`
	Mode        string        `json:"mode,omitempty"` // how structured output was asked for

	Request json.RawMessage `json:"-"` // canonical
}

// EntryChoice is one answer, unparsed.
type EntryChoice struct {
	Text      string             `json:"text"`
	Reasoning string             `json:"reasoning,omitempty"`
	Refusal   string             `json:"refusal,omitempty"`
	Finish    string             `json:"finish"`
	ToolCalls []schemas.ToolCall `json:"tool_calls,omitempty"`
	Logprobs  []TokenLogprob     `json:"logprobs,omitempty"`
}

// Finish reasons, the same for all providers.
const (
	finishStop    = "stop"
	finishLength  = "length"
	finishFilter  = "content_filter"
	finishTools   = "tool_calls"
	entryVersion  = 1
	compressAbove = 1 << 10
)

// zstdCoders are shared: EncodeAll and DecodeAll may be called concurrently.
type zstdCoders struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCoders() (*zstdCoders, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return nil, err
	}
	return &zstdCoders{enc, dec}, nil
}

func (z *zstdCoders) encode(e *Entry) ([]byte, error) {
	answer, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("ledger entry: %w", err)
	}
	b := make([]byte, 0, len(answer)+len(e.Request)+16)
	packed := byte(0)
	if len(e.Request) >= compressAbove {
		packed = 1
	}
	b = append(b, entryVersion, packed)
	b = binary.AppendUvarint(b, uint64(len(answer)))
	b = append(b, answer...)
	if packed == 1 {
		return z.enc.EncodeAll(e.Request, b), nil
	}
	return append(b, e.Request...), nil
}

func (z *zstdCoders) decode(b []byte) (*Entry, error) {
	if len(b) < 3 {
		return nil, errors.New("ledger entry: cut")
	}
	if b[0] != entryVersion {
		return nil, fmt.Errorf("ledger entry: version %d, this program reads %d", b[0], entryVersion)
	}
	packed := b[1] == 1
	n, w := binary.Uvarint(b[2:])
	b = b[2+max(w, 0):]
	if w <= 0 || n > uint64(len(b)) {
		return nil, errors.New("ledger entry: cut")
	}
	e := new(Entry)
	if err := json.Unmarshal(b[:n], e); err != nil {
		return nil, fmt.Errorf("ledger entry: %w", err)
	}
	e.Request = b[n:]
	if packed {
		plain, err := z.dec.DecodeAll(b[n:], nil)
		if err != nil {
			return nil, fmt.Errorf("ledger entry: request: %w", err)
		}
		e.Request = plain
	}
	if len(e.Choices) == 0 {
		return nil, errors.New("ledger entry: no answer in it")
	}
	return e, nil
}

// DecodeEntry reads an answer of the ledger, with the request that it answers.
func DecodeEntry(b []byte) (*Entry, error) {
	z, err := newCoders()
	if err != nil {
		return nil, err
	}
	defer z.dec.Close()
	return z.decode(b)
}

// serves reports whether e answers a request for at most maxTokens: it ended by itself and is short enough (or was asked
// with no more), or was cut at just that many.
func (e *Entry) serves(maxTokens int) bool {
	for _, c := range e.Choices {
		if c.Finish == finishLength {
			return e.Max == maxTokens
		}
	}
	return e.Max <= maxTokens || e.Usage.Completion <= int64(maxTokens)
}
