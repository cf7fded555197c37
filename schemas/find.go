package schemas

import (
	"fmt"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

// Found is a row that [FindRecord] found.
type Found struct {
	Record *Record
	Reject *Reject // set if the record was taken out; Record is then the same as Reject.Record
	Shard  Shard
}

// FindRecord returns every row with that id in the dataset in dir, accepted rows first: none where the id is unknown. Parquet
// shards without it are left out by their Bloom filters; of the others the column of ids is read, and then the row alone.
func FindRecord(dir string, id ID) ([]Found, error) {
	d, err := OpenDataset(dir)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, role := range []string{RoleTrain, RoleTest, RoleSpool, RoleRejects} {
		for _, s := range d.Manifest.Shards(role) {
			f, err := d.findIn(s, id)
			if err != nil {
				return nil, err
			}
			found = append(found, f...)
		}
	}
	return found, nil
}

func (d *Dataset) findIn(s Shard, id ID) (found []Found, err error) {
	path := d.Path(s)
	var rows []int64
	switch FormatOf(path) {
	case "parquet", "arrow":
		if rows, err = rowsWithID(path, id); err != nil || rows == nil {
			return nil, err
		}
	}
	if s.Role == RoleRejects {
		for x, err := range someRows(readRejectsFrom, path, &d.Manifest.Schema, rows) {
			if err != nil {
				return nil, err
			}
			if x.Record.ID == id {
				found = append(found, Found{x.Record, &x, s})
			}
		}
		return found, nil
	}
	for r, err := range someRows(readShardFrom, path, &d.Manifest.Schema, rows) {
		if err != nil {
			return nil, err
		}
		if r.ID == id {
			found = append(found, Found{Record: r, Shard: s})
		}
	}
	return found, nil
}

// someRows returns the rows of those numbers; nil stands for all.
func someRows[R any](read func(string, *Schema, int64) iter.Seq2[R, error], path string, s *Schema, rows []int64) iter.Seq2[R, error] {
	if rows == nil {
		return read(path, s, 0)
	}
	return func(yield func(R, error) bool) {
		for _, n := range rows {
			for r, err := range read(path, s, n) {
				if !yield(r, err) {
					return
				}
				break
			}
		}
	}
}

// rowsWithID reads the column of ids alone and returns the numbers of the rows that have this one.
func rowsWithID(path string, id ID) (rows []int64, err error) {
	if FormatOf(path) == "parquet" {
		if may, err := mayHold(path, id); err != nil || !may {
			return nil, err
		}
	}
	t, err := openTable(path)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	defer recoverAs(&err, path+": damaged file")
	l, err := t.layout()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := t.cursor(0, t.columns()[:1])
	defer c.close()
	text := id.String()
	for n := int64(0); ; n++ {
		row, err := c.next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if takeWord(row, l.id) == text {
			rows = append(rows, n)
		}
	}
}

// mayHold asks the Bloom filters of a Parquet shard for an id; false is certain.
func mayHold(path string, id ID) (may bool, err error) {
	p, err := openParquet(path)
	if err != nil {
		return false, err
	}
	defer p.Close()
	defer recoverAs(&err, path+": damaged Parquet file")
	f, err := parquet.OpenFile(p.f, p.pf.Size(), parquet.SkipPageIndex(true))
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	v := parquet.ByteArrayValue([]byte(id.String()))
	for _, g := range f.RowGroups() {
		filter := g.ColumnChunks()[0].BloomFilter()
		if filter == nil {
			return true, nil
		}
		hit, err := filter.Check(v)
		if err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
		if hit {
			return true, nil
		}
	}
	return false, nil
}
