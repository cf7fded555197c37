package fakellm

import (
	"strconv"
	"unicode/utf8"
)

// appendString writes a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ':
			const digits = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, "\ufffd"...)
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// head begins an answer or a chunk: its id and time are functions of the request, so that equal requests have equal answers.
func (a *answer) head(b []byte, object string) []byte {
	id := `{"id":"chatcmpl-`
	if a.q.route == completionsRoute {
		id = `{"id":"cmpl-`
	}
	b = append(append(append(b, id...), hex(a.q.ask)...), `","object":"`...)
	b = append(append(b, object...), `","created":`...)
	b = strconv.AppendUint(b, 1_700_000_000+a.q.ask%10_000_000, 10)
	b = append(b, `,"model":`...)
	b = appendString(b, a.q.model)
	return append(b, `,"system_fingerprint":"fp_practice","choices":[`...)
}

// body is the whole answer as JSON.
func (a *answer) body() []byte {
	size := 512
	for _, c := range a.choices {
		size += 256 + len(c.text) + len(c.text)/8 + len(c.arguments) + len(c.reasoning)
	}
	b := make([]byte, 0, size)
	if a.q.route == completionsRoute {
		b = a.head(b, "text_completion")
	} else {
		b = a.head(b, "chat.completion")
	}
	for i, c := range a.choices {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		if a.q.route == completionsRoute {
			b = append(b, `,"text":`...)
			b = appendString(b, c.text)
			b = a.appendOldLogprobs(b, c, i)
		} else {
			b = a.appendMessage(b, c, i)
			b = append(b, `,"logprobs":`...)
			if a.q.logprobs && c.call == "" {
				b = appendLogprobs(b, a.likelihoods(pieces(c.text), i))
			} else {
				b = append(b, "null"...)
			}
		}
		b = append(b, `,"finish_reason":"`...)
		b = append(append(b, c.finish...), `"}`...)
	}
	b = append(b, ']')
	if !a.silent {
		b = append(b, `,"usage":`...)
		b = a.usage.append(b)
	}
	return append(b, '}')
}

func (a *answer) appendMessage(b []byte, c choice, i int) []byte {
	b = append(b, `,"message":{"role":"assistant","content":`...)
	if c.null {
		b = append(b, "null"...)
	} else {
		b = appendString(b, c.text)
	}
	if c.reasoning != "" {
		b = append(b, `,"reasoning_content":`...)
		b = appendString(b, c.reasoning)
	}
	if c.call != "" {
		b = append(b, `,"tool_calls":[{"id":"`...)
		b = append(append(b, a.callID(i)...), `","type":"function","function":{"name":`...)
		b = appendString(b, c.call)
		b = append(b, `,"arguments":`...)
		b = append(appendString(b, c.arguments), "}}]"...)
	}
	b = append(b, `,"refusal":`...)
	if c.refusal != "" {
		b = appendString(b, c.refusal)
	} else {
		b = append(b, "null"...)
	}
	return append(b, '}')
}

func (a *answer) callID(i int) string { return "call_" + hex(mix(a.q.ask, uint64(i), 't')) }

// likelihoods of the tokens of choice i.
func (a *answer) likelihoods(tokens []string, i int) []likelihood {
	return likelihoods(tokens, mix(a.q.ask, uint64(i), 'l'), a.q.top)
}

// appendLogprobs writes {"content":[…]}.
func appendLogprobs(b []byte, ls []likelihood) []byte {
	b = append(b, `{"content":[`...)
	for i, l := range ls {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendLikelihood(b, l, true)
	}
	return append(b, `],"refusal":null}`...)
}

// appendOldLogprobs writes the logprobs of the completions route: four lists beside one another.
func (a *answer) appendOldLogprobs(b []byte, c choice, i int) []byte {
	b = append(b, `,"logprobs":`...)
	if !a.q.logprobs {
		return append(b, "null"...)
	}
	var names, logs, tops, offsets []byte
	at := 0
	for k, l := range a.likelihoods(pieces(c.text), i) {
		if k > 0 {
			names, logs, tops, offsets = append(names, ','), append(logs, ','), append(tops, ','), append(offsets, ',')
		}
		names = appendString(names, l.token)
		logs = strconv.AppendFloat(logs, l.log, 'f', 6, 64)
		offsets = strconv.AppendInt(offsets, int64(at), 10)
		at += len(l.token)
		tops = append(tops, '{')
		for j, t := range l.top {
			if j > 0 {
				tops = append(tops, ',')
			}
			tops = append(appendString(tops, t.token), ':')
			tops = strconv.AppendFloat(tops, t.log, 'f', 6, 64)
		}
		tops = append(tops, '}')
	}
	b = append(append(b, `{"tokens":[`...), names...)
	b = append(append(b, `],"token_logprobs":[`...), logs...)
	b = append(append(b, `],"top_logprobs":[`...), tops...)
	b = append(append(b, `],"text_offset":[`...), offsets...)
	return append(b, "]}"...)
}

// append writes the usage object.
func (u bill) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"prompt_tokens":`...), int64(u.prompt), 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), int64(u.completion), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(u.prompt+u.completion), 10)
	b = strconv.AppendInt(append(b, `,"prompt_tokens_details":{"cached_tokens":`...), int64(u.cached), 10)
	b = strconv.AppendInt(append(b, `},"completion_tokens_details":{"reasoning_tokens":`...), int64(u.reasoning), 10)
	return append(b, "}}"...)
}
