package strict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Change sets the value at a path: "lb.retry.tries", "faults[0].slow". It
// knows where it was written, and mistakes that it brings point there.
type Change struct {
	Path string
	at   *node // where the path is written
	to   *node
	log  *Log
}

// ParseChange reads "path=value", the value being YAML. name stands in front
// of its mistakes in place of a file's. ok is false if it cannot be applied.
func ParseChange(name, text string, log *Log) (c Change, ok bool) {
	src := newSource(name, text)
	path, value, found := strings.Cut(text, "=")
	path = strings.TrimSpace(path)
	if !found || path == "" || strings.Contains(text, "\n") {
		log.Note(src.problem(1, 1, "", "is no change", "path=value, such as lb.pick=p2c"))
		return Change{}, false
	}
	if strings.TrimSpace(value) == "" {
		log.Note(src.problem(1, len([]rune(text))+1, path, "has no value", "path=value"))
		return Change{}, false
	}
	// Parsed in its place behind the path, positions come out right.
	blank := strings.Repeat(" ", len([]rune(text))-len([]rune(value)))
	sub := &Log{}
	doc := Parse(name, []byte(blank+value), sub)
	for _, p := range sub.problems {
		p.Source, p.Path = text, within(path, p.Path)
		log.Note(p)
	}
	if doc == nil || len(sub.problems) > 0 {
		return Change{}, false
	}
	doc.root.moveTo(src)
	return Change{path, &node{src: src, line: 1, column: 1}, doc.root, log}, true
}

// within puts one path below another.
func within(path, below string) string {
	if below == "" || below[0] == '[' {
		return path + below
	}
	return join(path, below)
}

func (n *node) moveTo(src *source) {
	n.src = src
	for _, child := range append(slices.Clone(n.keys), n.items...) {
		child.moveTo(src)
	}
}

// ChangeOf is a change written in a document: the path stands as the key of
// the entry, the value is the entry's or one of its items.
func ChangeOf(e Entry, value Value) Change {
	return Change{e.Key, e.Value.key, value.node, value.log}
}

// Wrong notes a mistake in the change's path.
func (c Change) Wrong(wrong, right string) {
	c.log.Note(c.at.src.problem(c.at.line, c.at.column, c.Path, wrong, right))
}

// Where is the file and line that the change is written on.
func (c Change) Where() string { return fmt.Sprintf("%s:%d", c.at.src.name, c.at.line) }

// From tells whether the change is written in the named file.
func (c Change) From(name string) bool { return c.at.src.name == name }

// Value is what the change sets.
func (c Change) Value() Value { return Value{node: c.to, path: c.Path, log: c.log} }

// First is the path's first word, which tells whose path it is.
func (c Change) First() string {
	return c.Path[:len(c.Path)-len(strings.TrimLeft(c.Path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))]
}

// Apply makes the change below the value at the given key of the document, or
// below its root if under is "". Keys that are not there are made: whether
// they may be is for the reader of the document to say. Indices must be there.
func (d *Document) Apply(c Change, under string) {
	steps, ok := parsePath(c.Path)
	if !ok {
		c.Wrong("is no path", "such as lb.retry.tries or faults[0].slow")
		return
	}
	n := d.root
	if under != "" {
		n = n.child(under)
	}
	value := c.to.clone()
	for i, s := range steps {
		if i == len(steps)-1 {
			c.put(n, s, steps[:i], value)
			return
		}
		if n = c.enter(n, s, steps[:i]); n == nil {
			return
		}
	}
}

// step is a key, or an index if key is empty.
type step struct {
	key   string
	index int
}

func parsePath(path string) ([]step, bool) {
	var steps []step
	for word := range strings.SplitSeq(path, ".") {
		key, rest, indexed := strings.Cut(word, "[")
		if key == "" {
			return nil, false
		}
		steps = append(steps, step{key: key})
		for indexed {
			var digits string
			var closed bool
			digits, rest, closed = strings.Cut(rest, "]")
			index, err := strconv.ParseUint(digits, 10, 16)
			if err != nil || !closed {
				return nil, false
			}
			steps = append(steps, step{index: int(index)})
			if indexed = rest != ""; indexed && rest[0] != '[' {
				return nil, false
			}
			rest = strings.TrimPrefix(rest, "[")
		}
	}
	return steps, true
}

func pathOf(steps []step) string {
	path := ""
	for _, s := range steps {
		if s.key == "" {
			path += fmt.Sprintf("[%d]", s.index)
		} else {
			path = join(path, s.key)
		}
	}
	return path
}

// enter goes one step down, and makes the map that is missing there.
func (c Change) enter(n *node, s step, before []step) *node {
	if !c.fits(n, s, before) {
		return nil
	}
	if s.key == "" {
		return n.items[s.index]
	}
	child := n.child(s.key)
	if child == nil {
		child = &node{shape: mapping, src: c.at.src, line: c.at.line, column: c.at.column}
		c.put(n, s, before, child)
	}
	if child.shape == scalar && (child.null || child.text == "off") {
		child.shape, child.text, child.null = mapping, "", false
	}
	return child
}

// put sets one key or item.
func (c Change) put(n *node, s step, before []step, value *node) {
	if !c.fits(n, s, before) {
		return
	}
	if s.key == "" {
		n.items[s.index] = value
		return
	}
	key := &node{text: s.key, src: c.at.src, line: c.at.line, column: c.at.column}
	for i := range n.keys {
		if n.keys[i].text == s.key {
			n.keys[i], n.items[i] = key, value
			return
		}
	}
	n.keys, n.items = append(n.keys, key), append(n.items, value)
}

// fits notes a step that cannot be taken.
func (c Change) fits(n *node, s step, before []step) bool {
	switch {
	case n == nil:
		c.Wrong("does not exist", "")
	case s.key != "" && n.shape != mapping:
		c.Wrong(fmt.Sprintf("%s is %s and has no field %q", pathOf(before), shapeNames[n.shape], s.key),
			"set "+pathOf(before)+" itself")
	case s.key == "" && n.shape != list:
		c.Wrong(fmt.Sprintf("%s is %s and has no item %d", pathOf(before), shapeNames[n.shape], s.index),
			"set "+pathOf(before)+" itself")
	case s.key == "" && s.index >= len(n.items):
		c.Wrong(fmt.Sprintf("%s has %d items, counted from 0", pathOf(before), len(n.items)), "")
	default:
		return true
	}
	return false
}
