// Package tokenizer turns text into the ids a language model reads, and ids back into text, exactly as the
// reference library (Hugging Face "tokenizers") does: the same ids, the same offsets, the same decoded text.
//
// It reads and writes tokenizer.json, builds tokenizers from the vocabulary of a GGUF file or a WordPiece
// vocab.txt, and trains BPE, WordPiece and Unigram vocabularies. It renders no chat template (see
// [Tokenizer.ChatTemplate]), pads nothing and truncates nothing: the feed does that.
//
// # The way of a text
//
//	text ── added tokens cut out (added.go)
//	     ── normaliser       (normalize*.go, unicode_forms.go, precompiled.go) over glyphs that remember their origin (glyph.go)
//	     ── pre-tokeniser    (pretokenize.go, split.go, scan*.go, pattern.go)
//	     ── model            (bpe*.go, wordpiece.go, unigram.go) behind the word cache (cache.go)
//	     ── template         (template.go)
//	ids  ── decoder          (decode*.go)
//
// encode.go and ids.go drive that way, once with offsets and once without. json*.go and write.go hold the file
// format, special.go and companion.go what lies beside the file, gguf.go and vocabtxt.go the other sources, train*.go the trainers, class.go the character classes,
// words.go the word borders that whole-word masking needs, pairs.go and trie.go the tables that lookups go through.
//
// # What is exact, and what is refused
//
// Every component that this package knows behaves as release 0.23 of the reference, down to its Unicode versions
// (class.go). What it does not know is an error that names the place in the file: an unknown normaliser, a Split
// pattern that is neither hand-coded nor plain enough for RE2 (pattern.go). Offsets are byte offsets into the
// original text; the Python binding of the reference counts characters instead.
//
// A Tokenizer never changes after it was built and given its template, and may be used by many goroutines.
package tokenizer
