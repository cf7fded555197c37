package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"sluice/schemas"
)

// echoing is a provider that answers with a status and the whole request, key included, as its error.
func echoing(status int) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		said := fmt.Sprintf("cannot do %s with %s", b, r.Header.Get("Authorization"))
		return replies(r, status, nil, fmt.Sprintf(`{"error":{"message":%q,"type":"x"}}`, said)), nil
	}
}

// rowsOf reads all rows of a role.
func (w *stageWorld) rowsOf(m *schemas.Manifest, role string) (out []*schemas.Record) {
	w.t.Helper()
	for _, f := range m.Shards(role) {
		name := filepath.Join(w.dir, "out", filepath.FromSlash(f.Path))
		if role == schemas.RoleRejects {
			for x, err := range schemas.ReadRejects(name) {
				if err != nil {
					w.t.Fatal(err)
				}
				out = append(out, x.Record)
			}
			continue
		}
		for r, err := range schemas.ReadShard(name) {
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

// The format of the sink changes no row: text, labels, columns, scores, origins, and the rejects with them.
func TestAdversaryFormatsAgree(t *testing.T) {
	seeds := lines(30) + `{"text":"late null","label":"b","n":null,"when":"today","list":[1,2],"deep":{"x":1.5,"y":[true,null]}}` + "\n" +
		`{"text":"x","label":"b","n":-9007199254740993,"list":[],"deep":{"x":null,"y":[]}}` + "\n" +
		`{"text":"emoji 👩‍👧 and \u0000 and \u2028","label":"ü","n":1}` + "\n" + lines(3)
	var want map[string][]*schemas.Record
	for _, sink := range []string{"jsonl", "parquet", "arrow"} {
		w := newStage(t, 0, strings.Replace(fill(paraphrases, "MIN", "5"), "sink: {jsonl: {}}", "sink: {"+sink+": {rows: 25}}", 1), badAnswers(t))
		w.put("seeds.jsonl", seeds)
		res := w.mustRun()
		w.wantWhole(sink)
		got := map[string][]*schemas.Record{}
		for _, role := range []string{schemas.RoleTrain, schemas.RoleRejects} {
			got[role] = w.rowsOf(res.Manifest, role)
		}
		if len(got[schemas.RoleTrain]) < 40 || len(got[schemas.RoleRejects]) < 3 {
			t.Fatalf("%s: only %d rows and %d rejects", sink, len(got[schemas.RoleTrain]), len(got[schemas.RoleRejects]))
		}
		if want == nil {
			want = got
			continue
		}
		for role := range want {
			if len(got[role]) != len(want[role]) {
				t.Errorf("%s: %d %s rows, want %d", sink, len(got[role]), role, len(want[role]))
				continue
			}
			for i, r := range got[role] {
				if !reflect.DeepEqual(r, want[role][i]) {
					t.Errorf("%s: %s row %d differs:\n%+v\n%+v", sink, role, i, r, want[role][i])
					break
				}
			}
		}
	}
}

// The folder is laid out as datasets.load_dataset expects: data/<split>-*.parquet, and a card whose front matter names
// each split's files with patterns that match them all.
func TestAdversaryHubLayout(t *testing.T) {
	w := fileWorld(t, "s.jsonl", lines(60))
	w.recipe = strings.Replace(w.recipe, "FILE}", "FILE, holdout: 0.2}", 1)
	w.recipe = strings.Replace(w.recipe, "path: s.jsonl}", "path: s.jsonl, holdout: 0.2}", 1)
	res, err := w.attempt()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(w.dir, "out", schemas.CardFile))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(b), "---\n", 3)
	if len(parts) != 3 || parts[0] != "" {
		t.Fatalf("the card has no front matter:\n%s", b)
	}
	var front struct {
		Configs []struct {
			ConfigName string `yaml:"config_name"`
			DataFiles  []struct {
				Split string   `yaml:"split"`
				Path  []string `yaml:"path"`
			} `yaml:"data_files"`
		} `yaml:"configs"`
	}
	if err := yaml.Unmarshal([]byte(parts[1]), &front); err != nil {
		t.Fatal(err)
	}
	if len(front.Configs) != 1 || front.Configs[0].ConfigName != "default" {
		t.Fatalf("configs: %+v", front.Configs)
	}
	found := map[string][]string{}
	for _, d := range front.Configs[0].DataFiles {
		for _, p := range d.Path {
			names, err := filepath.Glob(filepath.Join(w.dir, "out", filepath.FromSlash(p)))
			if err != nil {
				t.Fatal(err)
			}
			found[d.Split] = append(found[d.Split], names...)
		}
	}
	for _, role := range []string{schemas.RoleTrain, schemas.RoleTest} {
		shards := res.Manifest.Shards(role)
		if len(shards) == 0 || len(found[role]) != len(shards) {
			t.Errorf("split %s: the card finds %v, sealed are %v", role, found[role], shards)
		}
		for _, s := range shards {
			if !strings.HasPrefix(s.Path, "data/"+role+"-") || !strings.HasSuffix(s.Path, ".parquet") {
				t.Errorf("split %s has a file %s", role, s.Path)
			}
		}
	}
	if len(found) != 2 {
		t.Errorf("splits: %v", found)
	}
}
