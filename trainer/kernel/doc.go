// Package kernel is the arithmetic of the trainer on one CPU: matrix products and the few row-wise loops that a training step spends its time in,
// in assembly for AVX-512, AVX2+FMA and NEON, with a scalar twin in Go for everything. It knows slices of float32 and strides; it does not know
// tensors, shapes, gradients or models. It uses no cgo and no build experiment.
//
// A [Set] names an instruction set. [Default] picks the best one of this CPU, or the one that the environment variable SLUICE_KERNEL names
// (avx512, avx2, neon, scalar). Its methods are the row-wise kernels. A [Team] runs a set on several threads: matrix products
// (Gemm, GemmBF16) and loops over rows.
//
// Laws that callers may build on:
//   - The bits of every result depend on the set and the arguments, never on the number of threads: threads split rows and columns of C,
//     never the inner dimension, and sums over rows go through fixed chunks of 64 rows.
//   - Of one set, GemmBF16 rounds its sums otherwise on a matrix unit, with VDPBF16PS, and without either.
//   - Across sets results agree to rounding (the tests say how closely), not to the bit.
//   - No kernel reads or writes outside its operands.
//   - A NaN in an input reaches the output.
//
// Files: set.go and detect_*.go choose the set; team.go has the threads; gemm.go, pack.go, tile_*.go the fp32 product, bf16.go the bfloat16 one
// and tiles.go the same on a matrix unit (AMX); pages.go the memory to compute on;
// softmax.go, norm.go, crossentropy.go, adamw.go, rope.go, rows.go put row-wise kernels together. The generator in gen writes gemm_*.s, vec_*.s and
// amx_*.s, their declarations, and vec.go (the kernels on slices); scalar_*.go are the twins in Go, the reference of the tests.
package kernel

//go:generate go run gen/main.go gen/ir.go gen/x86.go gen/neon.go gen/kernels.go gen/wrappers.go gen/gemm_x86.go gen/gemm_neon.go gen/amx.go -out .
