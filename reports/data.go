package reports

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"html/template"
	"strconv"
	"strings"

	"trafficlab/bench/measure"
)

// grid is a table: on the page in words, behind it in numbers.
type grid struct {
	Head  []heading
	Rows  [][]datum
	title string // of the chart that shows it
	name  string // of its files, without what they end in
}

// call names the chart that shows the grid, and the grid's files.
func (g *grid) call(title string, words ...string) {
	g.title, g.name = title, slug(words...)
}

// heading is a column's name and what its numbers count.
type heading struct{ name, unit string }

// String is what the page shows.
func (h heading) String() string { return h.name }

// file is the heading of the same numbers in a file, or of an end of their
// intervals.
func (h heading) file(of string) string {
	name := h.name + of
	if h.unit != "" {
		name += " (" + h.unit + ")"
	}
	return name
}

// datum is a cell: words, and the numbers behind them, if there are any.
type datum struct {
	text    string
	numbers []float64 // a value, or a value and the ends of its interval
}

// String is what the page shows.
func (d datum) String() string { return d.text }

var nothing = datum{text: dash}

func said(text string) datum              { return datum{text: text} }
func number(v float64, text string) datum { return datum{text, []float64{v}} }
func counted(n int64) datum               { return number(float64(n), count(n)) }
func timed(seconds float64) datum         { return number(seconds, latency(seconds)) }
func shared(part float64) datum           { return number(part, share(part)) }
func rated(perSecond float64) datum       { return number(perSecond, rate(perSecond)) }
func sized(bytes int64) datum             { return number(float64(bytes), size(bytes)) }
func clocked(seconds float64) datum       { return number(seconds, clock(seconds)) }
func figured(f measure.Figure, text string) datum {
	if !f.Known {
		return nothing
	}
	return datum{text, []float64{f.Value, f.Low, f.High}}
}

// mostRows is how many rows a page shows: its files have all.
const mostRows = 300

// Thinned tells whether the page leaves rows out.
func (g grid) Thinned() bool { return len(g.Rows) > mostRows }

// Shown are the rows on the page, evenly chosen.
func (g grid) Shown() [][]datum {
	if !g.Thinned() {
		return g.Rows
	}
	var some [][]datum
	for i := 0; i < len(g.Rows); i += (len(g.Rows)-1)/mostRows + 1 {
		some = append(some, g.Rows[i])
	}
	return some
}

// unitOf is what the numbers of a metric count.
func unitOf(m measure.Metric) string { return string(measure.Metrics[m.Name].Unit) }

// plainly is the grid for files: its headings, and rows of numbers, of words
// where there are none, and of nil where there is nothing.
func (g *grid) plainly() (head []string, rows [][]any) {
	wide := make([]int, len(g.Head))
	for _, row := range g.Rows {
		for i, d := range row {
			wide[i] = max(wide[i], len(d.numbers))
		}
	}
	for i, h := range g.Head {
		head = append(head, h.file(""))
		if wide[i] > 1 {
			head = append(head, h.file(" low"), h.file(" high"))
		}
	}
	for _, row := range g.Rows {
		var line []any
		for i, d := range row {
			line = append(line, d.plainly(wide[i])...)
		}
		rows = append(rows, line)
	}
	return head, rows
}

// plainly is a cell of a column in which the most numbers in one are so many.
func (d datum) plainly(most int) []any {
	switch {
	case most == 0 && d.text == dash:
		return []any{nil}
	case most == 0:
		return []any{d.text}
	}
	cells := make([]any, most)
	for i, v := range d.numbers {
		cells[i] = v
	}
	return cells
}

// CSV is the grid as RFC 4180 has it.
func (g *grid) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head, rows := g.plainly()
	w.Write(head) // a buffer takes everything
	for _, row := range rows {
		var line []string
		for _, cell := range row {
			switch v := cell.(type) {
			case float64:
				line = append(line, strconv.FormatFloat(v, 'g', -1, 64))
			case string:
				line = append(line, v)
			default:
				line = append(line, "")
			}
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes()
}

func (g *grid) json() ([]byte, error) {
	head, rows := g.plainly()
	return json.Marshal(map[string]any{"chart": g.title, "columns": head, "rows": rows})
}

// download is a file that is inside the page.
type download struct {
	Kind, Name string
	Link       template.URL
}

// Files are those of the grid.
func (g grid) Files() ([]download, error) {
	if g.name == "" {
		return nil, nil
	}
	text, err := g.json()
	if err != nil {
		return nil, err
	}
	return []download{inside("CSV", g.name+".csv", "text/csv;charset=utf-8", g.csv()),
		inside("JSON", g.name+".json", "application/json", text)}, nil
}

func inside(kind, name, media string, content []byte) download {
	return download{kind, name, template.URL("data:" + media + ";base64," + base64.StdEncoding.EncodeToString(content))}
}

// slug is words as part of a file's name.
func slug(words ...string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(strings.Join(words, "-")), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}
