package linear

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"sluice/trainer/kernel"
	"sluice/trainer/model/safetensors"
)

// One safetensors file holds a model: F32 tensors bucket [n], idf [n], weight [n, classes], bias [classes], and under the metadata
// key "sluice.linear" a JSON object. Bucket numbers are below 2^22, so float32 holds them exactly. Equal models are equal bytes.

const (
	metaKey = "sluice.linear"
	// format changes when the same texts would get other buckets or the tensors other meanings.
	format = "hashed-ngrams/1"
)

type header struct {
	Format      string    `json:"format"`
	Config      Config    `json:"config"`
	Labels      []string  `json:"labels"`
	Prior       []float64 `json:"prior"`
	Temperature float64   `json:"temperature"`
}

// Save writes the model to a file that is there whole or not at all.
func (m *Model) Save(path string) error {
	h := header{Format: format, Config: m.config, Labels: m.labels, Prior: m.prior, Temperature: m.temperature}
	h.Config.Threads = 0 // belongs to the machine, not to the model
	meta, err := json.Marshal(h)
	if err != nil {
		return err
	}
	n, k := len(m.vocabulary.bucket), len(m.labels)
	bucket := make([]float32, n)
	weight := make([]float32, 0, n*k)
	for i, b := range m.vocabulary.bucket {
		bucket[i] = float32(b)
		weight = append(weight, m.weight[i*m.stride:i*m.stride+k]...)
	}
	return safetensors.WriteFile(path, []safetensors.Tensor{
		{Name: "bucket", DType: safetensors.F32, Shape: []int{n}, Values: bucket},
		{Name: "idf", DType: safetensors.F32, Shape: []int{n}, Values: m.vocabulary.idf},
		{Name: "weight", DType: safetensors.F32, Shape: []int{n, k}, Values: weight},
		{Name: "bias", DType: safetensors.F32, Shape: []int{k}, Values: m.bias[:k]},
	}, map[string]string{metaKey: string(meta)})
}

// Load reads what [Model.Save] wrote.
func Load(path string) (*Model, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := read(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func read(f *safetensors.File) (*Model, error) {
	meta, ok := f.Metadata()[metaKey]
	if !ok {
		return nil, fmt.Errorf("this is no linear model: its metadata has no %q", metaKey)
	}
	var h header
	if err := json.Unmarshal([]byte(meta), &h); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", metaKey, err)
	}
	if h.Format != format {
		return nil, fmt.Errorf("the model has format %q, want %q: train it anew", h.Format, format)
	}
	k := len(h.Labels)
	info, _ := f.Info("bucket")
	n := info.Len()
	if err := h.Config.Check(); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", metaKey, err)
	}
	if k == 0 || len(h.Prior) != k || !(h.Temperature > 0) || math.IsInf(h.Temperature, 0) {
		return nil, fmt.Errorf("metadata %q: %d labels, %d priors, temperature %v do not fit", metaKey, k, len(h.Prior), h.Temperature)
	}
	if w, _ := f.Info("weight"); w.Len() != n*k {
		return nil, fmt.Errorf("tensor \"weight\" %v does not fit %d buckets and %d labels", w.Shape, n, k)
	}
	set, err := kernel.Default()
	if err != nil {
		return nil, err
	}
	bucket, weight := make([]float32, n), make([]float32, n*k)
	m := &Model{config: h.Config, labels: h.Labels, prior: h.Prior, temperature: h.Temperature, stride: stride(k), set: set,
		vocabulary: &vocabulary{bucket: make([]uint32, n), idf: make([]float32, n)}}
	m.weight, m.bias = make([]float32, n*m.stride), make([]float32, m.stride)
	for _, t := range []struct {
		name string
		dst  []float32
	}{{"bucket", bucket}, {"idf", m.vocabulary.idf}, {"weight", weight}, {"bias", m.bias[:k]}} {
		if err := f.Read(t.name, t.dst); err != nil {
			return nil, err
		}
		for i, v := range t.dst {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("tensor %q: element %d is %v", t.name, i, v)
			}
		}
	}
	for i, b := range bucket {
		if b < 0 || b >= float32(int(1)<<h.Config.Bits) || b != float32(uint32(b)) {
			return nil, fmt.Errorf("tensor \"bucket\": element %d is %v, want a whole number below 2^%d", i, b, h.Config.Bits)
		}
		m.vocabulary.bucket[i] = uint32(b)
		copy(m.weight[i*m.stride:], weight[i*k:(i+1)*k])
	}
	m.vocabulary.index(h.Config.Bits)
	return m, nil
}
