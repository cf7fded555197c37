package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ConfigName is the file of a model's shape in its folder.
const ConfigName = "config.json"

// configFile is config.json; every family has its own names.
type configFile struct {
	ModelType     Family            `json:"model_type"`
	Architectures []string          `json:"architectures,omitempty"`
	Vocab         int               `json:"vocab_size"`
	Problem       Problem           `json:"problem_type,omitempty"`
	ID2Label      map[string]string `json:"id2label,omitempty"`
	Label2ID      map[string]int    `json:"label2id,omitempty"`
	Tied          *bool             `json:"tie_word_embeddings,omitempty"`
	InitRange     float64           `json:"initializer_range,omitempty"`
	Pad           tokenIDs          `json:"pad_token_id,omitzero"`
	BOS           tokenIDs          `json:"bos_token_id,omitzero"`
	EOS           tokenIDs          `json:"eos_token_id,omitzero"`
	DType         string            `json:"torch_dtype,omitempty"`

	Hidden         int      `json:"hidden_size,omitempty"` // BERT, RoBERTa, Llama
	Layers         int      `json:"num_hidden_layers,omitempty"`
	Heads          int      `json:"num_attention_heads,omitempty"`
	FFN            int      `json:"intermediate_size,omitempty"`
	Positions      int      `json:"max_position_embeddings,omitempty"`
	Activation     string   `json:"hidden_act,omitempty"`
	Types          int      `json:"type_vocab_size,omitempty"` // BERT, RoBERTa
	LayerNormEps   float64  `json:"layer_norm_eps,omitempty"`
	HiddenDrop     *float32 `json:"hidden_dropout_prob,omitempty"`
	AttentionProbs *float32 `json:"attention_probs_dropout_prob,omitempty"`
	ClassifierDrop *float32 `json:"classifier_dropout,omitempty"`
	PositionKind   string   `json:"position_embedding_type,omitempty"`

	KVHeads       int       `json:"num_key_value_heads,omitempty"` // Llama
	HeadDim       int       `json:"head_dim,omitempty"`
	RMSNormEps    float64   `json:"rms_norm_eps,omitempty"`
	RopeTheta     float64   `json:"rope_theta,omitempty"`
	RopeScaling   *ropeFile `json:"rope_scaling,omitempty"`
	RopeParams    *ropeFile `json:"rope_parameters,omitempty"`
	AttentionDrop *float32  `json:"attention_dropout,omitempty"`
	AttentionBias bool      `json:"attention_bias,omitempty"`
	MLPBias       bool      `json:"mlp_bias,omitempty"`

	NEmbd      int      `json:"n_embd,omitempty"` // GPT-2
	NLayer     int      `json:"n_layer,omitempty"`
	NHead      int      `json:"n_head,omitempty"`
	NInner     int      `json:"n_inner,omitempty"`
	NPositions int      `json:"n_positions,omitempty"`
	GPT2Act    string   `json:"activation_function,omitempty"`
	GPT2Eps    float64  `json:"layer_norm_epsilon,omitempty"`
	EmbdDrop   *float32 `json:"embd_pdrop,omitempty"`
	ResidDrop  *float32 `json:"resid_pdrop,omitempty"`
	AttnDrop   *float32 `json:"attn_pdrop,omitempty"`
	FirstDrop  *float32 `json:"summary_first_dropout,omitempty"`
	InverseIdx bool     `json:"scale_attn_by_inverse_layer_idx,omitempty"`
	ScaleAttn  *bool    `json:"scale_attn_weights,omitempty"`
}

type ropeFile struct {
	Theta    float64 `json:"rope_theta,omitempty"`
	Type     string  `json:"rope_type,omitempty"`
	OldType  string  `json:"type,omitempty"`
	Factor   float64 `json:"factor,omitempty"`
	Low      float64 `json:"low_freq_factor,omitempty"`
	High     float64 `json:"high_freq_factor,omitempty"`
	Original int     `json:"original_max_position_embeddings,omitempty"`
}

// tokenIDs are one id, a list, or null.
type tokenIDs []int32

func (t *tokenIDs) UnmarshalJSON(b []byte) error {
	*t = nil
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, (*[]int32)(t))
	}
	var one *int32
	if err := json.Unmarshal(b, &one); err != nil || one == nil {
		return err
	}
	*t = tokenIDs{*one}
	return nil
}

func (t tokenIDs) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]int32(t))
}

func (t tokenIDs) first(otherwise int32) int32 {
	if len(t) == 0 {
		return otherwise
	}
	return t[0]
}

// classes are the names of the reference's classes, by family and head.
var classes = map[Family]map[Head]string{
	BERT:    {Body: "BertModel", MaskedLM: "BertForMaskedLM", Classify: "BertForSequenceClassification", Tag: "BertForTokenClassification"},
	RoBERTa: {Body: "RobertaModel", MaskedLM: "RobertaForMaskedLM", Classify: "RobertaForSequenceClassification", Tag: "RobertaForTokenClassification"},
	GPT2:    {Body: "GPT2Model", CausalLM: "GPT2LMHeadModel", Classify: "GPT2ForSequenceClassification", Tag: "GPT2ForTokenClassification"},
	Llama:   {Body: "LlamaModel", CausalLM: "LlamaForCausalLM", Classify: "LlamaForSequenceClassification", Tag: "LlamaForTokenClassification"},
}

