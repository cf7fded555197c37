package mask

import (
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "rewrite the expected files of behaviour tests")

// TestBehaviour runs every testdata/mask/*.txtar: a configuration, training text, and what is masked in its first two lines in three epochs. Words are
// parted by spaces, their pieces by |; words in brackets are special. In masks.txt [MASK] is what the model sees in a masked token's place, a=b is a
// masked a that shows b, and a= a masked one that shows itself.
func TestBehaviour(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/mask/*.txtar")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txtar"), "-")
			m := Catalog[name]()
			var node yaml.Node
			if err := yaml.Unmarshal(section(a, "config.yaml"), &node); err != nil {
				t.Fatal(err)
			}
			if !node.IsZero() {
				if err := node.Load(m, yaml.WithKnownFields()); err != nil {
					t.Fatal(err)
				}
			}
			v := read(string(section(a, "text.txt")))
			if err := Open(m, v.env()); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for epoch := range 3 {
				for r, x := range v.lines[:min(2, len(v.lines))] {
					in, counts := make([]int32, len(x.IDs)), make([]bool, len(x.IDs))
					m.Mask(x, NewBits(1, epoch, uint64(r)), in, counts)
					b.WriteString(v.show(x, in, counts))
				}
			}
			if !*update {
				if d := cmp.Diff(string(section(a, "masks.txt")), b.String()); d != "" {
					t.Errorf("masks.txt: -want +got (run with -update to rewrite)\n%s", d)
				}
				return
			}
			for i := range a.Files {
				if a.Files[i].Name == "masks.txt" {
					a.Files = a.Files[:i]
					break
				}
			}
			a.Files = append(a.Files, txtar.File{Name: "masks.txt", Data: []byte(b.String())})
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

type lexicon struct {
	ids   map[string]int32
	names []string
	lines []Tokens
}

func read(s string) *lexicon {
	v := &lexicon{ids: map[string]int32{"[MASK]": 0}, names: []string{"[MASK]"}}
	for line := range strings.Lines(s) {
		var x Tokens
		for _, word := range strings.Fields(line) {
			for i, p := range strings.Split(word, "|") {
				id, ok := v.ids[p]
				if !ok {
					id = int32(len(v.names))
					v.ids[p], v.names = id, append(v.names, p)
				}
				x.IDs, x.Words, x.Fixed = append(x.IDs, id), append(x.Words, i == 0), append(x.Fixed, p[0] == '[')
			}
		}
		v.lines = append(v.lines, x)
	}
	return v
}

func (v *lexicon) env() Env {
	return Env{MaskID: 0, Vocab: len(v.names), Special: func(id int32) bool { return v.names[id][0] == '[' },
		Corpus: func() iter.Seq[Seq] {
			return func(yield func(Seq) bool) {
				for _, x := range v.lines {
					if !yield(Seq{x.IDs, x.Words}) {
						return
					}
				}
			}
		}}
}

func (v *lexicon) show(x Tokens, in []int32, counts []bool) string {
	var b strings.Builder
	for i, id := range x.IDs {
		if i > 0 {
			b.WriteString(map[bool]string{true: " ", false: "|"}[x.Words[i]])
		}
		switch {
		case !counts[i]:
			b.WriteString(v.names[id])
		case in[i] == 0:
			b.WriteString("[MASK]")
		case in[i] == id:
			fmt.Fprintf(&b, "%s=", v.names[id])
		default:
			fmt.Fprintf(&b, "%s=%s", v.names[id], v.names[in[i]])
		}
	}
	return b.String() + "\n"
}
