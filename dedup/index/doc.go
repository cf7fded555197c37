// Package index remembers the keys of deduplication in a [state.Store], so that a record is found to repeat one of an earlier
// run, and says which. It implements [pipeline.Index].
//
// A key of a locality-sensitive hash is one of millions, looked up at random, and most look-ups find nothing. One store entry for each
// would cost three times the disk and a hundredth of the speed, so keys are kept in sorted pages of 256, written once. The
// claims of one seal make a generation; a Bloom filter says that a key is in none of its pages, the first keys of the pages
// which page to read, and both stay in RAM. What has not been sealed yet is a hash table in RAM. Generations of one size
// are merged into a larger one, so that there are never many.
//
// What counts. A generation carries the tokens of the seals it came from, and counts if the dataset's manifest lists them
// all; others are deleted when the dataset is opened. A damaged generation is deleted too, and its tokens are missing: the engine
// claims the records of those shards again.
//
// Keys are kept apart by shelf: what shares scope, stage and scheme. Layout of the store (big endian in keys, little endian in
// values; every value ends in the 64-bit hash of what precedes it):
//
//	x h shelf:u32                         header: scope, stage, scheme
//	x t dataset 0 token                   what was sealed under a token
//	x g shelf gen:u32                     a generation: tokens, batches, extents; it exists if this does
//	x w shelf gen                         its pages are to be wiped: it is being written or was removed
//	x p shelf gen band:u8 page:u32        up to 256 keys in order, each with the place of its record in the generation
//	x d shelf gen band:u8 0:u32           first key of every page of the band
//	x b shelf gen part:u32                Bloom filter of all keys; rebuilt from the pages when lost
//	x i shelf ordinal:u64                 ids of up to 1,024 records from that ordinal on
//	x s shelf ordinal:u64                 their sketches, 64 at a time
//
// Records are numbered by ordinals on their shelf, in runs called extents: one for each seal. Merging moves keys, never ids and
// sketches: a merged generation lists the extents of its parts.
//
// Files: index.go open, seal and the laws of counting; shelf.go claims and how a match is found; table.go what is not
// sealed; generation.go look-ups in what is; page.go and bloom.go their bytes; write.go and merge.go make
// generations, wipe.go removes them; layout.go keys and headers; inspect.go looks at any store of them.
package index
