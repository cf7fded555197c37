package schemas

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestCard writes the card of a dataset twice and reads it as the hub would.
func TestCard(t *testing.T) {
	dir, m, _, _ := makeDataset(t, "parquet")
	info := CardInfo{Title: "Banking: a | test", Sluice: "v1", Stages: []string{"generators/eda", "filters/length"}}
	if err := WriteCard(quickFS{Disk}, dir, m, info); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, CardFile))
	if err != nil {
		t.Fatal(err)
	}
	again, err := card(m, info)
	if err != nil || string(again) != string(text) {
		t.Fatal("the card is not the same twice", err)
	}
	parts := strings.SplitN(string(text), "---\n", 3)
	if len(parts) != 3 || parts[0] != "" {
		t.Fatalf("no front matter:\n%s", text)
	}
	var f struct {
		Size        []string `yaml:"size_categories"`
		Annotations []string `yaml:"annotations_creators"`
		Configs     []struct {
			Files []struct {
				Split string
				Path  []string
			} `yaml:"data_files"`
		}
		Info struct {
			Features []map[string]any
			Splits   []map[string]any
		} `yaml:"dataset_info"`
	}
	if err := yaml.Unmarshal([]byte(parts[1]), &f); err != nil {
		t.Fatal(err)
	}
	same(t, []string{"n<1K"}, f.Size)
	same(t, []string{"machine-generated"}, f.Annotations)
	if len(f.Configs) != 1 || len(f.Configs[0].Files) != 2 {
		t.Fatalf("configs are %+v", f.Configs)
	}
	for i, split := range []string{"train", "test"} {
		got := f.Configs[0].Files[i]
		same(t, split, got.Split)
		same(t, []string{"data/" + split + "-000000.parquet", "data/" + split + "-000001.parquet"}, got.Path)
	}
	same(t, map[string]any{"name": "id", "dtype": "string"}, f.Info.Features[0])
	same(t, map[string]any{"name": "tags", "sequence": "string"}, f.Info.Features[4])
	same(t, "train", f.Info.Splits[0]["name"])
	same(t, 560, f.Info.Splits[0]["num_examples"])
	for _, want := range []string{
		"# Banking: a \\| test\n", "560 rows in `train`, 40 rows held out in `test`", "1. `generators/eda`\n",
		"| `tags` | list&lt;string> |", "| `generators/eda` | 580 | 30 | 610 | 0 | 0 |",
		"| `filters/length` | too_short | 30 |\n| `filters/length` | too_long | 6 |\n| `filters/length` | no_judge (failed) | 4 |", "| label0 | ",
	} {
		if !strings.Contains(parts[2], want) {
			t.Errorf("the card lacks %q:\n%s", want, parts[2])
		}
	}
}

// TestCardEmpty is the card of a dataset without rows.
func TestCardEmpty(t *testing.T) {
	b, err := card(&Manifest{Schema: Schema{Kind: Chat}}, CardInfo{Title: "none"})
	if err != nil || !strings.Contains(string(b), "0 rows in `train`") || strings.Contains(string(b), "data_files") {
		t.Fatal(err, string(b))
	}
}

func TestSizeCategory(t *testing.T) {
	for n, want := range map[int64]string{0: "n<1K", 999: "n<1K", 1000: "1K<n<10K", 9999: "1K<n<10K", 10_000: "10K<n<100K", 5e9: "n>1B"} {
		if got := sizeCategory(n); got != want {
			t.Errorf("%d rows are %s, want %s", n, got, want)
		}
	}
}
