package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/export"
	"sluice/cmd/internal/terminal"
	"sluice/cmd/internal/training"
	"sluice/schemas"
	"sluice/trainer/model"
	"sluice/trainer/tensor"
)

// embedFlags are the flags of embed.
type embedFlags struct {
	modelFlags
	pool, out, format, column, split string
	raw, skip, force                 bool
	batch, most                      int
}

func newEmbedCommand(a *app) *cobra.Command {
	f := &embedFlags{}
	cmd := &cobra.Command{
		Use:   "embed --model DIR INPUT…",
		Short: "Turn texts into vectors",
		Long: `embed writes a vector for every text, in the order of the texts: of dataset folders, of files with rows (JSON Lines, CSV, Parquet, …),
and of the lines of other files and of stdin, which is -. A row has id, text and embedding.

How hidden states become one vector, whether it has length 1 and after how many tokens a text is cut is what the folder says, as
sentence-transformers write it (1_Pooling, modules.json, sentence_bert_config.json); where it says nothing, the mean, length 1,
and as many tokens as the model has positions. A text without a token stops the work, or is left out and counted with --skip.`,
		Example: `  sluice embed --model MiniLM-L6 out/support --out vectors.parquet
  echo "Where is my card?" | sluice embed --model MiniLM-L6 - | jq .embedding`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("%s needs texts", cmd.CommandPath()), "name dataset folders or files; - is stdin"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return a.embed(ctx, cmd.InOrStdin(), args, f)
		},
	}
	f.add(cmd, "a model folder or a GGUF file")
	fs := cmd.Flags()
	fs.StringVar(&f.pool, "pool", "", "mean, cls (the first token) or last (the last token)")
	fs.BoolVar(&f.raw, "no-normalize", false, "leave the vectors as long as they are")
	fs.IntVar(&f.batch, "batch", 32, "texts at a time; other batches may round the last digits otherwise")
	fs.IntVar(&f.most, "max-tokens", 0, "cut texts to so many tokens")
	fs.StringVarP(&f.out, "out", "o", "-", "`file` to write: .jsonl, .arrow or .parquet; - is stdout")
	fs.StringVarP(&f.format, "format", "f", "", "jsonl, arrow or parquet, where the name of the file does not say")
	fs.StringVar(&f.column, "column", "", "of files with rows: the `column` with the text (default text)")
	fs.StringVar(&f.split, "split", schemas.RoleTrain, "of datasets: train, or test for the rows held out")
	fs.BoolVar(&f.skip, "skip", false, "leave out and count texts without a token")
	fs.BoolVar(&f.force, "force", false, "overwrite the file")
	cmd.RegisterFlagCompletionFunc("pool", cobra.FixedCompletions([]string{"mean", "cls", "last"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// options are the model's own, and what flags say otherwise.
func (f *embedFlags) options(m *training.Model) (o model.EmbedOptions, err error) {
	if m.GGUF == nil {
		if o, err = model.LoadEmbedOptions(m.Path); err != nil && f.pool == "" {
			return o, &exitError{exitFailed, "--pool says what to do instead", err}
		}
	}
	if f.pool != "" {
		o.Pooling = model.Pooling(f.pool)
	}
	if f.most > 0 {
		o.MaxTokens = f.most
	}
	o.Raw = o.Raw || f.raw
	o.Batch = f.batch
	return o, nil
}

// check finds mistakes before the model is read, and the format.
func (f *embedFlags) check() error {
	if f.format == "" {
		if f.format = strings.TrimPrefix(filepath.Ext(f.out), "."); f.out == "-" {
			f.format = "jsonl"
		}
	}
	switch {
	case !slices.Contains(training.VectorFormats, f.format):
		return &usageError{fmt.Errorf("--out %s: cannot write %q", f.out, f.format), "use a name that ends in .jsonl, .arrow or .parquet, or --format"}
	case f.batch < 1:
		return &usageError{fmt.Errorf("--batch %d: use 1 or more", f.batch), ""}
	case f.most < 0:
		return &usageError{fmt.Errorf("--max-tokens %d: use 1 or more, or 0 for what the model says", f.most), ""}
	}
	if err := oneOf("pool", f.pool, []string{"", "mean", "cls", "last"}); err != nil {
		return err
	}
	return oneOf("split", f.split, []string{schemas.RoleTrain, schemas.RoleTest})
}

// embed is `sluice embed`.
func (a *app) embed(ctx context.Context, stdin io.Reader, paths []string, f *embedFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.out == "-" && f.format != "jsonl" && terminal.Is(a.stdout) {
		return &usageError{fmt.Errorf("%s is nothing for a terminal", f.format), "name a file with --out, or send it down a pipe"}
	}
	m, engine, err := f.load(model.LoadOptions{Head: model.Body})
	if err != nil {
		return err
	}
	o, err := f.options(m)
	if err != nil {
		return err
	}
	begun := time.Now()
	x := &embedding{app: a, m: m, engine: engine, o: o, skip: f.skip, window: windowBatches * f.batch}
	texts := training.Texts(paths, a.textOptions(stdin, f.column, f.split, false))
	if f.out == "-" {
		err = x.run(ctx, f.format, a.stdout, texts)
	} else {
		var file *export.File
		if file, err = export.Create(f.out, f.force); err != nil {
			return exportError(err)
		}
		if err = x.run(ctx, f.format, file, texts); err != nil {
			file.Abort()
		} else {
			err = exportError(file.Commit())
		}
	}
	if err != nil {
		return err
	}
	took := time.Since(begun).Seconds()
	fmt.Fprintf(a.stderr, "sluice: %s of %d numbers in %.1f s, %s tokens, %.1f texts/s\n", plurals(x.done, "vector", "vectors"), m.Config.Hidden, took,
		humanize.Comma(x.tokens), float64(x.done)/max(took, 1e-9))
	if x.skipped > 0 {
		fmt.Fprintf(a.stderr, "sluice: note: %s without a token left out\n", plurals(x.skipped, "text", "texts"))
	}
	return nil
}

// windowBatches is how many batches of texts are held at a time: among them, those of like length go together.
const windowBatches = 8

// An embedding is one run of embed.
type embedding struct {
	app           *app
	m             *training.Model
	engine        tensor.Engine
	o             model.EmbedOptions
	window        int
	skip          bool
	done, skipped int
	tokens        int64
}

// run writes the vectors of texts, a window of them at a time.
func (x *embedding) run(ctx context.Context, format string, w io.Writer, texts func(func(training.Text, error) bool)) error {
	out, err := training.NewVectorWriter(format, w)
	if err != nil {
		return err
	}
	var held []training.Text
	var ids [][]int32
	flush := func() error {
		vectors, err := x.m.Embed(x.engine, ids, x.o)
		if err != nil {
			return err
		}
		for i, v := range vectors {
			if err := out.Write(held[i], v); err != nil {
				return err
			}
		}
		x.done += len(vectors)
		held, ids = held[:0], ids[:0]
		return nil
	}
	for t, err := range texts {
		if err != nil {
			return textError(err)
		}
		if ctx.Err() != nil {
			return &exitError{exitInterrupted, "the same command begins again", errors.New("interrupted: not all vectors were written")}
		}
		row := x.m.Fit(t.Value, x.o.MaxTokens)
		if len(row) == 0 || t.Value == "" {
			if !x.skip {
				return &exitError{exitFailed, "--skip leaves such texts out and counts them", fmt.Errorf("%s: it has no token", t.Place())}
			}
			x.skipped++
			continue
		}
		x.tokens += int64(len(row))
		if held, ids = append(held, t), append(ids, row); len(ids) == x.window {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return out.Close()
}
