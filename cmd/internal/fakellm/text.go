package fakellm

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// subject is the text in a prompt that an answer is about: what stands between a pair of fences, or one entry of a
// list, or the last paragraph. It is a guess for demonstrations; nothing but the looks of an answer hangs on it.
//
//	Rewrite the text.\n<text>\nwhere is my card\n</text>     where is my card
//	Write one more like these:\n- a first one\n- a second     a first one, or a second
func subject(messages []message, inputs []string, h uint64) string {
	text := ""
	for _, m := range messages {
		if m.role == "user" || text == "" {
			text = m.text
		}
	}
	if len(inputs) > 0 {
		text = inputs[h%uint64(len(inputs))]
	}
	lines := strings.Split(text, "\n")
	for inside := fenced(lines); len(inside) > 0; inside = fenced(lines) { // fences may stand in fences
		lines = inside
	}
	var entries []string
	for _, line := range lines {
		if e, ok := entry(line); ok {
			entries = append(entries, e)
		}
	}
	if len(entries) > 1 {
		return entries[mix(h, 'e')%uint64(len(entries))]
	}
	whole := strings.TrimSpace(strings.Join(lines, "\n"))
	if i := strings.LastIndex(whole, "\n\n"); i >= 0 {
		whole = strings.TrimSpace(whole[i:])
	}
	if head, rest, ok := strings.Cut(whole, ":"); ok && len(head) < 40 && strings.TrimSpace(rest) != "" {
		whole = strings.TrimSpace(rest) // Text: where is my card
	}
	if len(whole) > 4000 {
		whole = strings.ToValidUTF8(whole[:4000], "")
	}
	return whole
}

// fenced is what stands between the last pair of lines that open and close: ``` and ```, """ and """, <x …> and </x>,
// twice the same line of marks, or two short lines with the same random token, such as BEGIN 3f9a1c and END 3f9a1c.
func fenced(lines []string) []string {
	for end := len(lines) - 1; end > 0; end-- {
		mark := strings.TrimSpace(lines[end])
		opens := func(string) bool { return false }
		if token := randomToken(mark); token != "" {
			opens = func(line string) bool { return randomToken(line) == token }
		} else if len(mark) >= 3 && strings.Contains("`\"<=#*~[-", mark[:1]) && !strings.Contains(mark, " ") {
			opener := strings.Replace(strings.TrimSuffix(mark, ">"), "</", "<", 1)
			opens = func(line string) bool { return strings.HasPrefix(line, opener) }
		}
		for start := end - 1; start >= 0; start-- {
			if opens(strings.TrimSpace(lines[start])) && start+1 < end {
				return lines[start+1 : end]
			}
		}
	}
	return nil
}

// randomToken is the first run of six or more hexadecimal digits, one of them 0 to 9, in a short line.
func randomToken(line string) string {
	if len(line) > 60 {
		return ""
	}
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(word) >= 6 && strings.Trim(word, "0123456789abcdef") == "" && strings.ContainsAny(word, "0123456789") {
			return word
		}
	}
	return ""
}

// entry is the text of a list line: "- a", "* a", "3. a", "2) a".
func entry(line string) (string, bool) {
	line = strings.TrimSpace(line)
	rest := strings.TrimLeft(line, "0123456789")
	switch {
	case len(rest) < len(line) && (strings.HasPrefix(rest, ". ") || strings.HasPrefix(rest, ") ")):
	case strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* "):
		rest = line
	default:
		return "", false
	}
	e := strings.Trim(strings.TrimSpace(rest[2:]), `"`)
	return e, e != ""
}

