package training

import (
	"io"
	"strings"
	"unicode/utf8"

	"sluice/trainer/model"
)

// A Stream writes an answer while it grows. What may yet turn out to be half a character or the beginning of a stop text
// waits until that is known.
type Stream struct {
	w     io.Writer
	d     model.Decoder
	stop  []string
	ids   []int32
	wrote string
}

// NewStream writes to w what d makes of tokens.
func NewStream(w io.Writer, d model.Decoder, stop []string) *Stream {
	return &Stream{w: w, d: d, stop: stop}
}

// Add takes the next token.
func (s *Stream) Add(id int32) error {
	s.ids = append(s.ids, id)
	return s.grow(s.safe(s.d.Decode(s.ids, true)))
}

// Finish writes what is left of the whole answer.
func (s *Stream) Finish(text string) error { return s.grow(text) }

func (s *Stream) grow(text string) error {
	if len(text) <= len(s.wrote) || !strings.HasPrefix(text, s.wrote) {
		return nil
	}
	_, err := io.WriteString(s.w, text[len(s.wrote):])
	s.wrote = text
	return err
}

// safe is the part of text that no further token can take back.
//
//	stop "\n\n":  "one\ntwo\n" → "one\ntwo"      "caf\ufffd" → "caf"
func (s *Stream) safe(text string) string {
	for strings.HasSuffix(text, string(utf8.RuneError)) {
		text = strings.TrimSuffix(text, string(utf8.RuneError))
	}
	end := len(text)
	for _, stop := range s.stop {
		if stop == "" {
			continue
		}
		if at := strings.Index(text, stop); at >= 0 {
			end = min(end, at)
			continue
		}
		for n := min(len(stop)-1, len(text)); n > 0; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				end = min(end, len(text)-n)
				break
			}
		}
	}
	return text[:end]
}
