package schemas

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	pqzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// zstdCodec compresses pages. An encoder of the library's own codec keeps 8 MiB of history; no page is larger than about
// pageBytes, so a window of that size finds nearly the same matches with an eighth of the memory.
type zstdCodec struct {
	pqzstd.Codec // its name, and decoding
	level        zstd.EncoderLevel
	encoders     sync.Pool // of *zstd.Encoder
}

// Encode implements [compress.Codec].
func (c *zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	e, _ := c.encoders.Get().(*zstd.Encoder)
	if e == nil {
		var err error
		e, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(c.level), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithZeroFrames(true), zstd.WithWindowSize(pageBytes), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
	}
	defer c.encoders.Put(e)
	return e.EncodeAll(src, dst[:0]), nil
}

// parquetCodec is the codec of a name that a recipe may give; the default is the fastest zstd.
func parquetCodec(name string) compress.Codec {
	switch name {
	case "none":
		return &parquet.Uncompressed
	case "zstd":
		return &zstdCodec{level: zstd.SpeedDefault}
	case "zstd-better":
		return &zstdCodec{level: zstd.SpeedBetterCompression}
	}
	return &zstdCodec{level: zstd.SpeedFastest}
}
