package trainer

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sluice/trainer/mask"
	"sluice/trainer/mix"
)

// shakespeare gives the first nine tenths and the rest of the text that nanoGPT's example trains on, or skips.
func shakespeare(t testing.TB) (train, valid string) {
	t.Helper()
	root := os.Getenv("SLUICE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared") // beside the directory of go.mod
	}
	f, err := os.Open(filepath.Join(root, "data", "tinyshakespeare", "input.txt.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("shared/data not found beside the clone: set SLUICE_SHARED")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	cut := len(text) * 9 / 10
	dir := t.TempDir()
	train, valid = filepath.Join(dir, "train.txt"), filepath.Join(dir, "valid.txt")
	for path, part := range map[string][]byte{train: text[:cut], valid: text[cut:]} {
		if err := os.WriteFile(path, part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return train, valid
}

// shakespeareConfig is nanoGPT's small example: 4 layers, 4 heads, 128 dimensions, 64 characters, 12 rows a step; with its AdamW at three times its
// rate, which is too low for so short a training (.001 ends at 1.894, .003 at 1.792).
func shakespeareConfig(train, valid string) Config {
	c := Default()
	c.Data, c.Validation = []Data{{Name: "shakespeare", Path: train}}, Validation{Path: valid}
	c.Tokenizer = TokenizerConfig{Train: "chars"}
	c.Model = ModelConfig{Arch: "gpt2", Layers: 4, Heads: 4, Dim: 128}
	c.Context, c.Batch, c.Steps, c.Eval.Every, c.Seed = 64, 12, 2000, 500, 1337
	c.Optimizer.LR, c.Optimizer.Beta2 = 3e-3, .99
	c.Schedule = Schedule{Kind: "cosine", Warmup: .05, Floor: .1}
	c.Mask, c.Mix = Masking{"token", mask.Catalog["token"]()}, Mixing{"uniform", mix.Catalog["uniform"]()}
	return c
}

// modern is the same size and the same tokens with what is known today: rotary positions, SwiGLU, RMSNorm, Muon, a flat rate with a long cooldown.
func modern(c Config) Config {
	c.Model.Arch, c.Model.FFN = "llama", 352
	c.Optimizer.Name, c.Optimizer.LR, c.Optimizer.MuonLR = "muon", 5e-3, .03
	c.Schedule = Schedule{Kind: "wsd", Warmup: .01, Cooldown: .6}
	return c
}

// The small example of nanoGPT reaches 1.88 nats a character in 2,000 steps; so do we, and the modern recipe is clearly better (1.586).
func TestShakespeare(t *testing.T) {
	if os.Getenv("SLUICE_LONG") == "" {
		t.Skip("takes minutes: set SLUICE_LONG=1")
	}
	train1, valid := shakespeare(t)
	plain := train(t, shakespeareConfig(train1, valid), Options{Dir: t.TempDir()})
	t.Logf("nanoGPT's recipe: validation %.4f, %.0f s, %.0f CPU-s", plain.Validation.Loss, plain.Seconds, plain.CPUSeconds)
	if plain.Validation.Loss > 1.88 {
		t.Errorf("validation loss %.4f, want at most 1.88", plain.Validation.Loss)
	}
	best := train(t, modern(shakespeareConfig(train1, valid)), Options{Dir: t.TempDir()})
	t.Logf("modern recipe: validation %.4f, %.0f s, %.0f CPU-s", best.Validation.Loss, best.Seconds, best.CPUSeconds)
	if best.Validation.Loss > 1.62 {
		t.Errorf("validation loss %.4f of the modern recipe against %.4f, want at most 1.62", best.Validation.Loss, plain.Validation.Loss)
	}
}
