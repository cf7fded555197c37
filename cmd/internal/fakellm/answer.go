package fakellm

// An answer is what the model says to one request.
type answer struct {
	q       *request
	choices []choice
	usage   bill // as reported
	silent  bool // usage is not reported at all
	paid    bill // the truth
	strike  strike
}

// A bill counts tokens.
type bill struct{ prompt, cached, completion, reasoning int }

// A choice is one of the n answers.
type choice struct {
	text      string
	reasoning string
	refusal   string
	null      bool // content is null
	call      string
	arguments string // of the call, as JSON
	finish    string
}

// answer makes the answer to a request, with what the strike does to it.
func (s *Server) answer(q *request, k strike) *answer {
	a := &answer{q: q, strike: k}
	for i := range q.n * max(1, len(q.inputs)) {
		c := s.choose(q, i, k.content)
		a.paid.completion += tokens(len(c.text)+len(c.refusal)+len(c.arguments)+len(c.call)) + tokens(len(c.reasoning))
		a.paid.reasoning += tokens(len(c.reasoning))
		a.choices = append(a.choices, c)
	}
	a.paid.prompt = q.prompt
	a.paid.cached = int(s.c.CachedShare * float64(q.prompt))
	a.usage = a.paid
	if k.usage != nil {
		switch k.usage.Kind {
		case "no_usage":
			a.silent = true
		case "wrong_usage":
			a.usage = bill{a.paid.prompt / 10, a.paid.cached / 10, a.paid.completion / 10, a.paid.reasoning / 10}
		case "one_usage":
			a.usage.completion /= len(a.choices)
			a.usage.reasoning /= len(a.choices)
		}
	}
	return a
}

// choose makes choice i: words of its own for each, and for each prompt of a list.
func (s *Server) choose(q *request, i int, f *Fault) choice {
	h := mix(q.ask, uint64(i)+1)
	if f != nil && f.Kind == "duplicate" {
		h = mix(s.c.Seed, 'd')
		return bounded(q, choice{text: s.say(q, sameSubject, h), finish: "stop"})
	}
	if q.callsTool {
		tool := q.tools[q.tool]
		return choice{null: true, call: tool.get("name").text, finish: "tool_calls",
			arguments: fitting(tool.get("parameters"), subject(q.messages, nil, h), h)}
	}
	inputs := q.inputs
	if len(inputs) > 0 {
		inputs = inputs[i/q.n : i/q.n+1]
	}
	c := choice{text: s.say(q, subject(q.messages, inputs, h), h), finish: "stop"}
	if f != nil && f.Kind == "no_limit" {
		return c
	}
	if f != nil {
		c = spoil(c, q, f.Kind, h)
	}
	return bounded(q, c)
}

// sameSubject is what every duplicate speaks about.
const sameSubject = "where can I see the status of my order"

// say puts a subject into words, or into a value of the asked shape.
func (s *Server) say(q *request, subject string, h uint64) string {
	if q.schema != nil {
		return fitting(*q.schema, subject, h)
	}
	if q.format == "json_object" {
		return `{"text":` + string(appendString(nil, rewrite(subject, h, s.c.AnswerBytes))) + `}`
	}
	return rewrite(subject, h, s.c.AnswerBytes)
}

// bounded cuts a choice at the token limit of its request, as a model would.
func bounded(q *request, c choice) choice {
	if q.limit == 0 || c.call != "" {
		return c
	}
	if tokens(len(c.reasoning)) >= q.limit {
		c.reasoning, c.text, c.finish = cut(c.reasoning, q.limit*4), "", "length"
		return c
	}
	if room := (q.limit - tokens(len(c.reasoning))) * 4; len(c.text) > room {
		c.text, c.finish = cut(c.text, room), "length"
	}
	return c
}
