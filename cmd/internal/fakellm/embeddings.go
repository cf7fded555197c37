package fakellm

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// embeddings answers the embeddings route. A vector is the feature hashing of a text's words and their pairs (Weinberger
// et al. 2009), of length 1: texts that share words are near to one another, as users of an embedding expect.
func (s *Server) embeddings(q *request, f *Fault) []byte {
	dimensions := q.dimensions
	if dimensions == 0 {
		dimensions = s.c.Dimensions
	}
	if dimensions == 0 {
		dimensions = 64
	}
	b := []byte(`{"object":"list","data":[`)
	for i, text := range q.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		v := embed(text, dimensions, s.c.Seed)
		if q.base64 {
			raw := make([]byte, 0, 4*len(v))
			for _, x := range v {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
			b = appendString(b, base64.StdEncoding.EncodeToString(raw))
		} else {
			b = append(b, '[')
			for k, x := range v {
				if k > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
			}
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	b = append(b, `],"model":`...)
	b = appendString(b, q.model)
	prompt := q.prompt
	if f != nil {
		if f.Kind == "no_usage" {
			return append(b, '}')
		}
		prompt /= 10
	}
	b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), int64(prompt), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(prompt), 10)
	return append(b, "}}"...)
}

// embed maps a text to a vector of length 1; the empty text has one too.
func embed(text string, dimensions int, seed uint64) []float32 {
	v := make([]float32, dimensions)
	before := "\x00"
	add := func(feature string) {
		h := hashText(seed, feature)
		sign := float32(1)
		if h>>63 == 1 {
			sign = -1
		}
		v[h%uint64(dimensions)] += sign
	}
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		add(word)
		add(before + " " + word)
		before = word
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 { // no words, or words that cancel out
		v[hashText(seed, text)%uint64(dimensions)], sum = 1, 1
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}
