// Package linear is the linear student: softmax or logistic regression on hashed n-grams of words and characters. It is the strong
// cheap baseline that every larger model is held against, and the judge inside filters that need class probabilities of a
// model that never saw the row. It is no neural network and no language model; it knows texts and labels, not datasets or recipes.
//
// A text becomes a sparse row: counts of word n-grams and character n-grams in 2^Bits buckets, weighted by inverse document
// frequency, divided by its Euclidean length. The model minimises
//
//	½·‖W‖² + C · Σ weight_i · loss_i(W·x_i + b)
//
// by L-BFGS; b is not penalised. C, its tuning and the out-of-fold probabilities use training rows only, and a family (a seed and
// what was made from it) never lies on both sides of a fold.
//
// Equal rows and configuration give equal bits for any number of threads on one instruction set; across sets (see package
// kernel) they agree to rounding, which is why a [Report] names the set.
//
// Files: config.go the options; features.go texts to counts, sparse.go counts to rows and products with them, mixup.go rows
// between rows; loss.go the two losses, lbfgs.go the optimiser, problem.go the objective on a line; train.go the way from rows to a
// model, folds.go and crossval.go held-out probabilities and C, calibrate.go temperature; plan.go
// what that will need; model.go prediction and priors,
// metrics.go what predictions are worth, save.go the file.
package linear
