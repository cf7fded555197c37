package feed

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"sync"

	"sluice/schemas"
)

// tokens opens the cache of a shard, making it first where there is none.
func (c *Corpus) tokens(ctx context.Context, s shard) (*cache, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %v %s %+v", cacheMagic, c.o.Tokenizer.Hash(), c.o.Tokenizer.Special(), c.o.Tokenizer.ChatTemplate(), c.o.Form))
	path := filepath.Join(c.o.Cache, s.sha+"-"+hex.EncodeToString(sum[:8])+".tok")
	switch t, err := openCache(path); {
	case err == nil:
		return t, nil
	case !errors.Is(err, fs.ErrNotExist):
		if err := removeDamaged(path, err); err != nil {
			return nil, err
		}
	}
	if c.o.Progress != nil {
		c.o.Progress("tokenize " + s.name)
	}
	if err := c.build(ctx, s, path); err != nil {
		return nil, err
	}
	return openCache(path)
}

// chunk is the number of records that the threads share at a time.
const chunk = 512

// build tokenizes a shard into a new cache file.
func (c *Corpus) build(ctx context.Context, s shard, path string) error {
	disk := c.o.FS
	if err := disk.MkdirAll(c.o.Cache); err != nil {
		return err
	}
	f, err := disk.Create(path + ".tmp")
	if err != nil {
		return err
	}
	w := newCacheWriter(f, c.o.Tokenizer.Vocab())
	err = c.fill(ctx, s, w)
	if err == nil {
		err = w.finish()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("tokens of %s: %w", s.path, err), disk.Remove(path+".tmp"))
	}
	if err := disk.Rename(path+".tmp", path); err != nil {
		return err
	}
	return disk.SyncDir(c.o.Cache)
}

func (c *Corpus) fill(ctx context.Context, s shard, w *cacheWriter) error {
	records := make([]*schemas.Record, 0, chunk)
	flush := func() error {
		for i, x := range c.form(records) {
			if x.err != nil {
				return x.err
			}
			if err := w.add(x.example); err != nil {
				return fmt.Errorf("record %s: %w", records[i].ID, err)
			}
		}
		records = records[:0]
		return ctx.Err()
	}
	for r, err := range s.records(c.o.Form) {
		if err != nil {
			return err
		}
		if records = append(records, r); len(records) == chunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

type formed struct {
	example
	err error
}

// form makes examples of records, on several threads.
func (c *Corpus) form(records []*schemas.Record) []formed {
	out := make([]formed, len(records))
	n := max(1, c.o.Threads)
	var wg sync.WaitGroup
	for t := range n {
		run := func() {
			for i := t; i < len(records); i += n {
				out[i].example, out[i].err = c.former.example(records[i])
			}
		}
		if n == 1 {
			run()
			break
		}
		wg.Go(run)
	}
	wg.Wait()
	return out
}

// A cacheWriter writes the sections of a cache in order; what belongs behind the ids waits in memory.
type cacheWriter struct {
	footer
	w   *bufio.Writer
	sum hash.Hash32
	at  int64
	err error

	buf               []byte
	marks             []byte
	starts, extras    []uint64
	records, families []uint64
	extra             []byte
}

func newCacheWriter(w io.Writer, vocab int) *cacheWriter {
	c := &cacheWriter{w: bufio.NewWriterSize(w, 1<<16), sum: crc32.New(castagnoli), starts: []uint64{0}, extras: []uint64{0}}
	if c.Width = 2; vocab > 1<<16 {
		c.Width = 4
	}
	c.Left = map[string]int64{}
	c.bytes([]byte(cacheMagic))
	c.Sections[0] = c.at
	return c
}

func (c *cacheWriter) bytes(b []byte) {
	if c.err != nil {
		return
	}
	n, err := c.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	c.sum.Write(b)
	c.at, c.err = c.at+int64(len(b)), err
}

// add takes one example.
func (c *cacheWriter) add(x example) error {
	c.Read++
	if x.skip != "" {
		c.Left[x.skip]++
		return nil
	}
	if x.cut {
		c.Left[reasonCut]++
	}
	c.buf = c.buf[:0]
	for _, id := range x.ids {
		if c.Width == 2 {
			c.buf = binary.LittleEndian.AppendUint16(c.buf, uint16(id))
		} else {
			c.buf = binary.LittleEndian.AppendUint32(c.buf, uint32(id))
		}
	}
	c.bytes(c.buf)
	if c.Marked = c.Marked || x.marks != nil; c.Marked {
		for i := range x.ids {
			at := int(c.Tokens) + i
			for at/8 >= len(c.marks) {
				c.marks = append(c.marks, 0)
			}
			if x.marks == nil || x.marks[i] {
				c.marks[at/8] |= 1 << (at % 8)
			}
		}
	}
	c.Tokens += int64(len(x.ids))
	c.Rows++
	c.Longest = max(c.Longest, len(x.ids))
	c.starts, c.records, c.families = append(c.starts, uint64(c.Tokens)), append(c.records, x.record), append(c.families, x.family)
	if x.labels != nil {
		b, err := json.Marshal(x.labels)
		if err != nil {
			return err
		}
		c.extra = append(c.extra, b...)
	} else {
		c.extra = binary.LittleEndian.AppendUint64(c.extra, math.Float64bits(x.number))
	}
	c.extras = append(c.extras, uint64(len(c.extra)))
	return c.err
}

// finish writes what is left.
func (c *cacheWriter) finish() error {
	section := func(i int, b []byte) {
		if pad := -c.at & 7; pad > 0 {
			c.bytes(make([]byte, pad))
		}
		c.Sections[i] = c.at
		c.bytes(b)
	}
	words := func(i int, x []uint64) {
		b := make([]byte, 0, 8*len(x))
		for _, v := range x {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		section(i, b)
	}
	section(1, c.marks)
	words(2, c.starts)
	words(3, c.records)
	words(4, c.families)
	words(5, c.extras)
	section(6, c.extra)
	c.Extra = int64(len(c.extra))
	b, err := json.Marshal(c.footer)
	if err != nil {
		return err
	}
	c.bytes(b)
	c.bytes(binary.LittleEndian.AppendUint32(nil, uint32(len(b))))
	if c.err != nil {
		return c.err
	}
	c.w.Write(binary.LittleEndian.AppendUint32(nil, c.sum.Sum32()))
	c.w.WriteString(cacheMagic)
	return c.w.Flush()
}
