package pipeline

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sluice/schemas"
)

// shards stores finished batches and seals them in segments of whole batches. Where a segment ends is a
// function of the stream alone: the batch that fills it. Sealing is, in this order:
//
//	fsync, close and rename each file, fsync its folder
//	store the claims of its batches under its token; sync the store
//	write, fsync and rename the manifest, fsync the folder      <- the only commit point
//
// A crash before the last step leaves files and claims that nothing lists: they are redone, from answers
// that are in the ledger. A graceful stop seals what is whole as a partial segment; the run that resumes makes
// it anew from its first batch and replaces it in one rename of the manifest.
type shards struct {
	fs     schemas.FS
	root   string // the dataset folder
	dir    string // where the manifest lies: root, or the folder of a phase
	phase  int    // 0 for the last phase, which writes the dataset itself
	role   string // of the rows let through
	schema *schemas.Schema
	format string
	spec   ShardSpec
	man    *schemas.Manifest
	index  Index
	modes  func() (json.RawMessage, error) // pinned capabilities of models
	spent  func() ([]schemas.Spent, error) // by the dataset so far; nil in phases before the last
	events *Events

	open   *segment
	before Cursor   // where the open segment starts
	stale  []string // files of the partial segment that the first seal replaces
	failed failures
}

// segment is one being written.
type segment struct {
	schemas.Segment
	number int
	files  map[string]*shardWriter // by role
	size   int64                   // bytes of rows in memory terms: decides where it ends
	rows   int64
	cursor Cursor
}

type shardWriter struct {
	file    *schemas.ShardFile
	rows    schemas.RowWriter
	rejects schemas.RejectWriter
	path    string
	n       int64
}

// write adds a batch, and seals the segment when it is full. What the disk or the store refuses is a [writeError]: rows
// may be lost, so the open segment must never be sealed.
func (s *shards) write(b *Batch) error {
	if err := s.add(b); err != nil {
		return &writeError{err}
	}
	s.events.batch(s, b)
	if err := s.failed.add(b.Counts); err != nil {
		return err
	}
	if s.open.rows >= s.spec.Rows || s.open.size >= s.spec.Bytes {
		if err := s.seal(false); err != nil {
			return &writeError{err}
		}
	}
	return nil
}

// add writes the rows of a batch and counts them.
func (s *shards) add(b *Batch) error {
	if s.open == nil {
		s.open = &segment{number: len(s.man.Segments), files: map[string]*shardWriter{}}
		s.open.Token, s.open.First = newToken(), b.N
		s.open.Labels, s.open.Made = map[string]int64{}, map[string]int64{}
	}
	g := s.open
	g.Last, g.cursor = b.N, b.cursor
	g.Counts = schemas.AddTallies(g.Counts, b.Counts)
	if err := s.rowsTo(s.role, b.Records); err != nil {
		return err
	}
	if err := s.rowsTo(schemas.RoleTest, b.Held); err != nil {
		return err
	}
	if err := s.rejectsTo(b.Rejects); err != nil {
		return err
	}
	for _, r := range b.Records {
		for _, l := range labelsOf(r) {
			g.Labels[l]++
		}
		if r.Origin.Depth > 0 {
			g.Made[r.Label()]++
		}
		g.size += size(r)
	}
	g.rows += int64(len(b.Records))
	for _, x := range b.Rejects {
		g.size += size(x.Record) / 4 // rejects alone must end a segment too, or memory would grow with them
	}
	return nil
}

// labelsOf is what a record counts under: its labels, or "" when the dataset has none.
func labelsOf(r *schemas.Record) []string {
	if len(r.Labels) == 0 {
		return []string{""}
	}
	return r.Labels
}

// size is about what a record takes in memory: a function of its content alone.
func size(r *schemas.Record) int64 {
	n := 256 + len(r.Text)
	for _, ms := range [][]schemas.Message{r.Messages, r.Prompt, r.Chosen, r.Rejected} {
		for _, m := range ms {
			n += 64 + len(m.Content)
		}
	}
	return int64(n + 32*len(r.Columns))
}

func (s *shards) rowsTo(role string, rs []*schemas.Record) error {
	if len(rs) == 0 {
		return nil
	}
	w, err := s.file(role)
	if err != nil {
		return err
	}
	w.n += int64(len(rs))
	if err := w.rows.Write(rs); err != nil {
		return fmt.Errorf("write %s: %w", w.path, err)
	}
	return nil
}

func (s *shards) rejectsTo(xs []Reject) error {
	if len(xs) == 0 {
		return nil
	}
	w, err := s.file(schemas.RoleRejects)
	if err != nil {
		return err
	}
	w.n += int64(len(xs))
	if err := w.rejects.Write(xs); err != nil {
		return fmt.Errorf("write %s: %w", w.path, err)
	}
	return nil
}

