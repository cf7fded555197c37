package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"sluice/cmd/internal/fakellm"
	"sluice/cmd/internal/loopback"
)

// fakeFlags are the flags of fake-llm beside the script.
type fakeFlags struct {
	script           fakellm.Config
	addr, keyEnv, to string
}

func newFakeLLMCommand(a *app) *cobra.Command {
	f := &fakeFlags{}
	cmd := &cobra.Command{
		Use:   "fake-llm",
		Short: "Serve a practice model on this machine, with limits and faults as you like",
		Long: `fake-llm speaks the OpenAI protocol (chat, completions, embeddings, files, batches, models) on this machine alone. It rewrites
the last message by fixed word lists, makes random values that fit a JSON Schema, and fails on purpose: recipes, limits, retries and
budgets can be tried without a key, a network or a bill. Equal requests have equal answers, whatever their order.

The first line on stdout is the base URL; with port 0 a free port is taken. Ctrl-C ends it: requests under way are answered, then the
counts are printed, as JSON on stdout. GET /stats tells them at any time.

` + fakellm.FaultHelp(),
		Example: `  sluice fake-llm --latency 100ms --sigma 0.35
  sluice fake-llm --addr 127.0.0.1:0 --limit-rpm 300 --limit-retry-after
  sluice fake-llm --fault 429:rate=0.1,retry_after=2 --fault truncate:rate=0.05 --log requests.jsonl`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.fakeLLM(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.addr, "addr", "127.0.0.1:8089", "`address` of this machine to listen on")
	cmd.Flags().StringVar(&f.keyEnv, "key-env", "", "demand the key that this `variable` of the environment holds")
	cmd.Flags().StringVar(&f.to, "log", "", "append each request as a line of JSON to this `file`")
	set := flag.NewFlagSet("fake-llm", flag.ContinueOnError)
	f.script.AddFlags(set)
	cmd.Flags().AddGoFlagSet(set)
	return cmd
}

// fakeLLM is `sluice fake-llm`.
func (a *app) fakeLLM(ctx context.Context, f *fakeFlags) (err error) {
	if err := f.script.Check(); err != nil {
		return &usageError{err, ""}
	}
	if f.keyEnv != "" {
		f.script.Key = strings.TrimSpace(os.Getenv(f.keyEnv))
		if f.script.Key == "" {
			return &usageError{fmt.Errorf("--key-env %s: the variable is empty", f.keyEnv), "set it to any key, here and where the recipe runs"}
		}
		a.stderr.Hide(f.script.Key)
	}
	l, err := loopback.Listen(f.addr)
	switch {
	case errors.Is(err, loopback.ErrElsewhere):
		return &usageError{err, "the practice server has no users and no encryption: it listens on 127.0.0.1 or [::1] alone"}
	case errors.Is(err, syscall.EADDRINUSE):
		return &exitError{exitFailed, "--addr 127.0.0.1:0 takes a free port", err}
	case err != nil:
		return err
	}
	if f.to != "" {
		log, err := os.OpenFile(f.to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			l.Close()
			return &usageError{err, "--log names a file in a folder that is there"}
		}
		defer func() { err = errors.Join(err, log.Close()) }()
		f.script.Log = log
	}
	url := "http://" + l.Addr().String() + "/v1"
	if _, err := fmt.Fprintln(a.stdout, url); err != nil {
		l.Close()
		return err
	}
	example(a.stderr, url, f)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := fakellm.New(f.script)
	if err := loopback.Serve(ctx, l, s); err != nil {
		return err
	}
	stats := s.Stats()
	tellStats(a.stderr, &stats)
	return json.NewEncoder(a.stdout).Encode(stats)
}

// example shows what a recipe writes to ask the server.
func example(w io.Writer, url string, f *fakeFlags) {
	name, key := "practice", ""
	if len(f.script.Models) > 0 {
		name = f.script.Models[0]
	}
	if f.keyEnv != "" {
		key = ", key_env: " + f.keyEnv
	}
	fmt.Fprintf(w, "in a recipe:\n  models:\n    practice: {endpoint: %q, model: %q%s, price: {input: 0.15, output: 0.6}}\nCtrl-C ends it\n", url, name, key)
}

// tellStats prints the counts on one line.
func tellStats(w io.Writer, s *fakellm.Stats) {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(s.ByStatus)) {
		parts = append(parts, fmt.Sprintf("%s: %s", status, humanize.Comma(int64(s.ByStatus[status]))))
	}
	by := ""
	if len(parts) > 0 {
		by = " (" + strings.Join(parts, ", ") + ")"
	}
	fmt.Fprintf(w, "sluice: %s%s, at most %d at once; %s paid, %d of them again; %s tokens in, %s out\n", plurals(s.Requests, "request", "requests"), by,
		s.MaxInFlight, plurals(s.Paid, "answer", "answers"), s.PaidRepeats, humanize.Comma(s.PromptTokens), humanize.Comma(s.CompletionTokens))
}
