//go:build ignore

// Command gen writes the assembly of package kernel and its Go declarations.
//
//	go run gen/main.go gen/ir.go gen/x86.go gen/neon.go gen/kernels.go gen/wrappers.go gen/gemm_x86.go gen/gemm_neon.go gen/amx.go -out .
//
// Elementwise kernels are written once, as little programs over vectors of unknown width (kernels.go), and lowered to AVX2, AVX-512 (x86.go) and
// NEON (neon.go): the three instruction sets run the same operations in the same order. The matrix product is written per instruction set.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
)

// A text collects the lines of one generated file.
type text struct{ bytes.Buffer }

// p writes one line.
func (t *text) p(f string, a ...any) { fmt.Fprintf(t, f+"\n", a...) }

func main() {
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	ks := kernels()
	files := map[string]*text{
		"vec_amd64.s":    vecX86(ks),
		"vec_arm64.s":    vecNEON(ks),
		"vec_amd64.go":   dispatch(ks, "amd64", [][2]string{{"AVX512", "512"}, {"AVX2", "256"}}),
		"vec_arm64.go":   dispatch(ks, "arm64", [][2]string{{"NEON", "128"}}),
		"vec_generic.go": dispatch(ks, "", nil),
		"vec.go":         wrappers(ks),
		"gemm_amd64.s":   gemmX86(),
		"gemm_amd64.go":  gemmX86Decl(),
		"amx_amd64.s":    amxX86(),
		"amx_amd64.go":   amxX86Decl(),
		"gemm_arm64.s":   gemmNEON(),
		"gemm_arm64.go":  gemmNEONDecl(),
	}
	for name, t := range files {
		b := t.Bytes()
		if filepath.Ext(name) == ".go" {
			f, err := format.Source(b)
			if err != nil {
				log.Fatalf("gen: %s: %v\n%s", name, err, b)
			}
			b = f
		}
		if err := os.WriteFile(filepath.Join(*out, name), b, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
