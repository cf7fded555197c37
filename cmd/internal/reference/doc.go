// Package reference is the manual of the recipe's language: what every component and every key is for, of which type it is and
// what it is when left out. Nothing of it is written twice: words come from the comments of the structs that are the configuration
// (reference_gen.go, which package extract makes of their source), names and types from the structs themselves by reflection,
// defaults from the constructors in the catalogs.
//
// reference.go describes components and keys, defaults.go writes values, schema.go makes the JSON Schema of a recipe
// that editors check and complete by. After a change of such a comment: go generate ./cmd/internal/reference
package reference

//go:generate go run gen.go
