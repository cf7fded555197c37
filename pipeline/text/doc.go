// Package text is what filters, deduplication and generators share about text: one normaliser, one tokeniser, one way to cut
// words, lines, paragraphs and sentences, and hashes of all of them.
//
// It knows no record and keeps no state. Two kinds of words live side by side: tokens for hashing (tokenise.go: fast, lower-case,
// letters and digits only), and words for counting as the reference filters count them (words.go: punctuation marks are words).
//
// Files: normalise.go the form in which texts are compared; tokenise.go tokens and their hashes, swar.go eight bytes at a time;
// shingle.go hashes of runs of tokens or characters; fss.go sketches and band keys, shingleset.go exact sets; features.go hashed
// n-grams for linear models; split.go lines and paragraphs, words.go words and sentences, with affixes.go and exceptions.go their
// rules; hash.go plain hashes.
package text
