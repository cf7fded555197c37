package trainer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"sluice/schemas"
	"sluice/trainer/feed"
	"sluice/trainer/tokenizer"
)

// tokenizerFile is where a run keeps its vocabulary.
const tokenizerFile = "tokenizer.json"

// vocabulary finds the run's tokenizer, and sees to it that it knows how conversations are written where they are what is learned.
func (r *run) vocabulary(ctx context.Context) error {
	if err := r.findVocabulary(ctx); err != nil {
		return err
	}
	if r.c.Task == Chat && r.c.Prompt == "" && r.tok.ChatTemplate() == "" {
		r.tok.SetChatTemplate(feed.ChatML)
	}
	return nil
}

// vocabularyKey tells tokenizers apart by all that a training depends on.
func vocabularyKey(t *tokenizer.Tokenizer) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s %v %s", t.Hash(), t.Special(), t.ChatTemplate())))
}

// findVocabulary finds the tokenizer: the one that is named, the model's own, the one that the run has made and goes on with, or a new one trained on the
// training texts.
func (r *run) findVocabulary(ctx context.Context) (err error) {
	t := r.c.Tokenizer
	path := t.Path
	if path == "" && t.Train == "" && r.c.Model.Path != "" {
		path = r.c.Model.Path
	}
	if path != "" {
		if r.tok, err = tokenizer.Load(path); err != nil {
			return bad("tokenizer", "tokenizer: %w", err)
		}
		return nil
	}
	own := filepath.Join(r.o.Dir, tokenizerFile)
	if !r.o.Fresh && len(listSteps(r.checkpoints())) > 0 { // without a checkpoint the recipe may have changed since
		if r.tok, err = tokenizer.Load(own); err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tokenizer of the earlier run: %w", err)
		}
	}
	r.say("train tokenizer")
	if r.tok, err = r.learnVocabulary(ctx, t); err != nil {
		return err
	}
	if err := r.o.FS.RemoveAll(filepath.Join(r.o.Dir, tokenizer.ConfigName)); err != nil { // of another one
		return err
	}
	return writeTokenizer(r.o.FS, own, r.tok)
}

func writeTokenizer(disk schemas.FS, path string, t *tokenizer.Tokenizer) error {
	var b strings.Builder
	if err := t.Write(&b); err != nil {
		return err
	}
	if err := disk.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return schemas.WriteFile(disk, path, []byte(b.String()))
}

// learnVocabulary trains a tokenizer.
func (r *run) learnVocabulary(ctx context.Context, t TokenizerConfig) (tok *tokenizer.Tokenizer, err error) {
	kind := t.Train
	if kind == "" {
		kind = "bpe"
		if r.c.Task == Masked || r.c.Model.Arch == "bert" {
			kind = "wordpiece"
		}
	}
	o := tokenizer.TrainOptions{Vocab: t.Vocab}
	if o.Vocab == 0 {
		o.Vocab = 8192
	}
	var failed error
	texts := feed.Texts(ctx, r.sources(), r.form(), func(e error) { failed = e })
	switch kind {
	case "bpe":
		o.Special = r.specials()
		tok, err = tokenizer.TrainBPE(texts, o)
	case "wordpiece":
		tok, err = tokenizer.TrainWordPiece(texts, o)
	case "unigram":
		tok, err = tokenizer.TrainUnigram(texts, o)
	case "chars":
		var all strings.Builder
		seen := map[rune]bool{}
		for text := range texts {
			for _, c := range text {
				if !seen[c] {
					seen[c] = true
					all.WriteRune(c)
				}
			}
		}
		if failed == nil && all.Len() > 0 {
			tok, err = tokenizer.Characters(all.String(), r.specials()[1:]...) // a single text has no end to mark
		} else if failed == nil {
			err = fmt.Errorf("the training data hold no text")
		}
	default:
		err = fmt.Errorf("tokenizer.train is %q: want bpe, wordpiece, unigram or chars", kind)
	}
	switch {
	case failed != nil:
		return nil, fmt.Errorf("train tokenizer: %w", failed)
	case err != nil:
		return nil, bad("tokenizer", "train tokenizer: %w", err)
	}
	return tok, nil
}

// specials are the special tokens that a byte-pair vocabulary needs for the task.
func (r *run) specials() []string {
	s := []string{"<|endoftext|>"}
	switch {
	case r.c.Task == Masked:
		return append(s, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
	case r.c.Task == Chat && r.c.Prompt == "":
		s = append(s, "<|im_start|>", "<|im_end|>")
	case r.c.FIM > 0:
		s = append(s, feed.FIMTokens...)
	}
	if r.c.Dropout.Word > 0 {
		s = append(s, "<unk>")
	}
	return s
}
