//go:build !amd64

package kernel

func (s Set) bf16Row(dst []uint32, x []float32)       { bf16RowGo(dst, x) }
func (s Set) bf16Rows(dst []uint32, x0, x1 []float32) { bf16RowsGo(dst, x0, x1) }

func (s Set) matrixUnit() bool                                        { return false }
func amxProduct(_, _ int, _, _, _ *float32, _ int, _ *float32, _ int) {}
func packTile(_ packing, _ int, _ *float32, _ int, _ *float32, _ int) {}
