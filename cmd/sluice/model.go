package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/training"
	"sluice/trainer/model"
	"sluice/trainer/tensor"
)

// modelFlags are the flags of commands that run a model.
type modelFlags struct {
	model   string
	threads int
}

func (f *modelFlags) add(cmd *cobra.Command, what string) {
	cmd.Flags().StringVarP(&f.model, "model", "m", "", "`path` of "+what)
	cmd.Flags().IntVar(&f.threads, "threads", 0, "threads to compute with; 0 is one for each core")
}

// load reads the model and makes an engine for it.
func (f *modelFlags) load(o model.LoadOptions) (*training.Model, tensor.Engine, error) {
	switch {
	case f.model == "":
		return nil, nil, &usageError{errors.New("--model is missing"), "it is a folder with config.json and model.safetensors, or a GGUF file"}
	case f.threads < 0:
		return nil, nil, &usageError{fmt.Errorf("--threads %d: use 0 for one for each core, or a number of them", f.threads), ""}
	}
	m, err := training.Load(f.model, o)
	if err != nil {
		return nil, nil, modelError(err)
	}
	threads := f.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	e, err := tensor.DefaultCPU(threads)
	if err != nil {
		return nil, nil, &usageError{err, ""}
	}
	return m, e, nil
}

// modelError gives errors of models and tokenizers their remedies.
func modelError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, training.ErrLinear):
		return &usageError{err, "sluice eval MODEL DATA --predictions FILE runs it"}
	case errors.Is(err, fs.ErrNotExist):
		return &usageError{err, "a model is a folder with config.json and model.safetensors, or a file whose name ends in .gguf"}
	case errors.Is(err, training.ErrNoTokenizer):
		return &usageError{err, "put the tokenizer.json that the model was trained with into its folder"}
	}
	return err
}

// textError gives errors of texts their remedies.
func textError(err error) error {
	if e, ok := errors.AsType[*training.ColumnError](err); ok {
		return &usageError{err, "--column names it; the row has " + strings.Join(e.Has, ", ")}
	}
	if errors.Is(err, training.ErrNoText) {
		return &usageError{err, "files with rows have names such as .jsonl, .csv, .parquet"}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err, "name dataset folders or files; - is stdin"}
	}
	return err
}

// interruptible is a context that ends with the first Ctrl-C; the second kills.
func interruptible(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
