package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// A planted key appears in no form of output: as text, quoted, inside JSON, inside a URL's user part or an error.
func TestPlantedKeyIsHidden(t *testing.T) {
	const key = `k3y"with<odd>\chars`
	for _, form := range []string{Text, JSON} {
		var out bytes.Buffer
		r := NewRedactor(&out)
		r.Hide(key)
		r.Hide("abc") // too short to be a key
		log, err := New(r, form)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("a key in a message: "+key, "attr", key, "inside", "before"+key+"after", "short", "abcdef")
		text := out.String()
		for _, bad := range []string{key, "with<odd>", `odd`, `k3y`} {
			if strings.Contains(text, bad) {
				t.Errorf("%s log shows %q: %s", form, bad, text)
			}
		}
		if !strings.Contains(text, "before"+hidden+"after") || !strings.Contains(text, "abcdef") {
			t.Errorf("%s log lost more than the key: %s", form, text)
		}
		if form == JSON && !json.Valid(out.Bytes()) {
			t.Errorf("a redacted line is no JSON: %s", text)
		}
	}
}

func TestKeysNobodyNamed(t *testing.T) {
	for in, want := range map[string]string{
		"Authorization: Bearer abcDEF123456789":        "Authorization: Bearer " + hidden,
		"refused: sk-proj-0123456789abcdef0123":        "refused: " + hidden,
		"the task is risky; sk is short for skip":      "the task is risky; sk is short for skip",
		"bearer of news":                               "bearer of news",
		"dataset out/hf_short":                         "dataset out/hf_short",
		"key_env OPENAI_API_KEY is not set":            "key_env OPENAI_API_KEY is not set",
		"stage generators/paraphrase#2 sealed 50 rows": "stage generators/paraphrase#2 sealed 50 rows",
	} {
		var out bytes.Buffer
		if n, err := NewRedactor(&out).Write([]byte(in)); err != nil || n != len(in) {
			t.Fatalf("wrote %d of %d: %v", n, len(in), err)
		}
		if out.String() != want {
			t.Errorf("%q became %q, want %q", in, out.String(), want)
		}
	}
}

// One secret inside another: the longer one goes as a whole.
func TestLongestFirst(t *testing.T) {
	var out bytes.Buffer
	r := NewRedactor(&out)
	r.Hide("secret")
	r.Hide("secret-and-more")
	r.Write([]byte("x secret-and-more y secret z"))
	if want := "x " + hidden + " y " + hidden + " z"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestUnknownForm(t *testing.T) {
	if _, err := New(&bytes.Buffer{}, "xml"); err == nil || !strings.Contains(err.Error(), "xml") {
		t.Errorf("want an error that names the form, got %v", err)
	}
}
