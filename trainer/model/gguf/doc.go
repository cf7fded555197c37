// Package gguf reads and writes GGUF, the one-file format of llama.cpp: metadata of typed keys, then tensors, some in blocks of 32 small integers
// with a common scale. It knows the container and the formats F32, F16, BF16, Q8_0, Q4_0 and Q4_1; what the keys and tensors mean for a model is
// package model's business.
//
//	"GGUF", version 3, number of tensors, number of keys
//	key, type, value …            strings and arrays carry their lengths
//	name, dimensions (fastest first), format, offset …
//	padding to general.alignment (32), then the tensors, each padded likewise
//
// (Source: the format's description in the ggml repository, docs/gguf.md.) A reader maps its file; counts and lengths are held against what is left of
// the file before memory is asked for. Versions 2 and 3 are read, little-endian; 3 is written. Equal content gives equal bytes.
//
// Files: value.go metadata, cursor.go bytes with bounds, file.go the reader, block.go the formats, write.go the writer.
package gguf
