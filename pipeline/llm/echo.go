package llm

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// echo is a model without a network or a key: it rewrites the last user message by fixed rules, or makes a value that fits the schema out of its
// words. The same request gets the same answer, another attempt another one. It shows a recipe at work; it knows nothing.
type echo struct{}

func (echo) ask(_ context.Context, c *call) (*reply, error) {
	e := &Entry{Time: time.Now().UTC().Truncate(time.Millisecond), Model: "echo", Fingerprint: "echo-1"}
	source := subject(c.q.Messages)
	for i := range c.choices() {
		rng := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(c.key[:]), uint64(i)))
		text := rewrite(source, rng)
		if c.schema != nil {
			v := (&valueMaker{rng: rng, words: strings.Fields(text), root: c.schema.raw}).value(c.schema.raw, "", 0)
			b, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		e.Choices = append(e.Choices, EntryChoice{Text: text, Finish: finishStop})
	}
	out, _ := completion(e)
	return &reply{Entry: e, said: Usage{Prompt: c.prompt.likely, Completion: out}, written: -1}, nil
}

// subject finds the text that a prompt is about: what stands last between delimiters, else the last paragraph of the last user message.
func subject(ms []Message) string {
	s := ""
	for i := len(ms) - 1; i >= 0 && s == ""; i-- {
		if ms[i].Role == "user" || i == 0 {
			s = strings.TrimSpace(ms[i].Content)
		}
	}
	for _, d := range [][2]string{{"<text>", "</text>"}, {`"""`, `"""`}, {"```", "```"}} {
		end := strings.LastIndex(s, d[1])
		if end < 0 {
			continue
		}
		if start := strings.LastIndex(s[:end], d[0]); start >= 0 {
			if inside := strings.TrimSpace(s[start+len(d[0]) : end]); inside != "" {
				return inside
			}
		}
	}
	paragraphs := strings.Split(s, "\n\n")
	last := strings.TrimSpace(paragraphs[len(paragraphs)-1])
	if _, after, ok := strings.Cut(last, ": "); ok && !strings.ContainsAny(last[:len(last)-len(after)], ".!?\n") {
		last = after // "Text: …"
	}
	return strings.Trim(last, "\"“” \n\t")
}

var synonyms = map[string][]string{
	"help": {"assist", "support"}, "want": {"would like", "wish"}, "need": {"require", "must have"}, "show": {"present", "display"},
	"tell": {"inform", "let"}, "get": {"obtain", "receive"}, "buy": {"purchase", "order"}, "fix": {"repair", "sort out"},
	"big": {"large", "sizeable"}, "small": {"little", "compact"}, "quick": {"fast", "speedy"}, "quickly": {"fast", "promptly"},
	"good": {"fine", "decent"}, "great": {"excellent", "superb"}, "bad": {"poor", "disappointing"}, "nice": {"pleasant", "lovely"},
	"begin": {"start", "commence"}, "start": {"begin", "launch"}, "end": {"finish", "close"}, "find": {"locate", "discover"},
	"problem": {"issue", "difficulty"}, "issue": {"problem", "matter"}, "question": {"query", "inquiry"}, "answer": {"reply", "response"},
	"money": {"funds", "cash"}, "card": {"bank card", "payment card"}, "change": {"modify", "alter"}, "cancel": {"call off", "stop"},
	"now": {"right now", "at once"}, "today": {"this day", "right today"}, "often": {"frequently", "regularly"}, "also": {"too", "as well"},
	"but": {"yet", "however"}, "because": {"since", "as"}, "very": {"really", "quite"}, "make": {"create", "produce"},
	"use": {"employ", "work with"}, "send": {"forward", "transmit"}, "keep": {"hold", "retain"}, "wrong": {"incorrect", "mistaken"},
}

var openings = []string{"", "", "", "Please: ", "Just to say it again, ", "In other words, ", "Put simply, ", "One more time: ", "I mean, "}

// rewrite changes words for synonyms, moves a clause, and may open with a phrase.
func rewrite(s string, rng *rand.Rand) string {
	words := strings.Fields(s)
	for i, w := range words {
		core := strings.ToLower(strings.TrimFunc(w, unicode.IsPunct))
		options := synonyms[core]
		if len(options) == 0 || rng.IntN(3) == 0 {
			continue
		}
		at := strings.Index(strings.ToLower(w), core)
		if at >= 0 && at+len(core) <= len(w) {
			words[i] = w[:at] + options[rng.IntN(len(options))] + w[at+len(core):]
		}
	}
	out := strings.Join(words, " ")
	if head, tail, ok := strings.Cut(out, ", "); ok && rng.IntN(2) == 0 && !strings.Contains(tail, ", ") {
		end := strings.TrimRight(tail, ".!?")
		out = upper(end) + ", " + lower(head) + tail[len(end):]
	}
	if open := openings[rng.IntN(len(openings))]; open != "" {
		out = open + lower(out)
	}
	return upper(out)
}

func upper(s string) string { return recase(s, unicode.ToUpper) }

func lower(s string) string {
	if strings.HasPrefix(s, "I ") || strings.HasPrefix(s, "I'") {
		return s
	}
	return recase(s, unicode.ToLower)
}

func recase(s string, f func(rune) rune) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return s
	}
	return string(f(r)) + s[n:]
}
