// Package feed turns datasets into batches of token ids: it reads sealed shards through their manifests (and plain Parquet, JSONL, CSV and text files), keeps
// their tokens in files beside the training, shuffles, packs and batches them. It knows tokenizers and mixers, and nothing of models, losses or
// masks.
//
// Everything that it yields is a pure function of (data, seed, epoch, index): the order of examples does not depend on time, on threads, or on where a
// run was stopped. What a checkpoint keeps is a [State], a few integers for every domain.
//
//	files.go      datasets and files as lists of shards, verified before use     record.go   rows of plain files as records
//	form.go       how a record becomes tokens, targets and labels                chat.go     … a conversation; fim.go  fill in the middle
//	rows.go       records with labels and families, for models that read texts
//	tokencache.go the tokens of a shard on disk                                  build.go    … made once, in order, by several threads
//	corpus.go     domains, their training and validation rows, labels            shuffle.go  a permutation without a table
//	pack.go       documents into rows, none split that fits                      buckets.go  rows of like length into batches
//	stream.go     the examples of one domain, in order, ahead of need            feed.go     batches, mixed, with their state
//	pin.go        the shards that a checkpoint was trained on
//
// On disk, in the cache's folder:
//
//	<SHA-256 of the shard>-<16 digits of tokenizer and form>.tok
package feed
