// Package training is what the commands of the trainer share: texts that come from anywhere, models with their tokenizers
// from folders and GGUF files, answers that are written while they grow, vectors in files, and the way between the two
// formats of models. It trains nothing and computes nothing itself: that is sluice/trainer and the packages below it.
//
// Files: texts.go what to read; model.go what to read it with; chat.go conversations as a model was taught them; stream.go
// answers; vectors.go embeddings in files; vocabulary.go a tokenizer as GGUF has it, companions.go as a folder has it;
// drift.go what storing weights has cost; progress.go a training on the screen, results.go what it needs and what came of it, mixture.go
// what mixers do with its data.
package training
