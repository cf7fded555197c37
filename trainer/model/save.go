package model

import (
	"fmt"
	"os"
	"path/filepath"

	"sluice/trainer/model/safetensors"
)

// SaveOptions say how weights are stored.
type SaveOptions struct {
	DType    safetensors.DType // F32 when empty
	MaxShard int64             // bytes of a file, beyond which there are several and an index; 0: always one
}

// Save writes config.json and the weights to a folder, which it makes if need be. Equal models give equal bytes. Other files of the folder stay.
func (m *Model) Save(dir string, o SaveOptions) error {
	if o.DType == "" {
		o.DType = safetensors.F32
	}
	if !o.DType.Float() {
		return fmt.Errorf("cannot store weights as %q: want F32, F16 or BF16", o.DType)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var tensors []safetensors.Tensor
	for _, p := range m.params {
		tensors = append(tensors, safetensors.Tensor{Name: p.Name(), DType: o.DType, Shape: p.Shape(), Values: p.Value()})
	}
	if err := safetensors.WriteFolder(dir, tensors, map[string]string{"format": "pt"}, o.MaxShard); err != nil {
		return err
	}
	b, err := m.Config.bytes(map[safetensors.DType]string{safetensors.F32: "float32", safetensors.F16: "float16", safetensors.BF16: "bfloat16"}[o.DType])
	if err != nil {
		return err
	}
	path := filepath.Join(dir, ConfigName)
	if err := os.WriteFile(path+".tmp", b, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
