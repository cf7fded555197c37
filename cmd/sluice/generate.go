package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/terminal"
	"sluice/cmd/internal/training"
	"sluice/trainer/model"
	"sluice/trainer/tensor"
)

// generateFlags are the flags of generate.
type generateFlags struct {
	modelFlags
	model.Sampling
	prompt, system, messages string
	chat, json               bool
	n                        int
}

func newGenerateCommand(a *app) *cobra.Command {
	f := &generateFlags{}
	cmd := &cobra.Command{
		Use:   "generate --model PATH --prompt TEXT",
		Short: "Let a model go on with a text, or answer",
		Long: `generate lets a model go on with a prompt and prints what it says while it says it. The same command says the same again: --seed
draws otherwise.

With --chat the prompt is what a user says, and the model's own chat template makes the conversation of it; --system says what
comes first. --messages reads a whole conversation: [{"role": "user", "content": "…"}, …].`,
		Example: `  sluice generate --model out/support/model --prompt "Where is my"
  sluice generate --model SmolLM2.gguf --chat --prompt "Say hi." --temperature 0
  sluice generate --model SmolLM2.gguf --chat --messages dialogue.json -n 4 --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return a.generate(ctx, cmd, f)
		},
	}
	f.add(cmd, "a model folder or a GGUF file")
	fs := cmd.Flags()
	fs.StringVarP(&f.prompt, "prompt", "p", "", "`text` to go on with; - is stdin")
	fs.BoolVar(&f.chat, "chat", false, "answer it, as the model was taught to")
	fs.StringVar(&f.system, "system", "", "with --chat: a `text` that comes first")
	fs.StringVar(&f.messages, "messages", "", "with --chat: `file` with a conversation; - is stdin")
	fs.IntVar(&f.MaxTokens, "max-tokens", 256, "longest answer")
	fs.Float64Var(&f.Temperature, "temperature", 0.8, "0 takes the likeliest token each time")
	fs.IntVar(&f.TopK, "top-k", 0, "draw from so many of the likeliest tokens; 0 is all")
	fs.Float64Var(&f.TopP, "top-p", 0.95, "draw from the likeliest tokens that have this probability together; 1 is all")
	fs.Float64Var(&f.RepetitionPenalty, "repetition-penalty", 1, "makes tokens less likely that were there already; 1 does not")
	fs.StringArrayVar(&f.Stop, "stop", nil, "end before this `text` (repeat it for any of several)")
	fs.Uint64Var(&f.Seed, "seed", 0, "other seeds, other answers")
	fs.IntVarP(&f.n, "samples", "n", 1, "how many answers")
	fs.BoolVar(&f.json, "json", false, "JSON Lines: text, tokens, and why it ended (eos, stop, length)")
	return cmd
}

// check finds mistakes before the model is read.
func (f *generateFlags) check() error {
	wrong := func(flag string, v any, want string) error {
		return &usageError{fmt.Errorf("--%s %v: use %s", flag, v, want), ""}
	}
	switch {
	case f.prompt == "" && f.messages == "":
		return &usageError{errors.New("there is no prompt"), "--prompt gives it, or --chat --messages a whole conversation"}
	case f.messages != "" && (f.prompt != "" || f.system != ""):
		return &usageError{errors.New("--messages excludes --prompt and --system: it is the whole conversation"), ""}
	case !f.chat && (f.messages != "" || f.system != ""):
		return &usageError{errors.New("--messages and --system go with --chat"), ""}
	case f.MaxTokens < 1:
		return wrong("max-tokens", f.MaxTokens, "1 or more")
	case !(f.Temperature >= 0):
		return wrong("temperature", f.Temperature, "0 or more")
	case f.TopK < 0:
		return wrong("top-k", f.TopK, "1 or more, or 0 for all")
	case !(f.TopP > 0 && f.TopP <= 1):
		return wrong("top-p", f.TopP, "a share above 0, up to 1")
	case !(f.RepetitionPenalty > 0):
		return wrong("repetition-penalty", f.RepetitionPenalty, "a number above 0, such as 1.1")
	case f.n < 1:
		return wrong("samples", f.n, "1 or more")
	case f.n > 1 && f.Temperature == 0:
		return &usageError{errors.New("--temperature 0 gives the same answer each time"), "use a temperature above 0 with -n"}
	}
	return nil
}

// text is the prompt as the model gets it, and whether the template's tokens go around it.
func (f *generateFlags) text(stdin io.Reader, m *training.Model) (text string, special bool, err error) {
	text = f.prompt
	if text == "-" {
		b, err := io.ReadAll(stdin)
		if err != nil {
			return "", false, err
		}
		text = string(b)
	}
	if !f.chat {
		return text, true, nil
	}
	turns := []training.Turn{{Role: "user", Content: text}}
	if f.system != "" {
		turns = slices.Insert(turns, 0, training.Turn{Role: "system", Content: f.system})
	}
	if f.messages != "" {
		if turns, err = readTurns(f.messages, stdin); err != nil {
			return "", false, err
		}
	}
	text, err = m.Chat(turns)
	if errors.Is(err, training.ErrNoTemplate) {
		err = &usageError{err, "without --chat it goes on with the prompt as it is"}
	}
	return text, false, err
}

func readTurns(path string, stdin io.Reader) ([]training.Turn, error) {
	r := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, &usageError{err, "--messages names a JSON file; - is stdin"}
		}
		defer file.Close()
		r = file
	}
	turns, err := training.ReadTurns(r)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--messages %s: %w", path, err), `it looks like [{"role": "user", "content": "Hi!"}]`}
	}
	return turns, nil
}

// generate is `sluice generate`.
func (a *app) generate(ctx context.Context, cmd *cobra.Command, f *generateFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	m, engine, err := f.load(model.LoadOptions{})
	if err != nil {
		return err
	}
	if !m.Config.Family.Decoder() || m.Config.Head != model.CausalLM {
		return &usageError{fmt.Errorf("%s: a %s with a %s head does not generate", f.model, m.Config.Family, m.Config.Head), "name a model that was trained to go on with texts, such as a llama"}
	}
	text, special, err := f.text(cmd.InOrStdin(), m)
	if err != nil {
		return err
	}
	ids := m.Tokenizer.AppendIDs(nil, text, special)
	switch limit := m.Config.MaxTokens(); {
	case len(ids) == 0:
		return &usageError{errors.New("the prompt has no token"), ""}
	case len(ids) >= limit:
		return &usageError{fmt.Errorf("the prompt has %d tokens, the model has room for %d with the answer", len(ids), limit), ""}
	}
	f.EOS = m.Config.EOS
	if eos := m.Tokenizer.Special().EOS; eos >= 0 && !slices.Contains(f.EOS, eos) {
		f.EOS = append(slices.Clone(f.EOS), eos)
	}
	begun := time.Now()
	answers, err := a.answers(ctx, m, engine, ids, f)
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, "the same command begins again", errors.New("interrupted")}
	}
	if err != nil {
		return err
	}
	took, tokens := time.Since(begun).Seconds(), 0
	for _, c := range answers {
		tokens += len(c.IDs)
	}
	fmt.Fprintf(a.stderr, "sluice: %s for a prompt of %d in %.1f s, %.1f tokens/s; ended by %s\n", plurals(tokens, "token", "tokens"), len(ids), took,
		float64(tokens)/max(took, 1e-9), ends(answers))
	return nil
}

// answers generates and prints: one answer as it grows, several or JSON when they are whole.
func (a *app) answers(ctx context.Context, m *training.Model, engine tensor.Engine, ids []int32, f *generateFlags) ([]model.Completion, error) {
	prompts := slices.Repeat([][]int32{ids}, f.n)
	if f.n > 1 || f.json {
		answers, err := m.Generate(ctx, engine, prompts, f.Sampling, m.Tokenizer, nil)
		if err != nil {
			return nil, err
		}
		return answers, a.writeAnswers(answers, f.json)
	}
	to := io.Writer(a.stdout)
	if terminal.Is(a.stdout) {
		to = screenWriter{a.stdout}
	}
	s := training.NewStream(to, m.Tokenizer, f.Stop)
	var failure error
	answers, err := m.Generate(ctx, engine, prompts, f.Sampling, m.Tokenizer, func(_ int, id int32) bool {
		failure = s.Add(id)
		return failure == nil
	})
	if err = errors.Join(err, failure); err == nil {
		if err = s.Finish(answers[0].Text); err == nil && !strings.HasSuffix(answers[0].Text, "\n") {
			_, err = io.WriteString(to, "\n")
		}
	}
	return answers, err
}

// screenWriter makes text harmless on its way to a terminal.
type screenWriter struct{ w io.Writer }

func (s screenWriter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(s.w, visible(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (a *app) writeAnswers(answers []model.Completion, asJSON bool) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	for i, c := range answers {
		if asJSON {
			if err := enc.Encode(struct {
				Text   string `json:"text"`
				Tokens int    `json:"tokens"`
				End    string `json:"end"`
			}{c.Text, len(c.IDs), c.End}); err != nil {
				return err
			}
			continue
		}
		text := c.Text
		if terminal.Is(a.stdout) {
			text = visible(text)
		}
		if _, err := fmt.Fprintf(a.stdout, "--- %d\n%s\n", i+1, strings.TrimSuffix(text, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// ends says why answers ended: "eos", or "2 eos, 1 length".
func ends(answers []model.Completion) string {
	if len(answers) == 1 {
		return answers[0].End
	}
	var parts []string
	for _, end := range []string{"eos", "stop", "length"} {
		n := 0
		for _, c := range answers {
			if c.End == end {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, end))
		}
	}
	return strings.Join(parts, ", ")
}
