package fakellm

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxChunks bounds the chunks of one choice: long answers come in larger ones.
const maxChunks = 64

// events are the server-sent events of an answer: one list that carries content, and one that ends it.
func (a *answer) events() (deltas, tail [][]byte) {
	object := "chat.completion.chunk"
	if a.q.route == completionsRoute {
		object = "text_completion"
	}
	head := a.head([]byte("data: "), object)
	parts := make([][]string, len(a.choices))
	longest, size := 0, 1024
	for i, c := range a.choices {
		parts[i] = a.deltas(c, i)
		longest = max(longest, len(parts[i]))
		for _, d := range parts[i] {
			size += len(head) + len(d) + 48
		}
	}
	all := make([]byte, 0, size) // the events lie in one piece of memory, or in a few if it has to grow
	event := func(rest ...string) []byte {
		from := len(all)
		all = append(all, head...)
		for _, s := range rest {
			all = append(all, s...)
		}
		all = append(all, "\n\n"...)
		return all[from:len(all):len(all)]
	}
	for k := range longest { // the choices take turns, as they do on real servers
		for i := range parts {
			if k < len(parts[i]) {
				deltas = append(deltas, event(`{"index":`, strconv.Itoa(i), ",", parts[i][k], `,"finish_reason":null}]}`))
			}
		}
	}
	for i, c := range a.choices {
		last := `,"delta":{},"finish_reason":"`
		if a.q.route == completionsRoute {
			last = `,"text":"","finish_reason":"`
		}
		tail = append(tail, event(`{"index":`, strconv.Itoa(i), last, c.finish, `"}]}`))
	}
	if a.q.includeUsage && !a.silent {
		tail = append(tail, event(`],"usage":`, string(a.usage.append(nil)), "}"))
	}
	return deltas, tail
}

// deltas are the pieces of one choice, each as the member that carries it.
func (a *answer) deltas(c choice, i int) []string {
	quote := func(s string) string { return string(appendString(nil, s)) }
	out := make([]string, 0, maxChunks+4)
	add := func(field, text string, likely bool) {
		before, after, _ := strings.Cut(field, "%")
		words := pieces(text)
		var likes []likelihood
		if likely && a.q.logprobs {
			likes = a.likelihoods(words, i)
		}
		each := (len(words) + maxChunks - 1) / maxChunks
		for len(words) > 0 {
			some := words[:min(each, len(words))]
			words = words[len(some):]
			size := 0
			for _, word := range some {
				size += len(word)
			}
			d := before + quote(text[:size]) + after
			text = text[size:]
			if likes != nil {
				d += `,"logprobs":` + string(appendLogprobs(nil, likes[:len(some)]))
				likes = likes[len(some):]
			}
			out = append(out, d)
		}
	}
	if a.q.route == completionsRoute {
		add(`"text":%`, c.text, false)
		return out
	}
	out = append(out, `"delta":{"role":"assistant","content":""}`)
	add(`"delta":{"reasoning_content":%}`, c.reasoning, false)
	add(`"delta":{"content":%}`, c.text, true)
	add(`"delta":{"refusal":%}`, c.refusal, false)
	if c.call != "" {
		out = append(out, `"delta":{"tool_calls":[{"index":0,"id":"`+a.callID(i)+`","type":"function","function":{"name":`+
			quote(c.call)+`,"arguments":""}}]}`)
		add(`"delta":{"tool_calls":[{"index":0,"function":{"arguments":%}}]}`, c.arguments, false)
	}
	return out
}

// stream sends an answer as server-sent events, paced, with what the strike does to the wire.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, c *call, a *answer, first, total time.Duration) {
	flush := http.NewResponseController(w).Flush
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	c.status = http.StatusOK
	fault := ""
	if f := a.strike.wire; f != nil {
		fault = f.Kind
	}
	flush()
	if fault == "keepalive" {
		w.Write([]byte(strings.Repeat(": keep-alive\n\n", 400)))
		flush()
	}
	c.wait(r, first)
	deltas, tail := a.events()
	if fault == "cut_body" || fault == "cut_stream" || fault == "error_event" {
		deltas = deltas[:(len(deltas)+1)/2]
		tail = nil
	}
	var gap time.Duration
	if len(deltas) > 0 {
		gap = (total - first) / time.Duration(len(deltas))
	}
	for i, d := range deltas {
		if fault == "cut_stream" && i == len(deltas)-1 {
			d = d[:len(d)-2] // not even the newline
		}
		w.Write(d)
		if gap > 0 {
			flush()
			c.wait(r, gap)
		}
	}
	for _, t := range tail {
		w.Write(t)
	}
	switch fault {
	case "cut_body":
		flush()
		c.hangUp()
	case "error_event":
		w.Write([]byte("data: { \"error\" : { \"message\": \"The server had an error while answering\", \"type\": \"server_error\" } }\n\n"))
	case "cut_stream", "no_done":
	default:
		w.Write([]byte("data: [DONE]\n\n"))
	}
}
