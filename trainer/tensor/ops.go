package tensor

// An Op describes one operation for people: the manual, the report, the tests that check each of them.
type Op struct{ Name, Forward, Gradient string }

// Ops lists the operations, one for every method of Graph that makes a tensor from tensors.
func Ops() []Op {
	return []Op{
		{"Linear", "y = x·Wᵀ + b, W [out,in]", "x̄ = ȳW; W̄ = ȳᵀx; b̄ = Σ ȳ"},
		{"LinearIO", "y = x·W + b, W [in,out]", "x̄ = ȳWᵀ; W̄ = xᵀȳ; b̄ = Σ ȳ"},
		{"Embedding", "y_i = E[t_i]", "Ē[t_i] += ȳ_i in row order"},
		{"Gather", "y_i = x[index_i]", "x̄[index_i] += ȳ_i in row order"},
		{"LayerNorm", "y = g(x-μ)r + β", "x̄ = r(h - mean h - x̂·mean(h x̂)), h = ȳg; ḡ = Σ ȳx̂; β̄ = Σ ȳ"},
		{"RMSNorm", "y = g x r", "x̄ = r h - x r³·mean(h x), h = ȳg; ḡ = Σ ȳ x r"},
		{"Rope", "pairs (j, j+d/2) turned by pos·base^(-2j/d)", "ȳ turned back"},
		{"Attention", "softmax(s QKᵀ + M)·V, causal, document and padding masks, grouped heads", "V̄ = PᵀŌ; S̄ = P(P̄ - Σ P̄P); Q̄ = sS̄K; K̄ = sS̄ᵀQ"},
		{"AttentionQKV", "Attention on one tensor", "as Attention"},
		{"GeluTanh", "x/(1+exp(-2u)), u = √(2/π)(x + .044715x³)", "s + x s(1-s)(2c + 6ca x²)"},
		{"GeluErf", "x Φ(x)", "Φ(x) + x φ(x)"},
		{"Tanh", "tanh x", "ȳ(1-y²)"},
		{"ReLU2", "max(x,0)²", "2·max(x,0)·ȳ"},
		{"SwiGLU", "a σ(a) b", "ā = ȳ b σ(a)(1 + a(1-σ(a))); b̄ = ȳ a σ(a)"},
		{"SoftmaxCE", "Σ w[(1-ε)(lse z - z_t) + ε(lse z - mean z)]/Σw", "w/Σw·(softmax z - (1-ε)e_t - ε/V)"},
		{"TokenLogProb", "z_t - lse z", "l̄(e_t - softmax z)"},
		{"KLDiv", "T²·KL(q_T ‖ p_T)", "T(p_T - q_T)"},
		{"MSE", "mean (a-b)²", "±2(a-b)/n"},
		{"BCE", "Σ w(softplus z - t z)/Σw", "w/Σw·(σ(z) - t)"},
		{"Cosine", "a·b/(‖a‖‖b‖)", "c̄(b/(‖a‖‖b‖) - c a/‖a‖²)"},
		{"L2Norm", "x/‖x‖", "(ȳ - y(y·ȳ))/‖x‖"},
		{"LogSigmoid", "-log(1+exp(-x))", "ȳ σ(-x)"},
		{"Sigmoid", "σ(x)", "ȳ y(1-y)"},
		{"Dropout", "x m/(1-p), m = Philox(seed, step, op, element) ≥ p", "ȳ m/(1-p)"},
		{"Softmax", "softmax x on rows", "y(ȳ - Σ ȳy)"},
		{"LogSumExp", "log Σ exp x on rows", "ȳ·softmax x"},
		{"Exp", "exp x", "ȳ y"},
		{"MaskedMean", "Σ m x/Σ m over time", "ȳ m/Σ m"},
		{"SumRows", "Σ x on rows", "ȳ"},
		{"Mean", "mean x", "ȳ/n"},
		{"Clamp", "min(max(x, lo), hi)", "ȳ where inside"},
		{"Min", "min(a, b)", "ȳ to the smaller"},
		{"FakeQuant", "s·clamp(round(x/s), -Q, Q)", "ȳ where |x| ≤ sQ"},
		{"Add", "a + b", "ȳ to both"},
		{"Mul", "a·b", "ā = ȳb; b̄ = ȳa"},
		{"Scale", "f·x", "f·ȳ"},
		{"Slice", "x[lo:hi] along an axis", "ȳ into the part"},
		{"Concat", "joined along an axis", "ȳ's parts"},
		{"Transpose", "last two dimensions swapped", "ȳ transposed"},
		{"Reshape", "same values, other shape", "ȳ"},
		{"Stop", "x", "nothing"},
		{"Checkpoint", "f(x), forgetting what f made", "f again, then backward through it"},
	}
}
