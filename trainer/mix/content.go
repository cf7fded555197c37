package mix

import (
	"errors"
	"strings"

	"sluice/schemas"
)

var errNoRecords = errors.New("this mixer looks at the records of every domain, and here there are none to look at")

// content is what a record says: its text, or its messages and answers, a line each.
func content(r *schemas.Record) string {
	if r.Text != "" {
		return r.Text
	}
	var b strings.Builder
	for _, part := range [][]schemas.Message{r.Messages, r.Prompt, r.Chosen, r.Rejected} {
		for _, m := range part {
			b.WriteString(m.Content)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
