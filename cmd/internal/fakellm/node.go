package fakellm

import (
	"encoding/json"
	"errors"
	"math/bits"
	"strconv"
	"strings"
)

// A node is a JSON value that keeps the order of its keys: a model writes the keys of an object in the order in which
// the schema names them.
type node struct {
	kind byte     // 'o'bject, 'a'rray, 's'tring, 'n'umber, 't'rue, 'f'alse, '0' null; 0: absent
	text string   // of a string or number
	keys []string // of an object, beside kids
	kids []node
}

// parseNode reads one JSON value that fills data. The standard library judges it; what it found valid is then read
// without a second thought, several times faster than by json.Decoder's tokens.
func parseNode(data []byte) (node, error) {
	if !json.Valid(data) {
		return node{}, errors.New("not one JSON value")
	}
	p := parser{data: data}
	return p.value(), nil
}

// A parser reads valid JSON.
type parser struct {
	data []byte
	at   int
}

// next skips white space, commas and colons, which valid JSON has in their places, and is the sign after them.
func (p *parser) next() byte {
	for {
		switch c := p.data[p.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			p.at++
		default:
			return c
		}
	}
}

func (p *parser) value() node {
	switch c := p.next(); c {
	case '{', '[':
		n := node{kind: 'a'}
		if c == '{' {
			n.kind = 'o'
		}
		p.at++
		for {
			if e := p.next(); e == '}' || e == ']' {
				p.at++
				return n
			}
			if n.kind == 'o' {
				n.keys = append(n.keys, p.text())
			}
			n.kids = append(n.kids, p.value())
		}
	case '"':
		return node{kind: 's', text: p.text()}
	case 't', 'n':
		p.at += len("true")
		if c == 'n' {
			c = '0'
		}
		return node{kind: c}
	case 'f':
		p.at += len("false")
		return node{kind: c}
	}
	from := p.at
	for p.at < len(p.data) && strings.IndexByte("+-.eE0123456789", p.data[p.at]) >= 0 {
		p.at++
	}
	return node{kind: 'n', text: string(p.data[from:p.at])}
}

// text reads a string; the standard library undoes the escapes of those that have any.
func (p *parser) text() string {
	p.next()
	from := p.at
	plain := true
	for p.at++; p.data[p.at] != '"'; p.at++ {
		if p.data[p.at] == '\\' {
			plain = false
			p.at++
		}
	}
	p.at++
	if plain {
		return string(p.data[from+1 : p.at-1])
	}
	var s string
	if err := json.Unmarshal(p.data[from:p.at], &s); err != nil {
		panic("fakellm: valid JSON has a broken string: " + err.Error())
	}
	return s
}

// get is the value of a key, or the absent node.
func (n node) get(key string) node {
	for i, k := range n.keys {
		if k == key {
			return n.kids[i]
		}
	}
	return node{}
}

// integer is a number's value, or d.
func (n node) integer(d int) int {
	if f, ok := n.number(); ok {
		return int(f)
	}
	return d
}

func (n node) number() (float64, bool) {
	if n.kind != 'n' {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	return f, err == nil
}

// append writes the value as JSON without white space.
func (n node) append(b []byte) []byte {
	switch n.kind {
	case 's':
		return appendString(b, n.text)
	case 'n':
		return append(b, n.text...)
	case 't':
		return append(b, "true"...)
	case 'f':
		return append(b, "false"...)
	case 'o', 'a':
		open, end := byte('['), byte(']')
		if n.kind == 'o' {
			open, end = '{', '}'
		}
		b = append(b, open)
		for i, kid := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			if n.kind == 'o' {
				b = append(appendString(b, n.keys[i]), ':')
			}
			b = kid.append(b)
		}
		return append(b, end)
	}
	return append(b, "null"...)
}

// hash is the same for the same value, however its keys are ordered and its white space falls:
// {"a":1,"b":2} and {"b": 2, "a": 1} hash alike, for an object's hash is a sum over its members.
func (n node) hash() uint64 {
	h := hashText(uint64(n.kind), n.text)
	for i, kid := range n.kids {
		if n.kind == 'o' {
			h += member(n.keys[i], kid)
		} else {
			h = mix(h, kid.hash())
		}
	}
	return h
}

// member is what one member adds to the hash of its object.
func member(key string, value node) uint64 { return mix(hashText('k', key), value.hash()) }

// hashText hashes words of eight bytes by multiply and rotate, the rest as FNV-1a does. It is no defence against an
// adversary; it has to be the same on every machine, which maphash is not.
func hashText(start uint64, s string) uint64 {
	h := (start ^ 0xcbf29ce484222325) * 0x100000001b3
	for len(s) >= 8 {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h = bits.RotateLeft64(h^w, 29) * 0x9e3779b97f4a7c15
		s = s[8:]
	}
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return mix(h, uint64(len(s)))
}

// mix joins numbers into one by the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(xs ...uint64) uint64 {
	var h uint64
	for _, x := range xs {
		h += x + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }
