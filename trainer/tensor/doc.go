// Package tensor is a small engine for training on a CPU: tensors of float32, some forty coarse differentiable operations, and a tape that is
// walked backwards. It knows nothing of models, files or optimisers; its arithmetic is package kernel's.
//
// A model is written against [Graph], whose methods are the operations:
//
//	func (m *Block) Forward(g *tensor.Graph, x *tensor.Tensor) *tensor.Tensor {
//		h := g.RMSNorm(x, m.Norm1, 1e-5)
//		q, k, v := g.Linear(h, m.Wq, nil), g.Linear(h, m.Wk, nil), g.Linear(h, m.Wv, nil)
//		q, k = g.Rope(q, m.Rope, nil), g.Rope(k, m.Rope, nil)
//		x = g.Add(x, g.Linear(g.Attention(q, k, v, tensor.Attn{Heads: 9, KVHeads: 3, Causal: true}), m.Wo, nil))
//		h = g.RMSNorm(x, m.Norm2, 1e-5)
//		return g.Add(x, g.Linear(g.SwiGLU(g.Linear(h, m.Gate, nil), g.Linear(h, m.Up, nil)), m.Down, nil))
//	}
//
// and run by an [Engine]; [CPU] is ours:
//
//	loss, err := engine.Step(tensor.Key{Seed: 1, Step: 7}, func(g *tensor.Graph) *tensor.Tensor {
//		return g.SoftmaxCE(model.Logits(g, ids), targets, tensor.CE{})
//	})
//
// Step runs the function forward and, from the scalar that it returns, backward; gradients are added to Grad of every parameter that is not frozen.
// [CPU.Infer] runs forward alone; [CPU.Plan] runs nothing, and tells what a step will need in memory.
//
// Laws:
//   - Shapes are static and operations never look at values to decide a shape. A wrong shape is an error of Step that names the operation.
//   - The bits of a step depend on the parameters, the inputs, the key and the kernel set, never on the number of threads.
//   - Activations, gradients of activations and scratch live in an arena that is reused by every step. Values of tensors that a graph made are
//     valid until its function returns (Infer: read them inside).
//   - Dropout's bits are a function of (seed, step, number of the operation in the step, element): [Graph.Checkpoint] recomputes exactly.
//   - An input or parameter that is frozen gets no gradient, and the work for it is not done.
//
// Rows: an operation "on rows" sees a tensor [..., n] as a matrix of rows of length n.
//
// Files: tensor.go the handle, graph.go the tape, checkpoint.go recomputation, arena.go the memory, engine.go and plan.go what runs a step,
// philox.go the random bits, op_*.go the operations, ops.go their list.
package tensor