// file returns the open file of a role, made at its first row.
func (s *shards) file(role string) (*shardWriter, error) {
	if w := s.open.files[role]; w != nil {
		return w, nil
	}
	w := &shardWriter{path: s.name(role, "")}
	full := filepath.Join(s.root, filepath.FromSlash(w.path))
	if err := s.fs.MkdirAll(filepath.Dir(full)); err != nil {
		return nil, err
	}
	f, err := schemas.CreateShard(s.fs, full)
	if err != nil {
		return nil, err
	}
	w.file = f
	o := schemas.WriteOptions{Compression: s.spec.Compression}
	if role == schemas.RoleRejects {
		w.rejects, err = schemas.NewRejectWriter(s.format, f, s.schema, o)
	} else {
		w.rows, err = schemas.NewWriter(s.format, f, s.schema, o)
	}
	if err != nil {
		f.Abort()
		return nil, err
	}
	s.open.files[role] = w
	return w, nil
}

// name is the path of a file relative to the dataset folder: data/train-000003.parquet. Files of a partial segment
// carry its token too, because files that replace them must not overwrite what the manifest still lists.
func (s *shards) name(role, suffix string) string {
	base := fmt.Sprintf("%s-%06d%s", role, s.open.number, suffix)
	if s.phase > 0 && role != schemas.RoleSpool {
		base = fmt.Sprintf("%s-p%d-%06d%s", role, s.phase, s.open.number, suffix)
	}
	dir := schemas.DataDir
	switch role {
	case schemas.RoleRejects:
		dir = schemas.RejectsDir
	case schemas.RoleSpool:
		rel, _ := filepath.Rel(s.root, s.dir)
		dir = path.Join(filepath.ToSlash(rel), schemas.DataDir)
	}
	return path.Join(dir, base+"."+s.format)
}

// shardRoles in the order their files are sealed.
var shardRoles = []string{schemas.RoleTrain, schemas.RoleSpool, schemas.RoleTest, schemas.RoleRejects}

// seal commits the open segment, if any.
func (s *shards) seal(partial bool) error {
	g := s.open
	if g == nil {
		return nil
	}
	g.Partial = partial
	suffix := ""
	if partial {
		suffix = "-partial-" + g.Token[:8]
	}
	for _, role := range shardRoles {
		w := g.files[role]
		if w == nil {
			continue
		}
		delete(g.files, role)
		name := s.name(role, suffix)
		shard, err := w.seal(filepath.Join(s.root, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("seal %s: %w", w.path, err)
		}
		shard.Role, shard.Path = role, name
		g.Files = append(g.Files, shard)
	}
	if err := s.index.Seal(g.Token, g.Last); err != nil {
		return fmt.Errorf("store claims: %w", err)
	}
	if err := s.commit(g); err != nil {
		return err
	}
	s.open, s.before = nil, g.cursor
	s.events.sealed(s, &g.Segment)
	return s.sweepStale()
}

// commit writes the manifest with g in it. Where that fails the manifest in memory stays as it was.
func (s *shards) commit(g *segment) error {
	var err error
	if g.Start, err = s.before.encode(); err != nil {
		return err
	}
	next := *s.man
	if next.Cursor, err = g.cursor.encode(); err != nil {
		return err
	}
	if next.Modes, err = s.modes(); err != nil {
		return err
	}
	if s.spent != nil {
		if next.Spent, err = s.spent(); err != nil {
			return err
		}
	}
	next.Complete = false
	next.Segments = append(slices.Clone(next.Segments), g.Segment)
	if err := next.Write(s.fs, s.dir); err != nil {
		return err
	}
	// Field by field: stages that go on meanwhile read the schema.
	s.man.Cursor, s.man.Modes, s.man.Spent, s.man.Complete, s.man.Segments = next.Cursor, next.Modes, next.Spent, next.Complete, next.Segments
	return nil
}

// sweepStale removes the files of a partial segment once a manifest without it is on disk.
func (s *shards) sweepStale() error {
	for _, name := range s.stale {
		if err := s.fs.Remove(filepath.Join(s.root, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	s.stale = nil
	return nil
}

func (w *shardWriter) seal(name string) (schemas.Shard, error) {
	var err error
	if w.rows != nil {
		err = w.rows.Close()
	} else {
		err = w.rejects.Close()
	}
	if err != nil {
		w.file.Abort()
		return schemas.Shard{}, err
	}
	shard, err := w.file.Seal(name)
	shard.Rows = w.n
	return shard, err
}

// abort throws the open segment away.
func (s *shards) abort() {
	if s.open == nil {
		return
	}
	for _, role := range shardRoles {
		if w := s.open.files[role]; w != nil {
			w.file.Abort()
		}
	}
	s.open = nil
}

func newToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: see its documentation
	return hex.EncodeToString(b[:])
}

// isShardName reports whether a file could be a shard of ours, sealed or not.
func isShardName(name string) bool {
	name = strings.TrimSuffix(name, ".tmp")
	for _, role := range shardRoles {
		if strings.HasPrefix(name, role+"-") {
			return true
		}
	}
	return false
}
