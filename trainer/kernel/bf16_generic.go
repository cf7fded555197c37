//go:build !amd64

package kernel

func (s Set) bf16Row(dst []uint32, x []float32)       { bf16RowGo(dst, x) }
func (s Set) bf16Rows(dst []uint32, x0, x1 []float32) { bf16RowsGo(dst, x0, x1) }
