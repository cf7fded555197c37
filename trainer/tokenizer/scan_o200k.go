package tokenizer

// scanO200K matches the pattern of o200k_base: words split where a small letter is followed by a capital, with
// their contraction ("don't" is one match, "helloWorld" is two).
func scanO200K(c *classes, s string, i int) int {
	k, n := c.at(s, i)
	next := i + n
	// [^\r\n\p{L}\p{N}]? may take the first character, which may also be a mark and begin the word itself.
	lead := k&(letter|number) == 0 && s[i] != '\n' && s[i] != '\r' && next < len(s)
	if lead {
		if end := c.lowerWord(s, next); end > next {
			return suffix(s, end)
		}
	}
	if end := c.lowerWord(s, i); end > i {
		return suffix(s, end)
	}
	if lead {
		if end := c.upperWord(s, next); end > next {
			return suffix(s, end)
		}
	}
	if end := c.upperWord(s, i); end > i {
		return suffix(s, end)
	}
	if k&number != 0 {
		return c.digits(s, next, 2)
	}
	if end := c.symbols(s, i, "\r\n/"); end > i {
		return end
	}
	if end := c.lineEnds(s, i); end > i {
		return end
	}
	return c.whitespace(s, i)
}

func suffix(s string, i int) int {
	if i < len(s) && s[i] == '\'' {
		return contraction(s, i, true)
	}
	return i
}

// A capital side is a letter that is not small, or a mark; a small side is a letter that is not capital, or a mark.
func capitalSide(k uint8) bool { return k&mark != 0 || k&letter != 0 && k&lower == 0 }
func smallSide(k uint8) bool   { return k&mark != 0 || k&letter != 0 && k&upper == 0 }

// lowerWord matches capital side* small side+. The first run is greedy; where nothing small follows it gives
// characters back until the last one that may stand on either side: "Aあ" of "AあB".
func (c *classes) lowerWord(s string, i int) int {
	at, either := i, -1
	for at < len(s) {
		k, n := c.at(s, at)
		if !capitalSide(k) {
			break
		}
		if at += n; smallSide(k) {
			either = at
		}
	}
	end := c.smallRun(s, at)
	if end > at {
		return end
	}
	if either >= 0 {
		return either
	}
	return i
}

// upperWord matches capital side+ small side*.
func (c *classes) upperWord(s string, i int) int {
	at := i
	for at < len(s) {
		k, n := c.at(s, at)
		if !capitalSide(k) {
			break
		}
		at += n
	}
	if at == i {
		return i
	}
	return c.smallRun(s, at)
}

func (c *classes) smallRun(s string, i int) int {
	for i < len(s) {
		k, n := c.at(s, i)
		if !smallSide(k) {
			break
		}
		i += n
	}
	return i
}
