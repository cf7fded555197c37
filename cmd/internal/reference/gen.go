//go:build ignore

// The command gen writes reference_gen.go. It runs in the package's folder.
package main

import (
	"log"
	"os"

	"sluice/cmd/internal/reference/extract"
)

func main() {
	src, err := extract.Source("../../..")
	if err == nil {
		err = os.WriteFile("reference_gen.go", src, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
