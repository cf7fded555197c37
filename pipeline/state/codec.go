package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"sluice/pipeline/text"
)

// Every value of the ledger ends in the 64-bit hash of what precedes it, so that damage is told from data.

var errDamaged = errors.New("entry is damaged: checksum does not match")

func sealed(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, text.Hash64(b)) }

func unsealed(b []byte) ([]byte, error) {
	n := len(b) - 8
	if n < 0 || binary.LittleEndian.Uint64(b[n:]) != text.Hash64(b[:n]) {
		return nil, errDamaged
	}
	return b[:n], nil
}

// appendAnswer adds an answer to the value of its key: each is its length as uvarint, then its bytes.
func appendAnswer(stored, answer []byte) ([]byte, error) {
	if len(stored) > 0 {
		old, err := unsealed(stored)
		if err != nil {
			return nil, err
		}
		stored = slices.Clip(old)
	}
	b := make([]byte, 0, len(stored)+binary.MaxVarintLen64+len(answer)+8)
	b = append(b, stored...)
	b = binary.AppendUvarint(b, uint64(len(answer)))
	b = append(b, answer...)
	return sealed(b), nil
}

func decodeAnswers(stored []byte) ([][]byte, error) {
	b, err := unsealed(stored)
	if err != nil {
		return nil, err
	}
	var answers [][]byte
	for len(b) > 0 {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return nil, errors.New("entry is damaged: answer longer than its entry")
		}
		answers = append(answers, b[w:w+int(n):w+int(n)])
		b = b[w+int(n):]
	}
	return answers, nil
}

func encodeIntent(in Intent) []byte {
	b := make([]byte, 0, 128)
	b = binary.AppendUvarint(b, in.ID)
	b = append(b, in.Key[:]...)
	b = binary.AppendVarint(b, in.Worst)
	b = binary.AppendVarint(b, in.WorstTokens)
	for _, s := range []string{in.Dataset, in.Model, in.Stage, in.Run} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return sealed(b)
}

func decodeIntent(stored []byte) (in Intent, err error) {
	b, err := unsealed(stored)
	if err != nil {
		return in, err
	}
	r := reader{b: b}
	in.ID = r.uvarint()
	copy(in.Key[:], r.bytes(len(in.Key)))
	in.Worst, in.WorstTokens = r.varint(), r.varint()
	for _, s := range []*string{&in.Dataset, &in.Model, &in.Stage, &in.Run} {
		*s = string(r.bytes(int(r.uvarint())))
	}
	return in, r.end("intent")
}

func encodeSpend(s Spend) []byte {
	b := make([]byte, 0, 48)
	for _, n := range s.fields() {
		b = binary.AppendVarint(b, *n)
	}
	return sealed(b)
}

func decodeSpend(stored []byte) (s Spend, err error) {
	b, err := unsealed(stored)
	if err != nil {
		return s, err
	}
	r := reader{b: b}
	for _, n := range s.fields() {
		*n = r.varint()
	}
	return s, r.end("spend")
}

// reader takes values off the front of b; after the first that is not there it yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	n, w := binary.Uvarint(r.b)
	return n + uint64(r.skip(w))
}

func (r *reader) varint() int64 {
	n, w := binary.Varint(r.b)
	return n + int64(r.skip(w))
}

// skip moves over a number of w bytes and returns 0.
func (r *reader) skip(w int) int {
	if w <= 0 {
		r.bad = true
		w = len(r.b)
	}
	r.b = r.b[w:]
	return 0
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad = true
		n = len(r.b)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) end(what string) error {
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%s of %d bytes does not decode", what, len(r.b))
	}
	return nil
}
