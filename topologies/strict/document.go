package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The bounds of what is read.
const (
	MaxBytes = 1 << 20 // of a file
	maxNodes = 50_000  // values of a document, with each alias written out
	maxDepth = 32      // of nesting
)

// Document is a file's tree of values and the log of its mistakes.
type Document struct {
	root *node
	log  *Log
}

// Load reads a file of at most MaxBytes, and the byte beyond if there is more. It
// waits for nobody: what is no regular file (a pipe, a device) is not read.
func Load(path string) ([]byte, error) { return LoadAtMost(path, MaxBytes) }

// LoadAtMost is Load with another bound.
func LoadAtMost(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, errors.Unwrap(err))
	case info.IsDir():
		return nil, fmt.Errorf("read %s: is a directory, not a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: is no regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// Parse builds the tree of a file. name stands in front of its mistakes, which
// go to log. The document is nil if the text is no YAML at all; duplicate keys
// and the like leave a document that can be read on, for further mistakes.
func Parse(name string, data []byte, log *Log) *Document {
	log.mention(name)
	if len(data) > MaxBytes {
		log.Note(newSource(name, firstLine(data)).problem(1, 1, "",
			"the file is too long", fmt.Sprintf("at most %d bytes", MaxBytes)))
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	src := newSource(name, string(data))
	if !src.readable(log) {
		return nil
	}
	first, second, err := documents(data)
	switch {
	case err != nil:
		log.Note(src.syntax(err, data))
	case first == nil || len(first.Content) == 0 || isNull(first.Content[0]):
		log.Note(src.problem(1, 1, "", "the file is empty", ""))
	case second != nil:
		log.Note(src.problem(second.Line, second.Column, "", "a second document begins here", "one document a file"))
	default:
		g := grower{src: src, log: log}
		if root := g.grow(first.Content[0], "", 0); root != nil {
			return &Document{root, log}
		}
	}
	return nil
}

func firstLine(data []byte) string {
	line, _, _ := strings.Cut(string(data[:min(len(data), 200)]), "\n")
	return printable(line)
}

// readable looks for bytes that no text holds.
func (s *source) readable(log *Log) bool {
	for i, line := range s.lines {
		column := 0
		for at, r := range line {
			column++
			_, width := utf8.DecodeRuneInString(line[at:])
			wrong := ""
			switch {
			case r == utf8.RuneError && width <= 1:
				wrong = fmt.Sprintf("the byte 0x%02x is not valid UTF-8", line[at])
			case unicode.IsControl(r) && r != '\t' && r != '\r':
				wrong = fmt.Sprintf("the control character 0x%02x", r)
			default:
				continue
			}
			p := s.problem(i+1, column, "", wrong, "a file is text in UTF-8")
			p.Source = printable(p.Source)
			log.Note(p)
			return false
		}
	}
	return true
}

func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r != '\t' && unicode.IsControl(r) {
			return '?'
		}
		return r
	}, line)
}

// documents parses the first document of a stream and looks for a second. The
// YAML library is trusted with no panic: it parses what strangers wrote.
func documents(data []byte) (first, second *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var a, b yaml.Node
	if err := decoder.Decode(&a); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	switch err := decoder.Decode(&b); {
	case errors.Is(err, io.EOF):
		return &a, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return &a, &b, nil
}

var (
	atLine  = regexp.MustCompile(`^line (\d+): `)
	inQuote = regexp.MustCompile(`'([^']+)'`)
)

// syntax places an error of the YAML library, which tells a line at best.
func (s *source) syntax(err error, data []byte) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := atLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.TrimPrefix(text, m[0])
	} else if m := inQuote.FindStringSubmatch(text); m != nil {
		if before, _, found := bytes.Cut(data, []byte("*"+m[1])); found { // an unknown anchor
			line = 1 + bytes.Count(before, []byte("\n"))
		}
	}
	line = min(max(line, 1), len(s.lines))
	source := s.lines[line-1]
	indent := len(source) - len(strings.TrimLeft(source, " \t"))
	return s.problem(line, indent+1, "", "not YAML: "+text, "")
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Err is every mistake noted so far as Problems, or nil.
func (d *Document) Err() error { return d.log.Err() }

// Root is the whole document.
func (d *Document) Root() Value { return Value{node: d.root, log: d.log} }

// Clone returns a document that can be changed without changing d. It shares
// the log.
func (d *Document) Clone() *Document { return &Document{d.root.clone(), d.log} }
