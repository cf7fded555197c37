package trainer

import (
	"html"
	"strings"
)

// markdown writes sections as Markdown: words and tables.
func markdown(page []section) string {
	var b strings.Builder
	cell := strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;")
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + cell.Replace(c) + " ")
		}
		b.WriteString("|\n")
	}
	for i, s := range page {
		b.WriteString(strings.Repeat("#", min(2, i+1)) + " " + s.title + "\n\n")
		if s.words != "" {
			b.WriteString(cell.Replace(s.words) + "\n\n")
		}
		if len(s.rows) > 0 {
			line(s.head)
			b.WriteString(strings.Repeat("| --- ", len(s.head)) + "|\n")
			for _, r := range s.rows {
				line(r)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:.5rem 0 1.5rem;font-variant-numeric:tabular-nums}td,th{padding:.15rem .7rem .15rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
svg{width:100%;max-width:44rem;height:auto}svg text{font:11px system-ui,sans-serif;fill:#444}svg .g{stroke:#e3e3e3}
@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}td,th{border-color:#3a3a3a}svg text{fill:#bbb}svg .g{stroke:#333}}`

// htmlPage writes sections as one page that needs no other file and no script. Everything that comes from data or recipe is escaped.
func htmlPage(page []section) string {
	var b strings.Builder
	e := html.EscapeString
	b.WriteString("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>" + e(page[0].title) + "</title><style>" + style + "</style>\n")
	row := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for _, c := range cells {
			b.WriteString("<" + tag + ">" + e(c) + "</" + tag + ">")
		}
		b.WriteString("</tr>\n")
	}
	for i, s := range page {
		h := "h2"
		if i == 0 {
			h = "h1"
		}
		b.WriteString("<" + h + ">" + e(s.title) + "</" + h + ">\n")
		if s.words != "" {
			b.WriteString("<p>" + e(s.words) + "</p>\n")
		}
		if s.chart != nil && len(s.rows) > 0 {
			b.WriteString(s.chart.svg() + "\n")
		}
		if len(s.rows) > 0 {
			b.WriteString("<table>\n")
			row("th", s.head)
			for _, r := range s.rows {
				row("td", r)
			}
			b.WriteString("</table>\n")
		}
	}
	return b.String() + "</html>\n"
}
