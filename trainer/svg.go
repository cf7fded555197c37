package trainer

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A chart is lines over one axis.
type chart struct {
	x, y   string
	series []*series
}

// A series is one line.
type series struct {
	name  string
	whole bool // of all domains together
	x, y  []float64
}

func (s *series) add(x, y float64) {
	if !math.IsNaN(y) && !math.IsInf(y, 0) {
		s.x, s.y = append(s.x, x), append(s.y, y)
	}
}

// thin leaves at most n points, each the mean of a stretch.
func (s *series) thin(n int) {
	if len(s.x) <= n {
		return
	}
	x, y := make([]float64, n), make([]float64, n)
	for i := range n {
		lo, hi := i*len(s.x)/n, (i+1)*len(s.x)/n
		x[i], y[i] = s.x[hi-1], mean(s.y[lo:hi])
	}
	s.x, s.y = x, y
}

// section shows a chart with its table beside it: ten places of every line.
func (c *chart) section(title, words string) section {
	s := section{title: title, words: words, chart: c, head: []string{c.x}}
	longest := c.series[0]
	for _, l := range c.series {
		s.head = append(s.head, l.name)
		if len(l.x) > len(longest.x) {
			longest = l
		}
	}
	n := len(longest.x)
	for i := range min(n, 10) {
		at := longest.x[(n-1)*i/max(1, min(n, 10)-1)]
		row := []string{fmt.Sprint(at)}
		for _, l := range c.series {
			row = append(row, l.at(at))
		}
		s.rows = append(s.rows, row)
	}
	return s
}

// at is the last value up to x.
func (s *series) at(x float64) string {
	v := ""
	for i := range s.x {
		if s.x[i] > x {
			break
		}
		v = num(s.y[i])
	}
	return v
}

// colours are told apart by people who do not see all colours (Okabe and Ito, 2008). A domain has the same one in every chart; what belongs to all has
// the text's.
var colours = [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// colour is that of line i.
func (c *chart) colour(i int) string {
	if c.series[i].whole {
		return "currentColor"
	}
	for _, s := range c.series[:i] {
		if s.whole {
			i--
		}
	}
	return colours[i%len(colours)]
}

// svg draws the chart; text is escaped.
func (c *chart) svg() string {
	const w, h, left, bottom, top, right = 640., 260., 56., 36., 12., 130.
	x0, x1, y0, y1 := c.bounds()
	px := func(x float64) float64 { return left + (x-x0)/(x1-x0)*(w-left-right) }
	py := func(y float64) float64 { return h - bottom - (y-y0)/(y1-y0)*(h-bottom-top) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s by %s" xmlns="http://www.w3.org/2000/svg">`, w, h, html.EscapeString(c.y), html.EscapeString(c.x))
	for i := range 5 {
		f := float64(i) / 4
		y, x := y0+f*(y1-y0), math.Round(x0+f*(x1-x0)) // steps are whole
		fmt.Fprintf(&b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="g"/><text x="%g" y="%.1f" text-anchor="end">%.3g</text>`, left, w-right, py(y), py(y), left-6, py(y)+4, y)
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%.4g</text>`, px(x), h-bottom+16, x)
	}
	for i, s := range c.series {
		colour := c.colour(i)
		var pts strings.Builder
		for j := range s.x {
			fmt.Fprintf(&pts, "%.1f,%.1f ", px(s.x[j]), py(s.y[j]))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>`, strings.TrimSpace(pts.String()), colour)
		fmt.Fprintf(&b, `<rect x="%g" y="%g" width="10" height="3" fill="%s"/><text x="%g" y="%g">%s</text>`, w-right+10, top+6+16*float64(i), colour, w-right+26, top+11+16*float64(i), html.EscapeString(s.name))
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%s</text></svg>`, (left+w-right)/2, h-4, html.EscapeString(c.x))
	return b.String()
}

// bounds are the axes' ends, never equal.
func (c *chart) bounds() (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		for i := range s.x {
			x0, x1, y0, y1 = min(x0, s.x[i]), max(x1, s.x[i]), min(y0, s.y[i]), max(y1, s.y[i])
		}
	}
	if x0 > x1 {
		x0, x1, y0, y1 = 0, 1, 0, 1
	}
	if x1 == x0 {
		x1++
	}
	if y1-y0 < 1e-9 {
		y0, y1 = y0-.5, y1+.5
	}
	return x0, x1, y0, y1
}
