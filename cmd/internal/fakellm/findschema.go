package fakellm

import "strings"

// findSchema is the JSON Schema that stands in a prompt, the last of several, for clients that ask for JSON in words.
func findSchema(messages []message) *node {
	for i := len(messages) - 1; i >= 0; i-- {
		text := messages[i].text
		if !strings.Contains(text, `"properties"`) {
			continue
		}
		if n := lastObject(text, func(n node) bool {
			return n.get("properties").kind == 'o' && (n.get("type").kind != 0 || n.get("required").kind != 0)
		}); n != nil {
			return n
		}
	}
	return nil
}

// findExample turns the last JSON object of a prompt into the schema of its like: {"text": "…", "score": 3} asks for an
// object with a string and a number.
func findExample(messages []message) *node {
	for i := len(messages) - 1; i >= 0; i-- {
		if n := lastObject(messages[i].text, func(n node) bool { return len(n.keys) > 0 }); n != nil {
			like := likeness(*n)
			return &like
		}
	}
	return nil
}

// lastObject is the last outermost {…} in a text that parses and is wanted. It gives up on a text after a thousand braces
// that begin nothing.
func lastObject(text string, wanted func(node) bool) *node {
	var last *node
	at := strings.IndexByte(text, '{')
	for tries := 0; at >= 0 && tries < 1000; tries++ {
		end := balanced(text[at:])
		skip := 1
		if end > 0 {
			if n, err := parseNode([]byte(text[at : at+end])); err == nil && wanted(n) {
				last, skip = &n, end
			}
		}
		next := strings.IndexByte(text[at+skip:], '{')
		if next < 0 {
			break
		}
		at += skip + next
	}
	return last
}

// balanced is the length of the bracketed text at the start of s, or 0: {"a": "}"} x has 10.
func balanced(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// likeness is a schema of values like n.
func likeness(n node) node {
	word := func(s string) node { return node{kind: 's', text: s} }
	schema := func(kind string) node { return node{kind: 'o', keys: []string{"type"}, kids: []node{word(kind)}} }
	switch n.kind {
	case 'o':
		properties := node{kind: 'o', keys: n.keys}
		for _, kid := range n.kids {
			properties.kids = append(properties.kids, likeness(kid))
		}
		return node{kind: 'o', keys: []string{"type", "properties"}, kids: []node{word("object"), properties}}
	case 'a':
		s := schema("array")
		if len(n.kids) > 0 {
			s.keys, s.kids = append(s.keys, "items"), append(s.kids, likeness(n.kids[0]))
		}
		return s
	case 'n':
		if strings.ContainsAny(n.text, ".eE") {
			return schema("number")
		}
		return schema("integer")
	case 't', 'f':
		return schema("boolean")
	case '0':
		return schema("null")
	}
	return schema("string")
}
