package prompt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nikolalohinski/gonja/v2/config"
)

func render(t *testing.T, src string, vars map[string]any) string {
	t.Helper()
	tpl, err := Parse("t", src)
	if err != nil {
		t.Fatalf("Parse(%q): %v", src, err)
	}
	s, err := tpl.Render(vars)
	if err != nil {
		t.Fatalf("Render(%q): %v", src, err)
	}
	return s
}

// The expected texts are those of Jinja2 3.1 with trim_blocks and lstrip_blocks.
func TestRender(t *testing.T) {
	vars := map[string]any{
		"text": "Hello", "n": int64(3), "x": 2.5, "ok": true, "none": nil, "items": []any{"c", "a", "b"}, "names": []string{"u", "v"},
		"meta": map[string]any{"b": int64(1), "a": []any{1.0}}, "tool": Map{{"z", int64(1)}, {"a", "é\n\"<"}},
		"origin": map[string]any{"row": int64(7)}, "scores": map[string]float64{"q": .5},
	}
	for _, c := range []struct{ src, want string }{
		{"{{ text }}!", "Hello!"},
		{"a\n", "a"},
		{"{% for i in items %}\n- {{ i }}\n{% endfor %}\nend", "- c\n- a\n- b\nend"},
		{"{% for i in items | reverse %}{{ i }}{% endfor %}", "bac"},
		{"{{ 'abc' | reverse }}", "cba"},
		{"{{ names | join(',') }} {{ names | length }}", "u,v 2"},
		{"{% for k, v in tool.items() %}{{ k }}={{ v | length if v is string else v }} {% endfor %}", "z=1 a=4 "},
		{"{% for k, v in tool | items %}{{ k }}{% endfor %} {{ tool.keys() | join }}", "za za"},
		{"{{ tool | tojson }}", `{"z": 1, "a": "é\n\"<"}`},
		{"{{ meta | tojson }}", `{"a": [1.0], "b": 1}`},
		{"{{ meta | tojson(indent=2) }}", "{\n  \"a\": [\n    1.0\n  ],\n  \"b\": 1\n}"},
		{"{{ none | tojson }} {{ [] | tojson }} {{ {} | tojson(indent=4) }}", "null [] {}"},
		{"{{ meta.b + n }} {{ origin['row'] }} {{ scores.q }}", "4 7 0.5"},
		{"{{ 'x' in tool }} {{ 'z' in tool }} {{ tool | length }}", "False True 2"},
		{"{{ missing | default('d') }} {{ missing is defined }} {{ text is defined }}", "d False True"},
		{"{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "6"},
		{"{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}{{ f(1, b=3) }}", "1213"},
		{"{% if n > 2 and ok %}yes{% else %}no{% endif %}", "yes"},
		{"{{ dict(b=1, a=2) | tojson }}", `{"a": 2, "b": 1}`},
		{"{% raw %}{{ x }}{% endraw %}{# gone #}", "{{ x }}"},
		{"{{ range(5) | list | tojson }}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}", "[0, 1, 2, 3, 4]321"},
		{"a {% if ok %} b {% endif %} c\n  {% if ok %}\n  d\n  {% endif %}\n  {# x #}\n  e", "a  b  c\n  d\n  e"},
		{"{% raw %}\n  {% x %}\n{% endraw %}", "  {% x %}\n"},
		{"{{ tool.get('q', 'none') }}{{ tool.get('z') }}", "none1"},
	} {
		if got := render(t, c.src, vars); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.src, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	for src, want := range map[string][]string{
		"{{ text }} {{ origin.model }} {{ text | upper }}":                                      {"origin", "text"},
		"{% for t in texts %}{{ t }}{{ loop.index }}{{ label }}{% endfor %}{{ t }}":             {"label", "t", "texts"},
		"{% for text in text %}{{ text }}{% endfor %}":                                          {"text"},
		"{% for a, b in xs if a > low %}{{ b }}{% else %}{{ c }}{% endfor %}":                   {"c", "low", "xs"},
		"{% set a = b %}{{ a }}{% if x %}{% set y = 1 %}{% endif %}{{ y }}":                     {"b", "x"},
		"{% macro m(p, q=dflt) %}{{ p }}{{ q }}{{ free }}{% endmacro %}{{ m(z, q=w) }}":         {"dflt", "free", "w", "z"},
		"{% with a=b, c=d %}{{ a }}{{ c }}{% endwith %}{{ a }}":                                 {"a", "b", "d"},
		"{{ x is defined }} {{ y is not none }} {{ z is divisibleby k }} {{ {'key': v} }}":      {"k", "v", "x", "y", "z"},
		"{{ a if b else c }} {{ not d }} {{ e in f }} {{ range(g) }} {{ s.upper() }}":           {"a", "b", "c", "d", "e", "f", "g", "s"},
		"{% raw %}{{ no }}{% endraw %}{# {{ no }} #}{% filter upper %}{{ yes }}{% endfilter %}": {"yes"},
	} {
		tpl, err := Parse("t", src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if d := cmp.Diff(want, tpl.Variables()); d != "" {
			t.Errorf("%s\n%s", src, d)
		}
	}
}

func TestErrorsNamePlaceAndRemedy(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"a\n {{ text | uper }}", `p:2:12: unknown filter "uper"; did you mean "upper"?`},
		{"{% iff x %}", `p:1:4: unknown tag "iff"; did you mean "if"?`},
		{"a\n    {% for x in y | lst %}", `p:2:21: unknown filter "lst"`},
		{"{% include 'a' %}", `p:1:4: unknown tag "include"`},
		{"{{ x is definde }}", `p:1:9: unknown test "definde"; did you mean "defined"?`},
		{"x\n{{ text ", `p:2`},
		{"{% if a %}", `p`},
		{"{{ text }}{% endfor %}", `p:1:`},
		{"{{ " + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200) + " }}", "brackets nest more than 100 deep"},
		{"{% for a in b recursive %}{{ loop(a) }}{% endfor %}", "recursive loops are not supported"},
	} {
		_, err := Parse("p", c.src)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.src, err, c.want)
		}
	}
	for _, c := range []struct{ src, want string }{
		{"a\n{{ texr }}", `p:2:4: undefined variable "texr"; did you mean "text"?`},
		{"{{ meta.q }}", `p:1: no attribute "q"; test it with "is defined" or give it a default`},
		{"{{ '%s' % text }}", `write '%s'|format(x)`},
		{"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macros call one another more than 100 deep"},
		{"{{ range(10000000) | length }}", "range of more than 1000000 numbers"},
		{"{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "a value is larger"},
	} {
		tpl, err := Parse("p", c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		_, err = tpl.Render(map[string]any{"text": "t", "meta": map[string]any{"a": "b"}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.src, err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	known := []string{"text", "origin.model", "origin.row"}
	for src, want := range map[string]string{
		"{{ text }}{{ origin.row }}{{ origin['model'] }}{{ origin | tojson }}": "",
		"x {{ txt }}":          `p:1:6: unknown variable "txt"; did you mean "text"?`,
		"\n{{ origin.modle }}": `p:2:4: origin has no "modle"; did you mean "model"?`,
		"{{ quux }}":           `p:1:4: unknown variable "quux"`,
	} {
		tpl, err := Parse("p", src)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := tpl.Check(known); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}

// A template must not be able to write into what it is given: records are shared between stages.
func TestRenderChangesNothing(t *testing.T) {
	vars := map[string]any{"meta": map[string]any{"a": "b"}, "list": []any{"x"}}
	for _, src := range []string{"{% set meta.a = 'changed' %}", "{% do list.append('y') %}", "{% set m = meta %}{% set m.a = 'c' %}"} {
		if tpl, err := Parse("p", src); err == nil {
			tpl.Render(vars)
		}
	}
	if d := cmp.Diff(map[string]any{"meta": map[string]any{"a": "b"}, "list": []any{"x"}}, vars); d != "" {
		t.Error(d)
	}
}

const chatML = `{%- for message in messages %}
    {%- if loop.first and message.role != 'system' %}
        {{- '<|im_start|>system\nYou help.<|im_end|>\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\n' + message.content | trim + '<|im_end|>' + '\n' }}
    {%- if message.tool_calls %}{{ message.tool_calls | tojson }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
{%- if day %}{{ strftime_now('%d %b %Y') }}{% endif %}
{%- if bad %}{{ raise_exception('roles must alternate') }}{% endif %}`

func TestChatTemplate(t *testing.T) {
	tpl, err := ParseChat("chat", chatML, time.Date(2024, 7, 26, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	msgs := []any{Map{{"role", "user"}, {"content", " hi "}}, Map{{"role", "assistant"}, {"content", "yo"},
		{"tool_calls", []any{Map{{"name", "f"}, {"arguments", Map{{"x", int64(1)}}}}}}}}
	got, err := tpl.Render(map[string]any{"messages": msgs, "add_generation_prompt": true, "day": true})
	if err != nil {
		t.Fatal(err)
	}
	want := "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n" +
		`[{"name": "f", "arguments": {"x": 1}}]` + "<|im_start|>assistant\n26 Jul 2024"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := tpl.Render(map[string]any{"messages": msgs, "bad": true}); err == nil || !strings.Contains(err.Error(), "roles must alternate") {
		t.Error(err)
	}
	if _, err := ParseChat("chat", "{{ 'a' * 1000000000 }}", time.Time{}); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Error(err)
	}
}

func TestChatTemplateIsBounded(t *testing.T) {
	untimed, hurried := chatBounds, chatBounds
	untimed.time, hurried.time = 0, time.Nanosecond
	for _, c := range []struct {
		b         bounds
		src, want string
	}{
		{untimed, "{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}", "more than 100000 loop steps"},
		{untimed, "{{ range(1000000) }}", "range of more than 100000 numbers"},
		{untimed, "{% set s %}{% for i in range(4000) %}abcdefghij{% endfor %}{% endset %}{% for i in range(200) %}{{ s }}{% endfor %}",
			"the output is larger than 4194304 bytes"},
		{untimed, "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + strings.Repeat("d(", 25) + "'0123456789'" + strings.Repeat(")", 25) + " }}",
			"a value is larger than 4194304"},
		{hurried, "{% for i in range(1000) %}{% endfor %}", "rendering takes longer than 1ns"},
	} {
		tpl, err := parse("chat", c.src, &config.Config{}, c.b, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tpl.Render(nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: got %v, want %s", c.src, err, c.want)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range []string{chatML, "{{ text|upper }}", "{% for a in [1,2] %}{{ a / 0 }}{% endfor %}", "{{ '%s' % 1 }}", "{{ text[1:-1] }}",
		"{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "{{ [1,2]|sum(start=[]) }}", "{{ 9 // 0 }}", "{{ {'a':1}.a.b.c }}",
		"{{ text.split(',')|map('upper')|list|tojson }}", "{%- set x = 1 -%}{{ -x }}", "{{ none + 1 }}", "{{ '{}'.format(1) }}", "{{ text|center(9) }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tpl, err := ParseChat("fuzz", src, time.Time{})
		if err != nil {
			return
		}
		vars := map[string]any{"text": "a,b", "n": int64(2), "messages": []any{Map{{"role", "user"}, {"content", "x"}}}}
		a, err := tpl.Render(vars)
		if b, again := tpl.Render(vars); err == nil && (again != nil || a != b) {
			t.Errorf("%q rendered %q, then %q (%v)", src, a, b, again)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	tpl, err := Parse("bench", "You rewrite texts.\n{% for d in demos %}\n- {{ d.text }} ({{ d.label }})\n{% endfor %}\nLabel: {{ label }}\nText: {{ text }}\n")
	if err != nil {
		b.Fatal(err)
	}
	var demos []any
	for range 5 {
		demos = append(demos, map[string]any{"text": "where is my card", "label": "card_arrival"})
	}
	vars := map[string]any{"demos": demos, "label": "card_arrival", "text": "my card has not come"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(vars); err != nil {
			b.Fatal(err)
		}
	}
}
