package feed

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"unsafe"
)

// A cache is the tokens of one shard, mapped into memory. It can be made again from the shard at any time and is never the truth.
//
//	magic            8 bytes
//	ids              tokens × width (2 or 4 bytes)
//	marks            one bit per token, where the form has targets of its own
//	starts           rows+1 × 8: row i has the tokens [starts[i], starts[i+1])
//	records          rows × 8: the beginning of the record's id
//	families         rows × 8: … of the seed it descends from
//	extras           rows+1 × 8, then the bytes they point into: labels as JSON, or a number
//	footer           JSON, its length (4 bytes), CRC-32C of all before (4 bytes), magic
//
// Sections begin at multiples of 8. The bytes are in the order of the machine, which is little-endian wherever sluice runs.
type cache struct {
	footer
	path  string
	shard string // the file that the tokens were made of
	unmap func() error

	ids16    []uint16
	ids32    []int32
	marks    []byte
	starts   []uint64
	records  []uint64
	families []uint64
	extras   []uint64
	extra    []byte
}

// footer describes the sections.
type footer struct {
	Rows     int              `json:"rows"`
	Tokens   int64            `json:"tokens"`
	Width    int              `json:"width"`
	Sections [7]int64         `json:"sections"` // where each begins; the last entry is where extras' bytes do
	Extra    int64            `json:"extra"`    // bytes of them
	Marked   bool             `json:"marked"`
	Read     int64            `json:"read"`              // records of the shard
	Left     map[string]int64 `json:"left,omitempty"`    // records that gave no example, or only a part of one, by reason
	Longest  int              `json:"longest,omitempty"` // tokens of the longest row
}

const cacheMagic = "sluctok1"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errCache says that a cache file is no good and is to be made again.
var errCache = errors.New("token cache is damaged")

// openCache maps a cache file and checks it whole.
func openCache(path string) (*cache, error) {
	data, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	c, err := parseCache(data)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), unmap())
	}
	c.path, c.unmap = path, unmap
	return c, nil
}

func parseCache(b []byte) (*cache, error) {
	n := len(b)
	if n < 24 || string(b[:8]) != cacheMagic || string(b[n-8:]) != cacheMagic {
		return nil, errCache
	}
	if binary.LittleEndian.Uint32(b[n-12:]) != crc32.Checksum(b[:n-12], castagnoli) {
		return nil, errCache
	}
	size := int(binary.LittleEndian.Uint32(b[n-16:]))
	if size > n-24 {
		return nil, errCache
	}
	c := &cache{}
	if err := json.Unmarshal(b[n-16-size:n-16], &c.footer); err != nil {
		return nil, errCache
	}
	// The checksum stands for our own writer having written this; the sections need no further doubt.
	s, rows := c.Sections, c.Rows
	if c.Width == 2 {
		c.ids16 = view[uint16](b[s[0]:], int(c.Tokens))
	} else {
		c.ids32 = view[int32](b[s[0]:], int(c.Tokens))
	}
	if c.Marked {
		c.marks = b[s[1]:s[2]]
	}
	c.starts, c.records, c.families = view[uint64](b[s[2]:], rows+1), view[uint64](b[s[3]:], rows), view[uint64](b[s[4]:], rows)
	c.extras, c.extra = view[uint64](b[s[5]:], rows+1), b[s[6]:s[6]+c.Extra]
	return c, nil
}

// view sees bytes as numbers.
func view[T any](b []byte, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// Close unmaps the file.
func (c *cache) Close() error {
	if c.unmap == nil {
		return nil
	}
	unmap := c.unmap
	c.unmap = nil
	return unmap()
}

// length is the number of tokens of a row.
func (c *cache) length(row int) int { return int(c.starts[row+1] - c.starts[row]) }

// read writes the tokens [from, from+len(dst)) of a row to dst.
func (c *cache) read(dst []int32, row, from int) {
	at := int(c.starts[row]) + from
	if c.ids16 == nil {
		copy(dst, c.ids32[at:])
		return
	}
	src := c.ids16[at : at+len(dst)]
	for i, id := range src {
		dst[i] = int32(id)
	}
}

// targets writes the tokens as targets: those that are none become -100.
func (c *cache) targets(dst, ids []int32, row, from int) {
	copy(dst, ids)
	if !c.Marked {
		return
	}
	at := int(c.starts[row]) + from
	for i := range dst {
		if c.marks[(at+i)/8]>>((at+i)%8)&1 == 0 {
			dst[i] = NoTarget
		}
	}
}

// NoTarget is the target of a position that counts in no loss.
const NoTarget = -100

func (c *cache) extraOf(row int) []byte { return c.extra[c.extras[row]:c.extras[row+1]] }

// labels gives the labels of a row.
func (c *cache) labels(row int) (out []string) {
	if err := json.Unmarshal(c.extraOf(row), &out); err != nil {
		panic("feed: a token cache with a good checksum has no labels: " + c.path)
	}
	return out
}

// removeDamaged makes room for a new cache file.
func removeDamaged(path string, err error) error {
	if !errors.Is(err, errCache) {
		return err
	}
	return os.Remove(path)
}
