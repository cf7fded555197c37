// Package schemas is the contract on disk: what a record is, how it becomes Parquet, Arrow and
// JSONL, and what a dataset folder holds. It knows nothing of pipelines or training, keeps no
// state and starts no goroutine.
//
// It is strict where the libraries below it are not. A [Schema] is fixed before the first row; [Schema.CheckRecord] refuses
// whatever a file could not give back as it was: a wrong type, an unknown column, NaN, text that is not UTF-8, content that
// the kind of record has no column for. Writers check again, so no path leads around it. What is read is never trusted
// either: a damaged file ends with an error that names it, and a row that alone cannot be read says so and costs no other.
//
// How the files divide the work:
//
//	record reject tally columns    the types; check clean   what may be stored, and repairing text
//	layout                         the columns of a shard as a tree of nodes with Dremel levels
//	put take                       a record into columns and back, once for all binary formats
//	parquet_*                      schema, writing (shredder), reading (assembly), foreign types
//	arrow_*                        the same for Arrow IPC files and streams
//	json_*                         the JSON of a record; a quick and a strict parser; .json files
//	writer shard shardfile fs      writing and reading shards; the durable way of a file to its name
//	carry                          what outlives the folder that it lies in
//	rows lines csv                 files that others wrote: rows of plain values
//	manifest dataset find verify   a dataset folder
//	features card card_text        what the datasets library and the hub of Hugging Face want to know
//
// On disk a row is
//
//	id        32 hexadecimal digits
//	content   text | text, label | text, labels | messages | prompt, chosen, rejected
//	          (messages are lists of {role, content, name, tool_calls: [{id, name, arguments}], tool_call_id})
//	…         the user's columns under their names, in the recipe's order
//	scores    {name: double}, where the schema has any
//	origin    {source, row, depth, round, parents, stage, model, template, answer, cost, prompt_tokens,
//	          completion_tokens, estimated}
//
// and in rejects also reject_stage, reject_reason, reject_reasons, reject_failed, reject_detail, reject_owner and
// reject_score. Everything but the id may be null; an empty string, list or map of a record is written as null except for texts
// and the contents of messages, so that reading gives back what was written.
package schemas
