// Package strict reads YAML that people write by hand: it refuses what it does
// not know, finds every mistake of a file in one go and says where each one is
// and what would be right.
//
// A Document is parsed once into a tree of its own, without aliases and within
// bounds. Readers then walk it by Values: a reader that meets a mistake notes
// it and returns a harmless value, so that the walk goes on to the next one.
package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one mistake at one place of a file.
type Problem struct {
	File   string
	Line   int    // from 1
	Column int    // in characters, from 1
	Path   string // of the value: "nodes.lb.pick"; empty for the whole file
	Wrong  string
	Right  string // what would be right; may be empty
	Source string // the line of the file
}

// Error is the problem on one line, the source line, and a caret under the
// column.
func (p Problem) Error() string { return p.Head() + "\n" + p.excerpt() }

// Head is the problem without its excerpt.
func (p Problem) Head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Path != "" {
		b.WriteString(printable(p.Path) + ": ") // keys may be written with escapes
	}
	b.WriteString(p.Wrong)
	if p.Right != "" {
		b.WriteString(" (" + p.Right + ")")
	}
	return b.String()
}

// widest is how much of a source line is shown.
const widest = 100

// excerpt is the source line, cut around the column, above a caret. Tabs stay
// in front of the caret so that it lines up.
func (p Problem) excerpt() string {
	runes := []rune(p.Source)
	column := min(max(p.Column-1, 0), len(runes))
	if from := column - widest*2/3; from > 0 {
		runes, column = append([]rune{'…'}, runes[from:]...), column-from+1
	}
	if len(runes) > widest {
		runes = append(runes[:widest:widest], '…')
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(runes[:column]))
	return "    " + string(runes) + "\n    " + pad + "^"
}

// Problems are the mistakes of one or several files, by file in the order of
// first mention, then by position.
type Problems []Problem

// Error is all problems, one after another.
func (ps Problems) Error() string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "\n")
}

// Log collects problems. A file that is read several times, each time with
// another change, tells each mistake once.
type Log struct {
	files    []string
	problems Problems
}

// Note adds a problem.
func (l *Log) Note(p Problem) {
	l.mention(p.File)
	if !slices.Contains(l.problems, p) {
		l.problems = append(l.problems, p)
	}
}

// mention gives a file its place in the order.
func (l *Log) mention(file string) {
	if !slices.Contains(l.files, file) {
		l.files = append(l.files, file)
	}
}

// Err is all Problems noted, sorted, or nil.
func (l *Log) Err() error {
	if len(l.problems) == 0 {
		return nil
	}
	sorted := slices.Clone(l.problems)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(l.files, a.File), slices.Index(l.files, b.File)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
	return sorted
}

// source is a text that values come from.
type source struct {
	name  string
	lines []string
}

func newSource(name, text string) *source {
	return &source{name, strings.Split(text, "\n")}
}

// problem makes a problem at a position, which is moved into the text if the
// parser was wrong about it.
func (s *source) problem(line, column int, path, wrong, right string) Problem {
	line = min(max(line, 1), len(s.lines))
	text := strings.TrimSuffix(s.lines[line-1], "\r")
	column = min(max(column, 1), utf8.RuneCountInString(text)+1)
	return Problem{s.name, line, column, path, wrong, right, text}
}
