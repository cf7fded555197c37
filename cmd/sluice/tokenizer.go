package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/export"
	"sluice/cmd/internal/training"
	"sluice/schemas"
	"sluice/trainer/tokenizer"
)

func newTokenizerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokenizer",
		Short: "Train a tokenizer, or see what one makes of a text",
		Long: `tokenizer trains tokenizers and turns texts into ids and back, exactly as the reference library does.

A tokenizer is a tokenizer.json, a vocab.txt, a model folder that has one of them, or a GGUF file.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenizerTrainCommand(a), newTokenizerEncodeCommand(a), newTokenizerDecodeCommand(a))
	return cmd
}

// tokenizerTrainFlags are the flags of tokenizer train.
type tokenizerTrainFlags struct {
	algorithm, out, column string
	tokenizer.TrainOptions
	force bool
}

func newTokenizerTrainCommand(a *app) *cobra.Command {
	f := &tokenizerTrainFlags{}
	cmd := &cobra.Command{
		Use:   "train TEXTS…",
		Short: "Learn a vocabulary from texts and write it as tokenizer.json",
		Long: `train learns a vocabulary from texts: of dataset folders, of files with rows (JSON Lines, CSV, Parquet, …), of plain text files,
and of stdin, which is -. The same texts in the same order make the same bytes.

Algorithms:
  bpe        byte-level pairs, as GPT-2, Llama 3 and SmolLM have them: any text can be encoded and decodes to itself
  wordpiece  as BERT has it
  unigram    as T5 and XLM-R have it`,
		Example: `  sluice tokenizer train --vocab 8192 --out model/tokenizer.json out/support
  sluice tokenizer train --algorithm wordpiece --vocab 30522 --out tokenizer.json corpus/*.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("%s needs texts", cmd.CommandPath()), "name dataset folders or files; - is stdin"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.trainTokenizer(cmd.InOrStdin(), args, f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.algorithm, "algorithm", "bpe", "bpe, wordpiece or unigram")
	fs.IntVar(&f.Vocab, "vocab", 8192, "`number` of tokens, special ones included")
	fs.StringVarP(&f.out, "out", "o", "tokenizer.json", "`file` to write, or a folder for a tokenizer.json in it")
	fs.StringVar(&f.column, "column", "", "of files with rows: the `column` with the text (default text)")
	fs.StringSliceVar(&f.Special, "special", nil, "special `tokens`; the algorithms have their usual ones, bpe <|endoftext|>")
	fs.IntVar(&f.Min, "min", 2, "bpe, wordpiece: pairs seen less often than this are not merged")
	fs.StringVar(&f.Split, "split", "", "bpe: how texts are cut into words: gpt2, digits, llama3, qwen2 or o200k (default gpt2)")
	fs.BoolVar(&f.Cased, "cased", false, "wordpiece: keep case and accents")
	fs.IntVar(&f.MaxPiece, "max-piece", 16, "unigram: longest token in characters")
	fs.IntVar(&f.Alphabet, "alphabet", 0, "wordpiece, unigram: keep so many single characters; 0 is all")
	fs.BoolVar(&f.force, "force", false, "overwrite the file")
	cmd.RegisterFlagCompletionFunc("algorithm", cobra.FixedCompletions(tokenizerAlgorithms, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

var tokenizerAlgorithms = []string{"bpe", "wordpiece", "unigram"}

// sampleLen is how much text tells what a new tokenizer makes of text, in bytes.
const sampleLen = 1 << 20

// trainTokenizer is `sluice tokenizer train`.
func (a *app) trainTokenizer(stdin io.Reader, paths []string, f *tokenizerTrainFlags) error {
	train := map[string]func(iter.Seq[string], tokenizer.TrainOptions) (*tokenizer.Tokenizer, error){
		"bpe": tokenizer.TrainBPE, "wordpiece": tokenizer.TrainWordPiece, "unigram": tokenizer.TrainUnigram}[f.algorithm]
	switch {
	case train == nil:
		return &usageError{fmt.Errorf("--algorithm %q: use %s", f.algorithm, strings.Join(tokenizerAlgorithms, ", ")), ""}
	case f.Vocab < 1:
		return &usageError{fmt.Errorf("--vocab %d: use a number of tokens, such as 8192", f.Vocab), ""}
	case f.algorithm == "bpe" && f.Special == nil:
		f.Special = []string{"<|endoftext|>"}
	}
	if st, err := os.Stat(f.out); err == nil && st.IsDir() {
		f.out = filepath.Join(f.out, "tokenizer.json")
	}
	file, err := export.Create(f.out, f.force) // before the work
	if err != nil {
		return exportError(err)
	}
	read, sample := int64(0), []string(nil)
	var failure error
	texts := func(yield func(string) bool) {
		for t, err := range training.Texts(paths, a.textOptions(stdin, f.column, schemas.RoleTrain, true)) {
			if err != nil {
				failure = err
				return
			}
			if read < sampleLen {
				sample = append(sample, t.Value)
			}
			if read += int64(len(t.Value)); !yield(t.Value) {
				return
			}
		}
	}
	t, err := train(texts, f.TrainOptions)
	switch {
	case failure != nil:
		err = textError(failure)
	case err == nil && read == 0:
		err = &usageError{fmt.Errorf("%s: no text", strings.Join(paths, ", ")), ""}
	case err != nil:
		err = &usageError{err, ""}
	}
	if err == nil {
		err = t.Write(file)
	}
	if err != nil {
		file.Abort()
		return err
	}
	if err := file.Commit(); err != nil {
		return exportError(err)
	}
	a.tellTokenizer(t, f.out, read, sample)
	if t.Vocab() < f.Vocab {
		fmt.Fprintf(a.stderr, "sluice: note: the texts have nothing for more tokens: %s were asked for\n", humanize.Comma(int64(f.Vocab)))
	}
	return nil
}

func (a *app) tellTokenizer(t *tokenizer.Tokenizer, out string, read int64, sample []string) {
	bytes, tokens := 0, 0
	var ids []int32
	for _, s := range sample {
		ids = t.AppendIDs(ids[:0], s, false)
		bytes += len(s)
		tokens += len(ids)
	}
	fmt.Fprintf(a.stderr, "sluice: %s: %s tokens from %s of text; a token is %.2f bytes of it\n", shortest(out), humanize.Comma(int64(t.Vocab())),
		humanize.Bytes(uint64(read)), float64(bytes)/float64(max(1, tokens)))
}

// textOptions read texts for commands of the trainer.
func (a *app) textOptions(stdin io.Reader, column, role string, pieces bool) training.TextOptions {
	return training.TextOptions{Column: column, Role: role, Pieces: pieces, Stdin: stdin, Open: openDataset}
}

// loadTokenizer reads the tokenizer that --tokenizer names.
func loadTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if path == "" {
		return nil, &usageError{errors.New("--tokenizer is missing"), "it is a tokenizer.json, a model folder or a GGUF file"}
	}
	t, err := training.LoadTokenizer(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &usageError{err, "it is a tokenizer.json, a vocab.txt, a model folder or a GGUF file"}
	}
	return t, modelError(err)
}

// oneOf makes a value that is none of those known a mistake of the command line.
func oneOf(flag, value string, known []string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return &usageError{fmt.Errorf("--%s %q: use %s", flag, value, strings.Join(known, ", ")), ""}
}
