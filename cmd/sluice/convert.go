package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/training"
	"sluice/trainer/model"
	"sluice/trainer/model/gguf"
	"sluice/trainer/model/safetensors"
)

// convertFlags are the flags of convert.
type convertFlags struct {
	from, to, kind, shard string
	force                 bool
}

func newConvertCommand(a *app) *cobra.Command {
	f := &convertFlags{}
	cmd := &cobra.Command{
		Use:   "convert --from PATH --to PATH",
		Short: "Write a model folder as GGUF, a GGUF file as a folder, or either with other numbers",
		Long: `convert reads a model and writes it in the other format, or in its own with numbers of another type: folders have config.json,
model.safetensors and tokenizer.json, as the reference libraries read them; a path that ends in .gguf is a GGUF file. GGUF is for
llamas, folders are for all models.

What was written is read again before it takes its name: every weight must be what it was but for the rounding of its type, and
the tokenizer must give the same ids.

Types:
  f32         as the trainer computes: nothing is lost (of folders, the default)
  f16, bf16   half the size; bf16 for folders alone (f16 is the default of GGUF)
  q8_0, q4_0  8 and 4 bits a weight, and a scale for each 32 of them: for GGUF alone`,
		Example: `  sluice convert --from out/support/model --to support.gguf --type q8_0
  sluice convert --from SmolLM2.Q4_1.gguf --to SmolLM2 --type bf16`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.convert(f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "`path` of a model folder or a GGUF file")
	fs.StringVar(&f.to, "to", "", "`path` of the folder or the .gguf file to write")
	fs.StringVarP(&f.kind, "type", "t", "", "f32, f16, bf16, q8_0 or q4_0")
	fs.StringVar(&f.shard, "shard", "", "folders: `size` of a file beyond which weights go into several, with an index, such as 5GB")
	fs.BoolVar(&f.force, "force", false, "overwrite it")
	cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"f32", "f16", "bf16", "q8_0", "q4_0"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// The types of weights that files of each format can have.
var (
	folderTypes = map[string]safetensors.DType{"f32": safetensors.F32, "f16": safetensors.F16, "bf16": safetensors.BF16}
	ggufTypes   = map[string]gguf.Format{"f32": gguf.F32, "f16": gguf.F16, "q8_0": gguf.Q8_0, "q4_0": gguf.Q4_0}
)

// check finds mistakes before the model is read.
func (f *convertFlags) check() error {
	if f.from == "" || f.to == "" {
		return &usageError{errors.New("--from and --to say what to read and what to write"), ""}
	}
	f.to = filepath.Clean(f.to)
	known := []string{"f32", "f16", "bf16"}
	if training.IsGGUF(f.to) {
		known = []string{"f32", "f16", "q8_0", "q4_0"}
	}
	if f.kind = strings.ToLower(f.kind); f.kind == "" {
		f.kind = "f32"
		if training.IsGGUF(f.to) {
			f.kind = "f16"
		}
	}
	if !slices.Contains(known, f.kind) {
		what := "folders have"
		if training.IsGGUF(f.to) {
			what = "GGUF files have"
		}
		return &usageError{fmt.Errorf("--type %q: %s %s", f.kind, what, strings.Join(known, ", ")), ""}
	}
	if _, err := f.shardSize(); err != nil {
		return err
	}
	switch st, err := os.Stat(f.to); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.IsDir() == training.IsGGUF(f.to):
		return &usageError{fmt.Errorf("--to %s: a GGUF file has a name that ends in .gguf, a folder has not", f.to), ""}
	case sameFile(f.from, f.to):
		return &usageError{fmt.Errorf("--to %s is what --from names", f.to), "write beside it"}
	case !f.force && (!st.IsDir() || exists(filepath.Join(f.to, model.ConfigName))):
		return &usageError{fmt.Errorf("--to %s: %w", f.to, fs.ErrExist), "--force overwrites it"}
	}
	return nil
}

// shardSize is the most bytes of a file of weights; 0: any number.
func (f *convertFlags) shardSize() (int64, error) {
	if f.shard == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(f.shard)
	if err != nil || n == 0 || n > 1<<62 || training.IsGGUF(f.to) {
		return 0, &usageError{fmt.Errorf("--shard %q: a size such as 5GB, for folders alone", f.shard), ""}
	}
	return int64(n), nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// convert is `sluice convert`.
func (a *app) convert(f *convertFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	m, err := training.Load(f.from, model.LoadOptions{})
	if errors.Is(err, training.ErrNoTokenizer) && !training.IsGGUF(f.to) {
		m, err = training.LoadWeights(f.from, model.LoadOptions{})
	}
	if err != nil {
		return modelError(err)
	}
	part := f.to + ".part" // the name tells formats apart
	if training.IsGGUF(f.to) {
		part = strings.TrimSuffix(f.to, filepath.Ext(f.to)) + ".part.gguf"
	}
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := f.write(m, part); err != nil {
		return err
	}
	drift, err := f.verify(m, part)
	if err != nil {
		return &exitError{exitAudit, "nothing was written; is the disk sound?", fmt.Errorf("%s read again: %w", f.to, err)}
	}
	bytes, err := settle(part, f.to)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "sluice: %s: %s weights as %s, %s; read again, they differ by %.2g of their size\n", shortest(f.to), humanize.Comma(int64(drift.Weights)),
		f.kind, humanize.Bytes(uint64(bytes)), drift.Relative)
	if m.Tokenizer == nil {
		fmt.Fprintf(a.stderr, "sluice: note: %s has no tokenizer, nor has %s\n", f.from, f.to)
	}
	if n := len(m.Unused); n > 0 {
		fmt.Fprintf(a.stderr, "sluice: note: %s of other heads left out: %s\n", plurals(n, "tensor", "tensors"), strings.Join(m.Unused, ", "))
	}
	return nil
}

// write writes the model under a name of its own.
func (f *convertFlags) write(m *training.Model, part string) error {
	if training.IsGGUF(f.to) {
		if m.Config.Family != model.Llama || m.Config.Head != model.CausalLM {
			return &usageError{fmt.Errorf("%s: a %s with a %s head cannot be written as GGUF: it is for llamas that generate", f.from, m.Config.Family, m.Config.Head), ""}
		}
		v := m.GGUF
		if v == nil {
			made, err := training.Vocabulary(m.Tokenizer)
			if err != nil {
				return fmt.Errorf("%s: %w", f.from, err)
			}
			v = &made
		}
		return m.SaveGGUF(part, ggufTypes[f.kind], *v)
	}
	most, err := f.shardSize()
	if err != nil {
		return err
	}
	if err := m.Save(part, model.SaveOptions{DType: folderTypes[f.kind], MaxShard: most}); err != nil {
		return err
	}
	if m.GGUF == nil {
		return training.CopyCompanions(f.from, part)
	}
	return m.WriteTokenizer(part)
}

// verify reads what was written and holds it against the model.
func (f *convertFlags) verify(m *training.Model, part string) (training.Drift, error) {
	load := training.Load
	if m.Tokenizer == nil {
		load = training.LoadWeights
	}
	again, err := load(part, model.LoadOptions{Head: m.Config.Head, Problem: m.Config.Problem})
	if err != nil {
		return training.Drift{}, err
	}
	if m.Tokenizer != nil {
		if err := training.EqualIDs(m.Tokenizer, again.Tokenizer); err != nil {
			return training.Drift{}, err
		}
		if m.Tokenizer.ChatTemplate() != again.Tokenizer.ChatTemplate() {
			return training.Drift{}, errors.New("the chat template differs")
		}
	}
	return training.Compare(m.Model, again.Model, f.kind)
}

// settle gives a file its name, or moves the files of a folder into their place, the shape of the model last, and tells
// how many bytes they have.
func settle(part, to string) (bytes int64, err error) {
	var names []string
	err = filepath.WalkDir(part, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
			rel, _ := filepath.Rel(part, path)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	if training.IsGGUF(to) || !exists(to) {
		return bytes, os.Rename(part, to)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch model.ConfigName {
		case a:
			return 1
		case b:
			return -1
		}
		return 0
	})
	stale, err := fs.Glob(os.DirFS(to), "model-*-of-*.safetensors")
	if err != nil {
		return 0, err
	}
	stale = append(stale, model.ConfigName, safetensors.IndexName, safetensors.SingleName, "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "vocab.txt")
	for _, old := range stale {
		if err := os.Remove(filepath.Join(to, old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	for _, name := range names {
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return 0, err
		}
		if err := os.Rename(filepath.Join(part, name), path); err != nil {
			return 0, err
		}
	}
	return bytes, nil
}
