package strict

import (
	"fmt"
	"slices"
	"strings"
)

// Value is a place of a document and what stands there, which may be nothing.
//
// Every reader of a Value notes a mistake if the value is of the wrong form or
// out of its range, and then returns its default; of an absent value it
// returns the default alone.
type Value struct {
	node *node
	up   *node // where to point if absent
	key  *node // that it stands under, if any
	path string
	log  *Log
}

// Present tells whether anything stands there.
func (v Value) Present() bool { return v.node != nil }

// Wrong notes a mistake at the value.
func (v Value) Wrong(wrong, right string) { v.note(v.node, wrong, right) }

// WrongKey notes a mistake at the key that the value stands under.
func (v Value) WrongKey(wrong, right string) { v.note(v.key, wrong, right) }

func (v Value) note(at *node, wrong, right string) {
	for _, n := range []*node{v.node, v.up} {
		if at == nil {
			at = n
		}
	}
	if at == nil {
		return
	}
	v.log.Note(at.src.problem(at.line, at.column, v.path, wrong, right))
}

// Noted tells whether a mistake was noted at the value or below it: what
// follows from it then is not worth telling.
func (v Value) Noted() bool {
	return slices.ContainsFunc(v.log.problems, func(p Problem) bool {
		rest, below := strings.CutPrefix(p.Path, v.path)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Need notes an absent value as missing, and tells whether it is there.
func (v Value) Need(right string) bool {
	if v.node == nil {
		v.Wrong("missing", right)
	}
	return v.node != nil
}

// Off tells whether the value is the word off, which turns an optional part
// off.
func (v Value) Off() bool { return v.node != nil && v.node.shape == scalar && v.node.text == "off" }

// IsText, IsList and IsMap tell the value's form.
func (v Value) IsText() bool { return v.node != nil && v.node.shape == scalar }

// IsList tells whether the value is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.shape == list }

// IsMap tells whether the value is a map.
func (v Value) IsMap() bool { return v.node != nil && v.node.shape == mapping }

// is notes a value that is not of the shape asked for.
func (v Value) is(s shape, example string) bool {
	if v.node == nil {
		return false
	}
	if v.node.null {
		v.Wrong("has no value", example)
		return false
	}
	if v.node.shape != s {
		v.Wrong(fmt.Sprintf("is %s, not %s", shapeNames[v.node.shape], shapeNames[s]), example)
		return false
	}
	return true
}

// Get is the value under a key of a map. It is absent if v is no map.
func (v Value) Get(key string) Value {
	return Value{v.node.child(key), v.node, v.keyNode(key), join(v.path, key), v.log}
}

func (v Value) keyNode(key string) *node {
	if v.node == nil {
		return nil
	}
	return v.node.key(key)
}

// Fields checks that v is a map with no other keys than those named.
func (v Value) Fields(known ...string) bool {
	if !v.is(mapping, "fields: "+strings.Join(known, ", ")) {
		return false
	}
	for _, key := range v.node.keys {
		if !slices.Contains(known, key.text) {
			v.Get(key.text).WrongKey("unknown field", Suggest(key.text, "the fields are", known))
		}
	}
	return true
}

// Entry is a key of a map with its value.
type Entry struct {
	Key   string
	Value Value
}

// Entries are the keys and values of a map, in the order of the file.
func (v Value) Entries(example string) []Entry {
	if !v.is(mapping, example) {
		return nil
	}
	entries := make([]Entry, len(v.node.keys))
	for i, key := range v.node.keys {
		entries[i] = Entry{key.text, v.Get(key.text)}
	}
	return entries
}

// List are the items of a list.
func (v Value) List(example string) []Value {
	if !v.is(list, example) {
		return nil
	}
	items := make([]Value, len(v.node.items))
	for i, item := range v.node.items {
		items[i] = Value{node: item, up: v.node, path: fmt.Sprintf("%s[%d]", v.path, i), log: v.log}
	}
	return items
}

// OneOrMore are the items of a list; a value that is no list stands for a list
// of one.
func (v Value) OneOrMore(example string) []Value {
	if v.node == nil || v.node.shape == list {
		return v.List(example)
	}
	return []Value{v}
}

// Flow is the value written on one line, as YAML.
func (v Value) Flow() string {
	var b strings.Builder
	v.node.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	if n == nil {
		return
	}
	switch n.shape {
	case scalar:
		b.WriteString(n.quote())
	case list:
		n.writeAll(b, "[", "]")
	case mapping:
		n.writeAll(b, "{", "}")
	}
}

func (n *node) writeAll(b *strings.Builder, left, right string) {
	b.WriteString(left)
	for i, item := range n.items {
		if i > 0 {
			b.WriteString(", ")
		}
		if n.shape == mapping {
			b.WriteString(n.keys[i].quote() + ": ")
		}
		item.write(b)
	}
	b.WriteString(right)
}

// quote writes a scalar so that it reads as the same text again.
func (n *node) quote() string {
	if n.quoted || strings.ContainsAny(n.text, ",:#[]{}&*!|>'\"%@`\n") {
		return fmt.Sprintf("%q", n.text)
	}
	return n.text
}
