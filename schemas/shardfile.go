package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
)

// ShardFile is a file on its way to be sealed: it is written under a temporary name, hashed and counted
// on the way, and takes its name when it is whole and durable.
type ShardFile struct {
	fs    FS
	f     File
	path  string
	bytes int64
	sum   hash.Hash
	err   error // of a write: the file will never be sealed
}

// CreateShard starts a file that lies at path.tmp until it is sealed.
func CreateShard(fs FS, path string) (*ShardFile, error) {
	f, err := fs.Create(path + ".tmp")
	if err != nil {
		return nil, err
	}
	return &ShardFile{fs: fs, f: f, path: path, sum: sha256.New()}, nil
}

// Write implements io.Writer. A short write is an error, also where the file system keeps silent about it.
func (s *ShardFile) Write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.f.Write(b)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.err = fmt.Errorf("write %s.tmp: %w", s.path, err)
	}
	s.sum.Write(b[:n])
	s.bytes += int64(n)
	return n, s.err
}

// Seal makes the file durable under name, which may be another than the one it was created under: sync, close, rename, sync
// of the folder. What comes back is what the manifest is to say of the file: its size and hash; role, path and rows
// are the caller's to fill in.
func (s *ShardFile) Seal(name string) (Shard, error) {
	if s.err != nil {
		return Shard{}, errors.Join(s.err, s.Abort())
	}
	if err := s.f.Sync(); err != nil {
		return Shard{}, errors.Join(fmt.Errorf("sync %s.tmp: %w", s.path, err), s.Abort())
	}
	f := s.f
	s.f = nil
	if err := f.Close(); err != nil {
		return Shard{}, fmt.Errorf("close %s.tmp: %w", s.path, err)
	}
	if err := s.fs.Rename(s.path+".tmp", name); err != nil {
		return Shard{}, err
	}
	if err := s.fs.SyncDir(filepath.Dir(name)); err != nil {
		return Shard{}, fmt.Errorf("sync folder of %s: %w", name, err)
	}
	return Shard{Bytes: s.bytes, SHA256: hex.EncodeToString(s.sum.Sum(nil))}, nil
}

// Size is the number of bytes written so far.
func (s *ShardFile) Size() int64 { return s.bytes }

// Abort throws the file away. After Seal it does nothing.
func (s *ShardFile) Abort() error {
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return errors.Join(f.Close(), s.fs.Remove(s.path+".tmp"))
}
