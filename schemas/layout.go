package schemas

// A node is a column on disk or a part of one. The same tree drives every binary format: writers walk
// it with a record in hand (see putter), readers walk it to build one (see taker).
type node struct {
	name     string
	kind     TypeKind
	parts    []*node // the fields of a struct in order, or the one element of a list
	required bool    // never null
	repeats  bool    // few distinct values are expected: worth a dictionary
	counts   bool    // small or slowly growing integers: worth delta encoding

	// Levels of the Dremel encoding (Melnik et al., VLDB 2010), as Parquet counts them.
	// Example, tags list<string> at the top: tags.def 1, rep 1; its element def 3. So
	// null is (rep 0, def 0), [] is (0,1), [null] is (0,2), ["a","b"] is (0,3) (1,3).
	def    int // definition level from which the node is not null; for a list the level of an empty one
	rep    int // list: repetition level of its second and later elements
	lo, hi int // the leaf columns below, lo <= column < hi
	id     int // position in the tree, depth first
}

// elem returns the element of a list.
func (n *node) elem() *node { return n.parts[0] }

func (n *node) leaf() bool { return n.kind != List && n.kind != Struct }

// number assigns levels, leaf columns and positions to the trees of a row.
func number(roots []*node) (leaves, nodes int) {
	var walk func(n *node, def, rep int)
	walk = func(n *node, def, rep int) {
		n.id, n.lo = nodes, leaves
		nodes++
		if !n.required {
			def++
		}
		n.def = def
		switch n.kind {
		case List:
			n.rep = rep + 1
			walk(n.elem(), def+1, n.rep)
		case Struct:
			for _, f := range n.parts {
				walk(f, def, rep)
			}
		default:
			leaves++
		}
		n.hi = leaves
	}
	for _, n := range roots {
		walk(n, 0, 0)
	}
	return leaves, nodes
}

// A layout is the columns of a shard in their order on disk, by role. Columns that the kind does
// not have are nil.
type layout struct {
	schema  *Schema
	rejects bool

	roots         []*node
	leaves, nodes int

	id, text, label, labels            *node
	messages, prompt, chosen, rejected *node
	user                               []*node // in the order of the schema
	scores, origin                     *node
	reject                             []*node // stage, reason, reasons, failed, detail, owner, score
}

// Names of the columns that are not the user's.
const (
	colID       = "id"
	colText     = "text"
	colLabel    = "label"
	colLabels   = "labels"
	colMessages = "messages"
	colPrompt   = "prompt"
	colChosen   = "chosen"
	colRejected = "rejected"
	colScores   = "scores"
	colOrigin   = "origin"
	rejectMark  = "reject_"
)

// newLayout returns the columns of shards with schema s, or of its rejects.
func newLayout(s *Schema, rejects bool) (*layout, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	l := &layout{schema: s, rejects: rejects}
	add := func(n *node) *node {
		l.roots = append(l.roots, n)
		return n
	}
	l.id = add(&node{name: colID, kind: String, required: true})
	switch s.Kind {
	case Text:
		l.text = add(leafNode(colText, String))
	case Labeled:
		l.text = add(leafNode(colText, String))
		l.label = add(wordNode(colLabel))
	case Multi:
		l.text = add(leafNode(colText, String))
		l.labels = add(listNode(colLabels, wordNode("element")))
	case Chat:
		l.messages = add(messagesNode(colMessages))
	case Preference:
		l.prompt = add(messagesNode(colPrompt))
		l.chosen = add(messagesNode(colChosen))
		l.rejected = add(messagesNode(colRejected))
	}
	for _, c := range s.Columns {
		l.user = append(l.user, add(typeNode(c.Name, c.Type)))
	}
	if len(s.Scores) > 0 {
		l.scores = add(&node{name: colScores, kind: Struct})
		for _, name := range s.Scores {
			l.scores.parts = append(l.scores.parts, leafNode(name, Float))
		}
	}
	l.origin = add(originNode())
	if rejects {
		l.reject = []*node{
			add(wordNode("reject_stage")), add(wordNode("reject_reason")),
			add(listNode("reject_reasons", wordNode("element"))), add(leafNode("reject_failed", Bool)),
			add(leafNode("reject_detail", String)), add(leafNode("reject_owner", String)),
			add(leafNode("reject_score", Float)),
		}
	}
	l.leaves, l.nodes = number(l.roots)
	return l, nil
}

func leafNode(name string, k TypeKind) *node { return &node{name: name, kind: k} }
func wordNode(name string) *node             { return &node{name: name, kind: String, repeats: true} }
func countNode(name string) *node            { return &node{name: name, kind: Int, counts: true} }

func listNode(name string, elem *node) *node {
	return &node{name: name, kind: List, parts: []*node{elem}}
}

// messagesNode is a list of turns as the chat templates of Hugging Face read them.
func messagesNode(name string) *node {
	call := &node{name: "element", kind: Struct, parts: []*node{
		leafNode("id", String), wordNode("name"), leafNode("arguments", String),
	}}
	return listNode(name, &node{name: "element", kind: Struct, parts: []*node{
		wordNode("role"), leafNode("content", String), wordNode("name"),
		listNode("tool_calls", call), leafNode("tool_call_id", String),
	}})
}

func originNode() *node {
	return &node{name: colOrigin, kind: Struct, parts: []*node{
		wordNode("source"), countNode("row"), countNode("depth"), countNode("round"),
		listNode("parents", leafNode("element", String)),
		wordNode("stage"), wordNode("model"), wordNode("template"), leafNode("answer", String),
		countNode("cost"), countNode("prompt_tokens"), countNode("completion_tokens"), leafNode("estimated", Bool),
	}}
}

// typeNode is a user column.
func typeNode(name string, t Type) *node {
	n := &node{name: name, kind: t.Kind}
	switch t.Kind {
	case List:
		n.parts = []*node{typeNode("element", *t.Elem)}
	case Struct:
		for _, f := range t.Fields {
			n.parts = append(n.parts, typeNode(f.Name, f.Type))
		}
	}
	return n
}
