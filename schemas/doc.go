// Package schemas is the contract on disk: what a record is, how it becomes Parquet, Arrow and
// JSONL, and what a dataset folder holds. It knows nothing of pipelines or training.
package schemas
