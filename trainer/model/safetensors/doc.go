// Package safetensors reads and writes the safetensors format: eight bytes with the length of a JSON header, the header, the values of all tensors in
// one piece. It knows files, names, shapes and element types; what the tensors mean is its user's business. Nothing in such a file is ever executed.
//
//	{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"format":"pt"}}
//
// A reader maps its file into memory. It refuses what the reference implementation refuses: a header beyond the file or beyond 100 MB, a name twice,
// sizes that do not fit shapes, values that overlap or leave holes, bytes behind the last tensor. No memory is asked for that the file does not back.
// A writer sorts names and fills the header with spaces to a multiple of eight, so that equal tensors are equal bytes.
//
// Files: header.go the JSON header, file.go one file, folder.go a folder with one file or many and their index, write.go the writers, dtype.go the
// element types.
package safetensors
