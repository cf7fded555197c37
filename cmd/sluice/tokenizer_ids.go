package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sluice/cmd/internal/report"
	"sluice/cmd/internal/terminal"
	"sluice/cmd/internal/training"
	"sluice/schemas"
	"sluice/trainer/tokenizer"
)

// encodeFlags are the flags of tokenizer encode.
type encodeFlags struct {
	tokenizer                 string
	json, ids, count, special bool
}

func newTokenizerEncodeCommand(a *app) *cobra.Command {
	f := &encodeFlags{}
	cmd := &cobra.Command{
		Use:   "encode --tokenizer PATH [TEXT… | -]",
		Short: "Turn texts into tokens",
		Long: `encode prints the tokens of texts: the arguments, or the lines of stdin (-). A token is shown with its id, the bytes of the text
it stands for (from, to), and as the vocabulary writes it. How many there were is said on stderr.

With --json a text is one line: its ids, tokens and offsets. With --ids it is one line of ids, which decode reads; with --count the number of them.`,
		Example: `  sluice tokenizer encode --tokenizer model "The cash machine kept my card."
  sluice tokenizer encode --tokenizer model --count - < corpus.txt | sort -n | tail -1
  sluice tokenizer encode --tokenizer model --ids "to and fro" | sluice tokenizer decode --tokenizer model`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.encode(cmd.InOrStdin(), args, f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.tokenizer, "tokenizer", "", "`path` of a tokenizer.json, a model folder or a GGUF file")
	fs.BoolVar(&f.json, "json", false, "JSON Lines")
	fs.BoolVar(&f.ids, "ids", false, "ids alone")
	fs.BoolVar(&f.count, "count", false, "the number of tokens alone")
	fs.BoolVar(&f.special, "special", false, "with the tokens that the model's template puts around a text, such as [CLS]")
	cmd.MarkFlagsMutuallyExclusive("json", "ids", "count")
	return cmd
}

// given yields the arguments, or the lines of stdin when there are none or they are -.
func given(stdin io.Reader, args []string, o training.TextOptions, yield func(string) error) error {
	if len(args) > 0 && !(len(args) == 1 && args[0] == "-") {
		for _, s := range args {
			if err := yield(s); err != nil {
				return err
			}
		}
		return nil
	}
	for t, err := range training.Texts([]string{"-"}, o) {
		if err == nil {
			err = yield(t.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// encode is `sluice tokenizer encode`.
func (a *app) encode(stdin io.Reader, args []string, f *encodeFlags) error {
	t, err := loadTokenizer(f.tokenizer)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.stdout, 1<<16)
	texts, tokens, bytes := 0, 0, 0
	var ids []int32
	err = given(stdin, args, a.textOptions(stdin, "", schemas.RoleTrain, false), func(s string) error {
		texts++
		bytes += len(s)
		if f.ids || f.count { // without offsets, which is faster
			ids = t.AppendIDs(ids[:0], s, f.special)
			tokens += len(ids)
			if f.count {
				_, err := fmt.Fprintln(out, len(ids))
				return err
			}
			_, err := fmt.Fprintln(out, strings.Trim(fmt.Sprint(ids), "[]"))
			return err
		}
		e := t.Encode(s, tokenizer.Options{Special: f.special})
		tokens += len(e.IDs)
		if f.json {
			return writeEncoding(out, t, &e)
		}
		if texts > 1 {
			fmt.Fprintln(out)
		}
		return tableEncoding(out, t, &e)
	})
	if e := out.Flush(); err == nil {
		err = e
	}
	if err == nil {
		fmt.Fprintf(a.stderr, "sluice: %s in %s; a token is %.2f bytes\n", plurals(tokens, "token", "tokens"), plurals(texts, "text", "texts"), float64(bytes)/float64(max(1, tokens)))
	}
	return err
}

// writeEncoding writes {"ids":[…],"tokens":[…],"offsets":[[from,to],…]}.
func writeEncoding(w io.Writer, t *tokenizer.Tokenizer, e *tokenizer.Encoding) error {
	x := struct {
		IDs     []int32  `json:"ids"`
		Tokens  []string `json:"tokens"`
		Offsets [][2]int `json:"offsets"`
	}{append([]int32{}, e.IDs...), []string{}, [][2]int{}}
	for i, id := range e.IDs {
		x.Tokens = append(x.Tokens, t.Token(id))
		x.Offsets = append(x.Offsets, [2]int{e.Offsets[i].Start, e.Offsets[i].End})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(x)
}

func tableEncoding(w io.Writer, t *tokenizer.Tokenizer, e *tokenizer.Encoding) error {
	table := &report.Table{Left: []int{3}}
	for i, id := range e.IDs {
		table.Row(strconv.Itoa(int(id)), strconv.Itoa(e.Offsets[i].Start), strconv.Itoa(e.Offsets[i].End), terminal.Escape(t.Token(id)))
	}
	return table.Write(w, "")
}

func newTokenizerDecodeCommand(a *app) *cobra.Command {
	var path string
	var skip bool
	cmd := &cobra.Command{
		Use:   "decode --tokenizer PATH [IDS… | -]",
		Short: "Turn ids into text",
		Long: `decode prints the text of ids: the arguments, or those of each line of stdin (-). Ids are numbers with spaces or commas between.
An id that is no token is an error.`,
		Example: `  sluice tokenizer decode --tokenizer model 504 3575 282 4649`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] != "-" {
				args = []string{strings.Join(args, " ")}
			}
			return a.decode(cmd.InOrStdin(), args, path, skip)
		},
	}
	cmd.Flags().StringVar(&path, "tokenizer", "", "`path` of a tokenizer.json, a model folder or a GGUF file")
	cmd.Flags().BoolVar(&skip, "skip-special", false, "leave special tokens out")
	return cmd
}

// decode is `sluice tokenizer decode`.
func (a *app) decode(stdin io.Reader, args []string, path string, skip bool) error {
	t, err := loadTokenizer(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.stdout, 1<<16)
	screen := terminal.Is(a.stdout)
	err = given(stdin, args, a.textOptions(stdin, "", schemas.RoleTrain, false), func(s string) error {
		var ids []int32
		for _, word := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,\t[]", r) }) {
			id, err := strconv.ParseInt(word, 10, 32)
			if err != nil {
				return &usageError{fmt.Errorf("%q is no id", word), "ids are numbers; sluice tokenizer encode --ids prints them"}
			}
			if id < 0 || int(id) >= t.Vocab() {
				return &usageError{fmt.Errorf("id %d is not in the vocabulary of %d", id, t.Vocab()), "is it the tokenizer that made the ids?"}
			}
			ids = append(ids, int32(id))
		}
		text := t.Decode(ids, skip)
		if screen {
			text = visible(text)
		}
		_, err := fmt.Fprintln(out, text)
		return err
	})
	return errors.Join(err, out.Flush())
}

// visible makes a text of many lines harmless on a terminal.
func visible(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(terminal.Escape(strings.TrimSuffix(l, "\r")), `\t`, "\t")
	}
	return strings.Join(lines, "\n")
}
