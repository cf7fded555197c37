package schemas

import (
	"fmt"
	"io"
	"strings"
)

// cardText writes the card's body.
func cardText(w io.Writer, m *Manifest, info CardInfo, train, test int64) {
	fmt.Fprintf(w, "%s in `train`", count(train, "row"))
	if test > 0 {
		fmt.Fprintf(w, ", %s held out in `test`", count(test, "row"))
	}
	if n := made(m); n > 0 {
		fmt.Fprintf(w, "; %s of `train` made by a machine", count(n, "row"))
	}
	by := "sluice"
	if info.Sluice != "" {
		by += " " + line(info.Sluice)
	}
	fmt.Fprintf(w, ". Built by %s; the recipe is `%s`, the seal of every file `%s`.\n", by, RecipeFile, ManifestFile)
	if len(info.Stages) > 0 {
		fmt.Fprint(w, "\n## Stages\n\n")
		for i, s := range info.Stages {
			fmt.Fprintf(w, "%d. `%s`\n", i+1, line(s))
		}
	}
	cardColumns(w, &m.Schema)
	cardLabels(w, m)
	cardStages(w, m.Counts())
}

func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func cardColumns(w io.Writer, s *Schema) {
	l, err := newLayout(s, false)
	if err != nil {
		return // the caller has made one already
	}
	fmt.Fprint(w, "\n## Columns\n\n| column | type |\n| --- | --- |\n")
	for _, n := range l.roots {
		fmt.Fprintf(w, "| `%s` | %s |\n", line(n.name), line(n.typ().String()))
	}
}

// typ is the type of a column as a recipe writes it.
func (n *node) typ() Type {
	t := Type{Kind: n.kind}
	switch n.kind {
	case List:
		e := n.elem().typ()
		t.Elem = &e
	case Struct:
		for _, f := range n.parts {
			t.Fields = append(t.Fields, Column{f.name, f.typ()})
		}
	}
	return t
}

func cardLabels(w io.Writer, m *Manifest) {
	all, made, names := labelCounts(m)
	if len(names) == 0 {
		return
	}
	fmt.Fprint(w, "\n## Labels\n\n| label | rows | of them made |\n| --- | ---: | ---: |\n")
	for _, l := range names {
		fmt.Fprintf(w, "| %s | %d | %d |\n", line(l), all[l], made[l])
	}
}

// cardStages writes what each stage did: in + made = out + dropped + failed.
func cardStages(w io.Writer, counts []Tally) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprint(w, "\n## What became of the rows\n\n| stage | in | made | out | dropped | failed |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, t := range counts {
		dropped, failed := t.Lost()
		fmt.Fprintf(w, "| `%s` | %d | %d | %d | %d | %d |\n", line(t.Stage), t.In, t.Made, t.Out, dropped, failed)
	}
	var b strings.Builder
	for _, t := range counts {
		for _, r := range Reasons(t.Dropped) {
			fmt.Fprintf(&b, "| `%s` | %s | %d |\n", line(t.Stage), line(r), t.Dropped[r])
		}
		for _, r := range Reasons(t.Failed) {
			fmt.Fprintf(&b, "| `%s` | %s (failed) | %d |\n", line(t.Stage), line(r), t.Failed[r])
		}
	}
	if b.Len() > 0 {
		fmt.Fprintf(w, "\n| stage | reason | rows |\n| --- | --- | ---: |\n%s", b.String())
	}
}