// readConfig reads config.json of a folder. Head is AsStored when the file names no class that we know.
func readConfig(dir string) (Config, error) {
	path := filepath.Join(dir, ConfigName)
	b, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := parseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseConfig(b []byte) (Config, error) {
	var f configFile
	if err := json.Unmarshal(b, &f); err != nil {
		return Config{}, err
	}
	c := Config{Family: f.ModelType, Problem: f.Problem, Vocab: f.Vocab, Hidden: f.Hidden, Layers: f.Layers, Heads: f.Heads, FFN: f.FFN, Positions: f.Positions,
		Activation: f.Activation, Types: f.Types, InitRange: f.InitRange, PadID: f.Pad.first(-1), BOS: f.BOS.first(-1), EOS: f.EOS,
		Untied: f.Tied != nil && !*f.Tied}
	or := func(p *float32, otherwise float32) float32 {
		if p == nil {
			return otherwise
		}
		return *p
	}
	switch f.ModelType {
	case BERT, RoBERTa:
		if f.PositionKind != "" && f.PositionKind != "absolute" {
			return Config{}, fmt.Errorf("position_embedding_type %q is not supported: want absolute", f.PositionKind)
		}
		hidden := or(f.HiddenDrop, .1)
		c.Eps, c.Drop = f.LayerNormEps, Drop{Embedding: hidden, Hidden: hidden, Attention: or(f.AttentionProbs, .1), Classifier: or(f.ClassifierDrop, hidden)}
		if f.ModelType == RoBERTa && len(f.Pad) == 0 {
			c.PadID = 1
		}
	case GPT2:
		if f.InverseIdx || f.ScaleAttn != nil && !*f.ScaleAttn {
			return Config{}, fmt.Errorf("unusual scales of attention are not supported")
		}
		c.Hidden, c.Layers, c.Heads, c.FFN, c.Positions, c.Activation, c.Eps = f.NEmbd, f.NLayer, f.NHead, f.NInner, f.NPositions, f.GPT2Act, f.GPT2Eps
		c.Drop = Drop{Embedding: or(f.EmbdDrop, .1), Hidden: or(f.ResidDrop, .1), Attention: or(f.AttnDrop, .1), Classifier: or(f.ClassifierDrop, or(f.FirstDrop, .1))}
	case Llama:
		if f.AttentionBias || f.MLPBias {
			return Config{}, fmt.Errorf("a llama with biases is not supported")
		}
		c.KVHeads, c.HeadDim, c.Eps, c.Untied = f.KVHeads, f.HeadDim, f.RMSNormEps, f.Tied == nil || !*f.Tied
		c.Drop = Drop{Attention: or(f.AttentionDrop, 0)}
		c.Rope.Theta = f.RopeTheta
		for _, r := range []*ropeFile{f.RopeScaling, f.RopeParams} {
			if r != nil {
				c.Rope = RopeConfig{max(r.Theta, c.Rope.Theta), r.Type, r.Factor, r.Low, r.High, r.Original}
				if r.Type == "" {
					c.Rope.Type = r.OldType
				}
			}
		}
	}
	for head, class := range classes[c.Family] {
		if len(f.Architectures) > 0 && f.Architectures[0] == class {
			c.Head = head
		}
	}
	for i := range len(f.ID2Label) {
		name, ok := f.ID2Label[strconv.Itoa(i)]
		if !ok {
			return Config{}, fmt.Errorf("id2label has %d entries, but none for %d", len(f.ID2Label), i)
		}
		c.Labels = append(c.Labels, name)
	}
	return c, nil
}

// bytes gives the config as config.json.
func (c Config) bytes(dtype string) ([]byte, error) {
	tied := !c.Untied
	f := configFile{ModelType: c.Family, Vocab: c.Vocab, Tied: &tied, InitRange: c.InitRange, DType: strings.ToLower(dtype), EOS: c.EOS}
	if c.PadID >= 0 {
		f.Pad = tokenIDs{c.PadID}
	}
	if c.BOS >= 0 {
		f.BOS = tokenIDs{c.BOS}
	}
	if class := classes[c.Family][c.Head]; class != "" {
		f.Architectures = []string{class}
	}
	if c.Head == Classify || c.Head == Tag {
		f.ID2Label, f.Label2ID = map[string]string{}, map[string]int{}
		for i, l := range c.Labels {
			f.ID2Label[strconv.Itoa(i)], f.Label2ID[l] = l, i
		}
		f.Problem = c.Problem
	}
	f.ClassifierDrop = &c.Drop.Classifier
	switch c.Family {
	case GPT2:
		f.NEmbd, f.NLayer, f.NHead, f.NInner, f.NPositions, f.GPT2Act, f.GPT2Eps = c.Hidden, c.Layers, c.Heads, c.FFN, c.Positions, c.Activation, c.Eps
		f.EmbdDrop, f.ResidDrop, f.AttnDrop = &c.Drop.Embedding, &c.Drop.Hidden, &c.Drop.Attention
	case Llama:
		f.ClassifierDrop = nil
		f.KVHeads, f.HeadDim, f.RMSNormEps, f.RopeTheta, f.AttentionDrop = c.KVHeads, c.HeadDim, c.Eps, c.Rope.Theta, &c.Drop.Attention
		if c.Rope.Type != "" && c.Rope.Type != "default" {
			f.RopeScaling = &ropeFile{Type: c.Rope.Type, Factor: c.Rope.Factor, Low: c.Rope.Low, High: c.Rope.High, Original: c.Rope.Original}
		}
	default:
		f.Types, f.LayerNormEps, f.HiddenDrop, f.AttentionProbs = c.Types, c.Eps, &c.Drop.Hidden, &c.Drop.Attention
	}
	if c.Family != GPT2 {
		f.Hidden, f.Layers, f.Heads, f.FFN, f.Positions, f.Activation = c.Hidden, c.Layers, c.Heads, c.FFN, c.Positions, c.Activation
	}
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}
