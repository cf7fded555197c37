package schemas

import (
	"iter"
	"path/filepath"
)

// Dataset is a dataset folder to read: what its manifest listed when it was opened. It needs no lock, and a
// run that goes on beside it does not disturb it.
type Dataset struct {
	Dir      string
	Manifest *Manifest
}

// OpenDataset opens the dataset in dir.
func OpenDataset(dir string) (*Dataset, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	return &Dataset{dir, m}, nil
}

// Path returns where a shard lies.
func (d *Dataset) Path(s Shard) string { return filepath.Join(d.Dir, filepath.FromSlash(s.Path)) }

// Records returns the records of a role ([RoleTrain], [RoleTest], [RoleSpool]) in the order in which they were sealed.
func (d *Dataset) Records(role string) iter.Seq2[*Record, error] {
	return shardRows(d, role, readShard)
}

// Rejects returns what was taken out, in the order in which it was sealed.
func (d *Dataset) Rejects() iter.Seq2[Reject, error] {
	return shardRows(d, RoleRejects, readRejects)
}

func shardRows[R any](d *Dataset, role string, read func(string, *Schema) iter.Seq2[R, error]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for _, s := range d.Manifest.Shards(role) {
			for r, err := range read(d.Path(s), &d.Manifest.Schema) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}
