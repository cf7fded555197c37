package schemas

import (
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// Found is a row that [FindRecord] found.
type Found struct {
	Record *Record
	Reject *Reject // set if the record was taken out; Record is then the same as Reject.Record
	Shard  Shard
}

// FindRecord returns every row with that id in the dataset in dir, accepted rows first: none where the id is unknown. Parquet
// shards are asked through their Bloom filters, so that row groups without the id are not read.
func FindRecord(dir string, id ID) ([]Found, error) {
	d, err := OpenDataset(dir)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, role := range []string{RoleTrain, RoleTest, RoleSpool, RoleRejects} {
		for _, s := range d.Manifest.Shards(role) {
			if FormatOf(s.Path) == "parquet" {
				may, err := mayHold(d.Path(s), id)
				if err != nil {
					return nil, err
				}
				if !may {
					continue
				}
			}
			if role == RoleRejects {
				for x, err := range readRejects(d.Path(s), &d.Manifest.Schema) {
					if err != nil {
						return nil, err
					}
					if x.Record.ID == id {
						found = append(found, Found{x.Record, &x, s})
					}
				}
				continue
			}
			for r, err := range readShard(d.Path(s), &d.Manifest.Schema) {
				if err != nil {
					return nil, err
				}
				if r.ID == id {
					found = append(found, Found{Record: r, Shard: s})
				}
			}
		}
	}
	return found, nil
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

// readHash returns the size of a file and what Shard.SHA256 would say.
func readHash(path string, sum io.Writer) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(sum, f)
}
