package pipeline

import (
	"sluice/schemas"
)

// Pool holds seeds for components that look beyond the record in hand: demonstrations, contrast, copies. Its
// content is fixed when a run starts: the seeds of the source as far as the manifest records it, at most [PoolSize] of them per
// label by the smallest hash of their ids, in source order.
type Pool struct {
	Seeds   []*schemas.Record
	Labels  []string           // in order of first appearance
	ByLabel map[string][]int32 // label -> indexes into Seeds
}

// PoolSize is how many seeds of each label a [Pool] holds at the most: it bounds memory on sources of any size.
const PoolSize = 2000
