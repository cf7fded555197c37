package schemas

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// put writes a file into a fresh folder.
func put(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns the rows of a file in short: "N value" or "N! error" for each, and the error that ended it.
func read(path string, o ReadOptions) (rows []string, end error) {
	for r, err := range ReadRows(path, o) {
		switch {
		case err != nil:
			return rows, err
		case r.Err != nil:
			rows = append(rows, fmt.Sprintf("%d! %v", r.N, r.Err))
		default:
			var b strings.Builder
			for _, k := range sortedKeys(r.Values) {
				fmt.Fprintf(&b, " %s=%#v", k, r.Values[k])
			}
			rows = append(rows, fmt.Sprint(r.N, b.String()))
		}
	}
	return rows, nil
}

func gz(t testing.TB, data string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, data); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(t testing.TB, data string) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(data), nil)
}

func TestReadRows(t *testing.T) {
	const lines = "{\"a\":\"x\",\"n\":1}\n\n{\"a\":\"y\",\"n\":2.0}\r\n"
	both := []string{`0 a="x" n=1`, `1 a="y" n=2`}
	for _, c := range []struct {
		name string
		data []byte
		o    ReadOptions
		want []string
		end  string
	}{
		{name: "a.jsonl", data: []byte(lines), want: both},
		{name: "bom.jsonl", data: []byte("\ufeff" + lines), want: both},
		{name: "a.jsonl.gz", data: gz(t, lines), want: both},
		{name: "two members.jsonl.gz", data: append(gz(t, lines[:17]), gz(t, lines[17:])...), want: both},
		{name: "a.jsonl.zst", data: zst(t, lines), want: both},
		{name: "misnamed.jsonl", data: zst(t, lines), want: both},
		{name: "no end.jsonl", data: []byte(`{"a":1}`), want: []string{"0 a=1"}},
		{name: "format.dat", data: []byte(`{"a":1}`), o: ReadOptions{Format: "jsonl"}, want: []string{"0 a=1"}},
		{name: "skip.jsonl", data: []byte(lines), o: ReadOptions{Skip: 1, Columns: []string{"n"}}, want: []string{"1 n=2"}},
		{name: "bad.jsonl", data: []byte("{\"a\":1}\n{\"a\":1,\"a\":2}\n{\"a\":\"\xff\"}\n[1]\n{\"a\":1} x\n{\"a\":01}\n{\"a\":1e999}\nnull\n{\"a\":\n{\"a\":2}\n"), want: []string{
			"0 a=1", `1! duplicate object member name "a"`, `2! invalid UTF-8 within "/a" after offset 6`,
			"3! want a JSON object, got a list", "4! data after the JSON object", `5! invalid character '1' after object value (expecting ',' or '}') after offset 6`,
			"6! number 1e999 is out of range", "7! want a JSON object, got null", "8! the JSON ends early", "9 a=2"}},
		{name: "numbers.jsonl", data: []byte(`{"a":-0,"b":9223372036854775807,"c":9223372036854775808,"d":1e2,"e":-1.5}`), want: []string{
			"0 a=0 b=9223372036854775807 c=9.223372036854776e+18 d=100 e=-1.5"}},
		{name: "nested.jsonl", data: []byte(`{"a":[1,null,{"b":"\u00e9\n"}],"c":{},"d":[]}`), want: []string{
			`0 a=[]interface {}{1, interface {}(nil), map[string]interface {}{"b":"é\n"}} c=map[string]interface {}{} d=[]interface {}{}`}},
		{name: "long.jsonl", data: []byte("{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", 1<<20) + "\"}\n{\"a\":2}\n"), o: ReadOptions{MaxLine: 1000}, want: []string{
			"0 a=1", "1! line of 1048585 bytes is longer than the limit of 1000: raise max_line to read it", "2 a=2"}},
		{name: "cut.jsonl.gz", data: gz(t, lines)[:30], want: both[:1], end: "the compressed file is cut short"},
		{name: "array.json", data: []byte(` [ {"a":1}, {"a":1,"a":2}, 7, {"a":2} ] `), want: []string{
			"0 a=1", `1! duplicate object member name "a"`, "2! want a JSON object, got a number", "3 a=2"}},
		{name: "empty.json", data: []byte(`[]`)},
		{name: "object.json", data: []byte("{\"a\":\n1}"), want: []string{"0 a=1"}},
		{name: "lines.json", data: []byte("{\"a\":1}\n{\"a\":2}\n"), want: []string{"0 a=1", "1 a=2"}},
		{name: "cut.json", data: []byte(`[{"a":1},{"a"`), want: []string{"0 a=1"}, end: "the JSON ends early"},
		{name: "tail.json", data: []byte(`[{"a":1}] []`), want: []string{"0 a=1"}, end: "data after the JSON array"},
		{name: "long.json", data: []byte(`[{"a":"` + strings.Repeat("x", 1<<20) + `"}]`), o: ReadOptions{MaxLine: 1000}, end: "longer than the limit of 1000"},
		{name: "a.csv", data: []byte("a,b\n1,\"x, \"\"y\"\"\nz\"\n,\n"), want: []string{`0 a="1" b="x, \"y\"\nz"`, `1 a="" b=""`}},
		{name: "a.tsv", data: []byte("a\tb\n5\" nail\t\"q\"\n\"open\tx\n"), want: []string{`0 a="5\" nail" b="q"`, `1 a="\"open" b="x"`}},
		{name: "semi.csv", data: []byte("1;2\n"), o: ReadOptions{NoHeader: true, Delimiter: ';'}, want: []string{`0 column1="1" column2="2"`}},
		{name: "names.csv", data: []byte("1,2\n"), o: ReadOptions{NoHeader: true, Names: []string{"x", "y"}}, want: []string{`0 x="1" y="2"`}},
		{name: "bad.csv", data: []byte("a,b\n1\n1,2,3\n1,x\"y\n1,\"x\"y\n\xff,2\n1,2\n"), want: []string{"0! 1 fields, want 2", "1! 3 fields, want 2",
			"2! field 2: a quote inside an unquoted field", "3! field 2: text after the closing quote", "4! not valid UTF-8", `5 a="1" b="2"`}},
		{name: "open.csv", data: []byte("a,b\n1,2\n3,\"x\ny\n"), want: []string{`0 a="1" b="2"`}, end: "a quote is opened and never closed"},
		{name: "twice.csv", data: []byte("a,a\n1,2\n"), end: `two columns are named "a"`},
		{name: "empty.csv", data: nil},
		{name: "a.pdf", data: nil, end: "cannot read this kind of file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := put(t, c.name, c.data)
			rows, end := read(path, c.o)
			same(t, c.want, rows)
			if c.end == "" && end != nil || c.end != "" && (end == nil || !strings.Contains(end.Error(), c.end) || !strings.Contains(end.Error(), path)) {
				t.Fatalf("ended with %v, want %q and the name of the file", end, c.end)
			}
		})
	}
}