// rewrite says a text in other words: an opening, its words with many of them swapped, and a closing, of about so many
// bytes if size is above 0. The same text and hash give the same words.
func rewrite(text string, h uint64, size int) string {
	if text == "" {
		text = pick(inventions(), mix(h, 'i'))
	}
	var b strings.Builder
	b.Grow(max(size, len(text)+96) + 96)
	opening := pick(openings(), mix(h, 'o'))
	b.WriteString(opening)
	swap(&b, text, h, opening != "" && !strings.HasSuffix(opening, ". "))
	if !strings.ContainsAny(text[len(text)-1:], ".?!") {
		b.WriteString(pick([]string{".", "..."}, mix(h, 'p')))
	}
	if closing := pick(closings(), mix(h, 'c')); closing != "" {
		b.WriteString(" " + closing)
	}
	for i := uint64(0); size > 0 && b.Len() < size; i++ {
		b.WriteString(" " + pick(fillers(), mix(h, 'f', i)))
	}
	out := b.String()
	if size > 0 && len(out) > size {
		out = strings.TrimRight(strings.ToValidUTF8(out[:size], ""), " ")
	}
	return out
}

// swap copies a text word by word and puts another word for most of those it knows. lower makes the first word small,
// for it no longer begins a sentence.
func swap(b *strings.Builder, text string, h uint64, lower bool) {
	for i := uint64(0); text != ""; i++ {
		end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		if other := instead(word, mix(h, 'w', i)); other != "" && mix(h, 's', i)%4 != 0 {
			word = other
		}
		if i == 0 && lower && len(word) > 1 && word != "I" && !strings.HasPrefix(word, "I'") {
			if r, n := utf8.DecodeRuneInString(word); unicode.IsUpper(r) && strings.ToUpper(word) != word {
				word = string(unicode.ToLower(r)) + word[n:]
			}
		}
		b.WriteString(word)
		next := strings.IndexFunc(text[end:], unicode.IsLetter)
		if next < 0 {
			next = len(text) - end
		}
		b.WriteString(text[end : end+next])
		text = text[end+next:]
	}
}

// text makes a string for a property: by its format, by what its name suggests, or a rewriting of the theme; then as
// long as the schema wants it.
func (m *valueMaker) text(schema node, name string) string {
	m.state = mix(m.state, 2)
	h := m.state
	var s string
	name = strings.ToLower(name)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	switch schema.get("format").text {
	case "date":
		return "20" + two(10+h%15) + "-" + two(1+h>>8%12) + "-" + two(1+h>>16%28)
	case "date-time":
		return "20" + two(10+h%15) + "-" + two(1+h>>8%12) + "-" + two(1+h>>16%28) + "T" + two(h>>24%24) + ":" + two(h>>32%60) + ":00Z"
	case "time":
		return two(h%24) + ":" + two(h>>8%60) + ":00Z"
	case "email":
		return pick(nouns(), h) + two(h>>32%100) + "@example.com"
	case "uri", "url":
		return "https://example.com/" + pick(nouns(), h)
	case "uuid":
		x := hex(h) + hex(mix(h, 1))
		return x[:8] + "-" + x[8:12] + "-4" + x[13:16] + "-a" + x[17:20] + "-" + x[20:32]
	}
	switch {
	case has("reason", "rationale", "explanation", "comment", "feedback", "critique", "why"):
		s = pick(reasons(), h)
	case has("name", "label", "title", "topic", "category", "keyword", "tag", "lang") || name == "id":
		s = pick(nouns(), h)
	default:
		s = rewrite(m.theme, h, 0)
	}
	least := schema.get("minLength").integer(0)
	for i := uint64(0); utf8.RuneCountInString(s) < least; i++ {
		s += " " + pick(fillers(), mix(h, i))
	}
	if most := schema.get("maxLength").integer(-1); most >= 0 && utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most])
	}
	return s
}

// two writes a number of two digits.
func two(n uint64) string {
	s := strconv.FormatUint(n, 10)
	if len(s) < 2 {
		return "0" + s
	}
	return s
}

// hex writes a number as 16 digits.
func hex(h uint64) string {
	s := strconv.FormatUint(h, 16)
	return "0000000000000000"[len(s):] + s
}

func pick(list []string, h uint64) string { return list[h%uint64(len(list))] }
