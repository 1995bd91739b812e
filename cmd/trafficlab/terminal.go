package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminal speaks on a stream: on a real terminal with colour and one line
// that is drawn over and over, elsewhere in plain lines. It is used by one
// goroutine at a time.
type terminal struct {
	w      io.Writer
	width  int // 0: not a terminal
	colour bool
	drawn  bool // an updating line stands on the screen
}

func newTerminal(w io.Writer) *terminal {
	t := &terminal{w: w}
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return t
	}
	t.colour = os.Getenv("NO_COLOR") == ""
	t.width = 80
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		t.width = width
	}
	return t
}

// now draws the updating line. It is nothing where lines stay for ever.
func (t *terminal) now(text string) {
	if t.width == 0 {
		return
	}
	fmt.Fprint(t.w, "\r\x1b[K", shorten(text, t.width-1))
	t.drawn = true
}

// line writes a line that stays.
func (t *terminal) line(format string, args ...any) {
	t.wipe()
	fmt.Fprintf(t.w, format+"\n", args...)
}

// wipe takes the updating line away.
func (t *terminal) wipe() {
	if t.drawn {
		fmt.Fprint(t.w, "\r\x1b[K")
		t.drawn = false
	}
}

// The colours of a judgement.
const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
)

func (t *terminal) paint(colour, text string) string {
	if !t.colour || colour == "" || text == "" {
		return text
	}
	return colour + text + "\x1b[0m"
}

func shorten(text string, width int) string {
	if utf8.RuneCountInString(text) <= width || width < 1 {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// table lines its cells up: the first columns to the left, those from
// numbers on to the right. A cell may be painted.
type table struct {
	rows    [][]string
	numbers int // the first column of numbers
	until   int // the first column after them
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer) {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], visible(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-visible(cell))
			if i >= t.numbers && i < t.until {
				line.WriteString("  " + gap + cell)
			} else {
				line.WriteString("  " + cell + gap)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// visible is the width of a cell without what paints it.
func visible(cell string) int {
	width, inside := 0, false
	for _, r := range cell {
		switch {
		case r == '\x1b':
			inside = true
		case inside:
			inside = r != 'm'
		default:
			width++
		}
	}
	return width
}