// TestLongLineMemory reads a line of 100 MB (10 MB with -short) that is over the limit: it must not be held.
func TestLongLineMemory(t *testing.T) {
	size := 100 << 20
	if testing.Short() {
		size = 10 << 20
	}
	path := put(t, "x.jsonl", append(bytes.Repeat([]byte{'x'}, size), "\n{\"a\":1}\n"...))
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for r, err := range ReadRows(path, ReadOptions{MaxLine: 1 << 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; (n == 1) != errors.Is(r.Err, ErrTooLong) {
			t.Fatalf("row %d: %v", n, r.Err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; n != 2 || used > 8<<20 {
		t.Fatalf("%d rows, %d bytes allocated", n, used)
	}
}

// TestForeignColumns reads columns of our own files as rows of anyone's, some of them only, from the middle on.
func TestForeignColumns(t *testing.T) {
	rnd := newRandom(77)
	s := rnd.schema(Chat)
	s.Columns = append(s.Columns, Column{"extra", Type{Kind: List, Elem: &Type{Kind: Float}}})
	rs := rnd.records(s, 700)
	for _, format := range []string{"parquet", "arrow"} {
		path := writeShard(t, format, s, WriteOptions{RowGroupBytes: 50 << 10}, rs)
		n := int64(333)
		for row, err := range ReadRows(path, ReadOptions{Skip: n, Columns: []string{"extra", "messages", "none"}}) {
			if err != nil || row.Err != nil || row.N != n {
				t.Fatal(format, row.N, n, err, row.Err)
			}
			same(t, map[string]any{"extra": rs[n].Columns["extra"], "messages": wantMessages(rs[n].Messages)}, row.Values)
			n++
		}
		if n != 700 {
			t.Fatalf("%s: read up to %d", format, n)
		}
		if _, err := read(path, ReadOptions{Columns: []string{"none"}}); err == nil || !strings.Contains(err.Error(), "messages") {
			t.Errorf("%s: a column that is missing gives %v", format, err)
		}
	}
}

// FuzzJSON holds the quick parser against the strict decoder: what one takes, the other takes alike.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":"x\\\"y","b":[1,{"c":null}]}`, `{"a":"\ud83e\udd8a"}`, `{"a":"\\"}`, `{"a":1,"a":2}`, "{\"a\":\"\x01\"}", `{"a":-01.5e+3}`, `{"":{}}`, `{"a":"\`, `{"a":tru}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		fast, ok := fastObject(line)
		if !ok {
			return
		}
		strict, err := strictObject(line)
		if err != nil {
			t.Fatalf("the quick parser takes what the strict one refuses: %v", err)
		}
		same(t, strict, fast)
	})
}
