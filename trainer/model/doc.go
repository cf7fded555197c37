// Package model holds the language models that the trainer trains: BERT, RoBERTa and MiniLM encoders, GPT-2 and Llama decoders, with heads for masked
// and causal language modelling, classification of sequences and of tokens, and regression (a reward model is a regression on a decoder). It reads
// and writes them as Hugging Face folders (config.json and safetensors) and as GGUF. It computes losses, but it does not train: optimisers, batches
// and schedules are package trainer's. Tokenizers are package tokenizer's.
//
//	m, err := model.Load("MiniLM-L6", model.LoadOptions{})               // or model.New(config, seed), or model.LoadGGUF(path)
//	loss, err := engine.Step(key, func(g *tensor.Graph) *tensor.Tensor { // adds to the gradients of m.Params()
//		return m.Loss(g, in, model.Targets{Tokens: labels})
//	})
//	vectors, err := m.Embed(engine, ids, model.EmbedOptions{})
//	texts, err := m.Generate(ctx, engine, prompts, model.Sampling{Temperature: .8, TopP: .95}, tok)
//
// An [Input] is a batch of token ids, padded on the right or packed with several documents to a row: attention stays inside a document and positions
// begin anew in each. Training and inference run the same code on a [tensor.Graph]; inference frees what a layer made as soon as the layer is done.
//
// Every tensor bears its Hugging Face name, in files, errors and checkpoints. A tensor that the model does not know, one that is missing, one of
// another shape and one with a NaN are errors that name the tensor, its shape and the file.
//
// New models are drawn from counters: an element is a function of (seed, name of the tensor, index), see init.go.
//
// Files: config.go and configfile.go the shapes and their config.json; model.go the type; names.go what files call tensors; init.go new weights;
// load.go and save.go folders; pass.go one run of a body; bert.go, gpt2.go, llama.go, rope.go the bodies; heads.go, loss.go what follows them; cache.go,
// generate.go, sample.go generation; batches.go, embed.go, predict.go inference on many texts; gguf*.go the other file format.
package model
