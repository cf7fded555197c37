package export

import "sluice/schemas"

// chat writes messages as they are: the form of OpenAI's fine-tuning files and of TRL's conversational language modelling.
//
//	{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
func chat(e *env, r *schemas.Record) error {
	ms, err := e.turns.of(r)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if m.Role == assistant {
			e.row(member{"messages", ms})
			return nil
		}
	}
	return misfit(r, "no turn is the assistant's: there is nothing to learn")
}

// sharegpt writes the conversations of Vicuna's training set, as LLaMA-Factory and Axolotl read them.
//
//	{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}
func sharegpt(e *env, r *schemas.Record) error {
	ms, err := e.turns.of(r)
	if err != nil {
		return err
	}
	first, rest, err := alternating(r, ms)
	if err != nil {
		return err
	}
	said := func(from, value string) any { return map[string]any{"from": from, "value": value} }
	var all []any
	if len(rest) < len(ms) {
		all = append(all, said("system", first))
	}
	for _, m := range rest {
		from := "human"
		if m.Role == assistant {
			from = "gpt"
		}
		all = append(all, said(from, m.Content))
	}
	e.row(member{"conversations", all})
	return nil
}

// alpaca writes one instruction and its answer (Taori et al.: Stanford Alpaca, 2023). The input is always empty: where a record keeps
// it apart is not known.
//
//	{"instruction": "Hi", "input": "", "output": "Hello!"}
func alpaca(e *env, r *schemas.Record) error {
	ms, err := e.turns.of(r)
	if err != nil {
		return err
	}
	first, rest, err := alternating(r, ms)
	if err != nil {
		return err
	}
	if len(rest) > 2 {
		return misfit(r, "it has %d turns, alpaca holds a question and an answer; sharegpt and chat can hold it", len(rest))
	}
	row := []member{{"instruction", rest[0].Content}, {"input", ""}, {"output", rest[1].Content}}
	if len(rest) < len(ms) {
		row = append(row, member{"system", first})
	}
	e.row(row...)
	return nil
}

// promptCompletion writes what is given and what is learnt, as TRL's prompt-completion types: texts for rows of text, messages for chats.
//
//	{"prompt": "2 + 2 =", "completion": "4"}
//	{"prompt": [{"role": "user", "content": "2 + 2?"}], "completion": [{"role": "assistant", "content": "4"}]}
func promptCompletion(e *env, r *schemas.Record) error {
	ms, err := e.turns.of(r)
	if err != nil {
		return err
	}
	if e.turns.prompt == nil {
		last := len(ms) - 1
		switch {
		case last < 1:
			return misfit(r, "it has %d turns: a prompt and a completion are two", len(ms))
		case ms[last].Role != assistant:
			return misfit(r, "its last turn is not the assistant's: there is nothing to learn")
		}
		e.row(member{"prompt", ms[:last]}, member{"completion", ms[last:]})
		return nil
	}
	if ms[0].Role == system {
		return misfit(r, "a prompt that is a text has no place for the system's turn; leave --system out, or use chat")
	}
	e.row(member{"prompt", ms[0].Content}, member{"completion", ms[1].Content})
	return nil
}
