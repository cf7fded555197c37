package fakellm

import (
	"strings"
)

// The routes that make an answer.
const (
	chatRoute        = "/v1/chat/completions"
	completionsRoute = "/v1/completions"
	embeddingsRoute  = "/v1/embeddings"
)

// A request is what a body asks for.
type request struct {
	route, model string
	body         uint64 // hash of the whole body: who is struck, and what is a repeat
	ask          uint64 // hash without what does not change the words

	messages  []message // of a chat
	inputs    []string  // prompts of completions, texts of embeddings
	format    string    // json_schema, json_object or empty
	schema    *node     // what the answer has to fit; nil: plain text
	tools     []node    // functions: {name, parameters}
	callsTool bool
	tool      int // index of the tool to call

	n, limit     int // choices; tokens of an answer, 0: no limit
	stream       bool
	includeUsage bool
	logprobs     bool
	top          int // alternatives of each token
	dimensions   int
	base64       bool
	prompt       int // tokens
}

// A message is a turn of a chat.
type message struct{ role, text string }

// unworded are the fields that do not change the words of an answer.
func unworded(key string) bool {
	switch key {
	case "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "user", "metadata":
		return true
	}
	return false
}

// readRequest reads a body; a refusal says what is wrong with it.
func readRequest(route string, data []byte, seed uint64) (*request, *refusal) {
	root, err := parseNode(data)
	if err != nil || root.kind != 'o' {
		return nil, badRequest("the body is not a JSON object", "")
	}
	q := &request{route: route, model: root.get("model").text, n: max(1, root.get("n").integer(1))}
	ask := root.hash()
	q.body = mix(hashText(0, route), ask)
	for i, key := range root.keys {
		if unworded(key) {
			ask -= member(key, root.kids[i])
		}
	}
	q.ask = mix(seed, hashText(0, route), ask)
	if q.model == "" {
		return nil, badRequest("you must provide a model parameter", "model")
	}
	if q.n > 128 {
		return nil, badRequest("n is above 128", "n")
	}
	q.limit = max(0, root.get("max_completion_tokens").integer(root.get("max_tokens").integer(0)))
	q.stream = root.get("stream").kind == 't'
	q.includeUsage = root.get("stream_options").get("include_usage").kind == 't'
	switch route {
	case chatRoute:
		if bad := q.readChat(root); bad != nil {
			return nil, bad
		}
	case completionsRoute:
		q.inputs = texts(root.get("prompt"))
		q.logprobs = root.get("logprobs").kind == 'n'
		q.top = root.get("logprobs").integer(0)
	case embeddingsRoute:
		q.stream = false
		q.inputs = texts(root.get("input"))
		q.dimensions = max(0, root.get("dimensions").integer(0))
		q.base64 = root.get("encoding_format").text == "base64"
	}
	if route != chatRoute && len(q.inputs) == 0 {
		return nil, badRequest("there is no prompt or input", "input")
	}
	if q.dimensions > 1<<16 {
		return nil, badRequest("dimensions is above 65536", "dimensions")
	}
	for _, t := range q.inputs {
		q.prompt += tokens(len(t))
	}
	return q, nil
}

func (q *request) readChat(root node) *refusal {
	size := 0
	for _, m := range root.get("messages").kids {
		text := strings.Join(texts(m.get("content")), "\n")
		q.messages = append(q.messages, message{m.get("role").text, text})
		size += len(text)
	}
	if len(q.messages) == 0 {
		return badRequest("messages is empty: at least one message is needed", "messages")
	}
	q.prompt = tokens(size)
	q.logprobs = root.get("logprobs").kind == 't'
	q.top = min(20, root.get("top_logprobs").integer(0))

	format := root.get("response_format")
	switch q.format = format.get("type").text; q.format {
	case "json_schema":
		schema := format.get("json_schema").get("schema")
		if schema.kind != 'o' {
			return badRequest("response_format.json_schema.schema is missing", "response_format")
		}
		q.schema = &schema
	case "json_object":
		q.schema = findSchema(q.messages)
		if q.schema == nil {
			q.schema = findExample(q.messages)
		}
	case "", "text":
		q.format = ""
		q.schema = findSchema(q.messages)
	default:
		return badRequest("response_format.type "+q.format+" is unknown", "response_format")
	}
	q.readTools(root)
	return nil
}

// readTools decides whether the answer is a call: always where tool_choice demands one, by hash where it is left to the
// model, never in answer to a tool's result.
func (q *request) readTools(root node) {
	for _, t := range root.get("tools").kids {
		if f := t.get("function"); f.kind == 'o' {
			q.tools = append(q.tools, f)
		}
	}
	if len(q.tools) == 0 {
		return
	}
	q.tool = int(mix(q.ask, 'o') % uint64(len(q.tools)))
	choice := root.get("tool_choice")
	switch {
	case choice.kind == 'o':
		q.callsTool = true
		for i, t := range q.tools {
			if t.get("name").text == choice.get("function").get("name").text {
				q.tool = i
			}
		}
	case choice.text == "required":
		q.callsTool = true
	case choice.text == "none" || q.messages[len(q.messages)-1].role == "tool":
	default:
		q.callsTool = mix(q.ask, 'c')%2 == 0
	}
}

// texts reads a content: a string, a list of strings, or a list of parts of which the texts count. Lists of token
// numbers become a text of those numbers.
func texts(n node) []string {
	switch n.kind {
	case 's':
		return []string{n.text}
	case 'a':
		if len(n.kids) > 0 && n.kids[0].kind == 'n' {
			return []string{string(n.append(nil))}
		}
		var out []string
		for _, kid := range n.kids {
			switch kid.kind {
			case 's':
				out = append(out, kid.text)
			case 'o':
				if t := kid.get("text"); t.kind == 's' {
					out = append(out, t.text)
				}
			case 'a':
				out = append(out, string(kid.append(nil)))
			}
		}
		return out
	}
	return nil
}

// tokens is the count of a text of so many bytes: a quarter, rounded up.
func tokens(bytes int) int { return (bytes + 3) / 4 }
