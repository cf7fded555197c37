package story

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"sluice/schemas"
)

// find returns what the dataset has of an id: as an accepted, held-out or rejected row rather than as one that was spooled on its way.
// It is nil where there is nothing.
func find(d *schemas.Dataset, id schemas.ID) (*schemas.Found, error) {
	all, err := schemas.FindRecord(d.Dir, id)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	best := &all[0]
	for i := range all {
		if best.Shard.Role == schemas.RoleSpool {
			best = &all[i]
		}
	}
	return best, nil
}

// Errors of an id that leads nowhere.
var (
	ErrNotFound = errors.New("there is no row")
	ErrNoID     = errors.New("want up to 32 hexadecimal digits")
)

// Ambiguous is the beginning of several ids.
type Ambiguous struct {
	Prefix string
	IDs    []schemas.ID // the first few
}

func (e *Ambiguous) Error() string {
	return fmt.Sprintf("%s is the beginning of several ids", e.Prefix)
}

// mostNamed is how many ids of an ambiguous prefix are looked for.
const mostNamed = 5

// Resolve returns the id that begins with prefix: 1 to 32 hexadecimal digits. A whole id is taken as it is; for a part the
// columns of ids are read. The error is [*Ambiguous] where several begin so, ErrNotFound where none does, ErrNoID for what is no id.
func Resolve(d *schemas.Dataset, prefix string) (schemas.ID, error) {
	prefix = strings.ToLower(strings.TrimSpace(prefix))
	if len(prefix) == hex.EncodedLen(len(schemas.ID{})) {
		id, err := schemas.ParseID(prefix)
		if err != nil {
			return id, fmt.Errorf("%q is no id of a row: %w", prefix, ErrNoID)
		}
		return id, nil
	}
	if prefix == "" || len(prefix) > hex.EncodedLen(len(schemas.ID{})) || strings.Trim(prefix, "0123456789abcdef") != "" {
		return schemas.ID{}, fmt.Errorf("%q is no id of a row: %w", prefix, ErrNoID)
	}
	found := map[schemas.ID]bool{}
	var order []schemas.ID
	for _, role := range []string{schemas.RoleTrain, schemas.RoleTest, schemas.RoleRejects, schemas.RoleSpool} {
		for _, shard := range d.Manifest.Shards(role) {
			for row, err := range schemas.ReadRows(d.Path(shard), schemas.ReadOptions{Format: rowsFormat(shard.Path), Columns: []string{"id"}}) {
				if err == nil {
					err = row.Err
				}
				if err != nil {
					return schemas.ID{}, err
				}
				text, _ := row.Values["id"].(string)
				if !strings.HasPrefix(text, prefix) {
					continue
				}
				id, err := schemas.ParseID(text)
				if err != nil {
					return schemas.ID{}, fmt.Errorf("%s: %w", shard.Path, err)
				}
				if !found[id] {
					found[id] = true
					order = append(order, id)
				}
				if len(order) == mostNamed {
					return schemas.ID{}, &Ambiguous{prefix, order}
				}
			}
		}
	}
	switch len(order) {
	case 0:
		return schemas.ID{}, fmt.Errorf("%s: %w whose id begins with %s", d.Dir, ErrNotFound, prefix)
	case 1:
		return order[0], nil
	}
	return schemas.ID{}, &Ambiguous{prefix, order}
}

// rowsFormat is the format of a shard as readers of foreign files call it.
func rowsFormat(path string) string { return strings.TrimSuffix(schemas.FormatOf(path), ".zst") }
