package index

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sluice/pipeline"
	"sluice/pipeline/text"
)

// kinds of store entries: the byte after 'x'.
const (
	kindHeader   = 'h'
	kindToken    = 't'
	kindGen      = 'g'
	kindWipe     = 'w'
	kindPage     = 'p'
	kindFirsts   = 'd'
	kindBloom    = 'b'
	kindIDs      = 'i'
	kindSketches = 's'
)

// header tells shelves apart.
type header struct {
	Scope   string          `json:"scope"`             // dataset, run, source:NAME or global
	Dataset string          `json:"dataset,omitempty"` // "" on global shelves
	Run     string          `json:"run,omitempty"`     // on shelves of scope run
	Stage   string          `json:"stage,omitempty"`   // "" on global shelves: all stages of one scheme share one
	Scheme  pipeline.Scheme `json:"scheme"`
}

// identity is equal for headers of one shelf. Global shelves are one for each scheme; elsewhere a stage has one scheme, and
// another is an error.
func (h header) identity() string {
	if h.Scope == scopeGlobal {
		return fmt.Sprintf("global\x00%+v", h.Scheme)
	}
	return strings.Join([]string{h.Scope, h.Dataset, h.Run, h.Stage}, "\x00")
}

const (
	scopeRun    = "run"
	scopeGlobal = "global"
)

// genMeta is the directory entry of a generation.
type genMeta struct {
	Dataset string   `json:"dataset"`
	Path    string   `json:"path,omitempty"` // folder of the dataset, whose manifest says what counts
	Tokens  []string `json:"tokens"`
	First   int64    `json:"first"` // batches that its claims come from
	Last    int64    `json:"last"`
	Extents []extent `json:"extents"` // in stream order
	Keys    int64    `json:"keys"`
	Level   int      `json:"level"` // how often its records were merged
	Bands   int      `json:"bands"`
}

// extent is a run of records whose ids and sketches lie together.
type extent struct {
	Base  uint64 `json:"base"` // ordinal of the first
	Count uint32 `json:"count"`
}

func (m *genMeta) records() (n int64) {
	for _, e := range m.Extents {
		n += int64(e.Count)
	}
	return n
}

// tokenMeta says what was sealed under a token. The claims are whole if that many generations list it.
type tokenMeta struct {
	Gens    int    `json:"gens"`
	Run     string `json:"run,omitempty"`
	RunGens int    `json:"run_gens,omitempty"` // of scope run: only that run misses them
	Last    int64  `json:"last"`               // batch
	Counted bool   `json:"counted,omitempty"`  // a manifest was seen to list it
}

// wipeMeta says what goes with the pages of a generation.
type wipeMeta struct {
	Extents []extent `json:"extents,omitempty"` // ids and sketches to remove too
}

func shelfKey(kind byte, shelf uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{'x', kind}, shelf)
}

func genKey(kind byte, shelf, gen uint32) []byte {
	return binary.BigEndian.AppendUint32(shelfKey(kind, shelf), gen)
}

func pageKey(kind byte, shelf, gen uint32, band uint8, page uint32) []byte {
	return binary.BigEndian.AppendUint32(append(genKey(kind, shelf, gen), band), page)
}

func bloomKey(shelf, gen, part uint32) []byte {
	return binary.BigEndian.AppendUint32(genKey(kindBloom, shelf, gen), part)
}

func blockKey(kind byte, shelf uint32, ordinal uint64) []byte {
	return binary.BigEndian.AppendUint64(shelfKey(kind, shelf), ordinal)
}

func tokenKey(dataset, token string) []byte {
	return fmt.Appendf(nil, "x%c%s\x00%s", kindToken, dataset, token)
}

func parseTokenKey(key []byte) (dataset, token string, ok bool) {
	return strings.Cut(string(key[2:]), "\x00")
}

func parseGenKey(key []byte) (shelf, gen uint32, err error) {
	if len(key) != 10 {
		return 0, 0, fmt.Errorf("key %q: %w", key, errDamaged)
	}
	return binary.BigEndian.Uint32(key[2:]), binary.BigEndian.Uint32(key[6:]), nil
}

var errDamaged = errors.New("entry is damaged")

// closed adds the checksum that [opened] takes off.
func closed(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, text.Hash64(b)) }

func opened(b []byte) ([]byte, error) {
	n := len(b) - 8
	if n < 0 || binary.LittleEndian.Uint64(b[n:]) != text.Hash64(b[:n]) {
		return nil, errDamaged
	}
	return b[:n], nil
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types above always marshal
	}
	return closed(b)
}

func unmarshal(b []byte, v any) error {
	b, err := opened(b)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
