package strict

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

type shape uint8

const (
	scalar shape = iota
	list
	mapping
)

var shapeNames = [...]string{"a single value", "a list", "a map"}

// node is a value of the tree. It remembers the text it came from, so that a
// value planted by a change still points to where it was written.
type node struct {
	shape  shape
	text   string // of a scalar, as written
	null   bool
	quoted bool
	keys   []*node // of a map, beside items
	items  []*node

	src          *source
	line, column int
}

func (n *node) clone() *node {
	c := *n
	c.keys, c.items = cloneAll(n.keys), cloneAll(n.items)
	return &c
}

func cloneAll(nodes []*node) []*node {
	if nodes == nil {
		return nil
	}
	clones := make([]*node, len(nodes))
	for i, n := range nodes {
		clones[i] = n.clone()
	}
	return clones
}

// child is the value under a key of a map, or nil.
func (n *node) child(key string) *node {
	if n == nil || n.shape != mapping {
		return nil
	}
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// grower turns the YAML library's tree into ours: aliases are written out,
// within bounds.
type grower struct {
	src   *source
	log   *Log
	count int
	full  bool
}

// grow returns nil where the tree is too large or too deep to go on.
func (g *grower) grow(y *yaml.Node, path string, depth int) *node {
	if g.count++; g.count > maxNodes {
		g.refuse(y, path, "the file holds too many values", fmt.Sprintf("at most %d, aliases written out", maxNodes))
		return nil
	}
	if depth > maxDepth {
		g.refuse(y, path, "nested too deeply", fmt.Sprintf("at most %d levels, and no alias within its own anchor", maxDepth))
		return nil
	}
	if y.Kind == yaml.AliasNode {
		if y.Alias == nil {
			return nil
		}
		return g.grow(y.Alias, path, depth+1)
	}
	n := &node{src: g.src, line: y.Line, column: y.Column}
	if y.Style&yaml.TaggedStyle != 0 {
		g.note(y, path, fmt.Sprintf("the tag %s", y.Tag), "tags are not used here")
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.shape = mapping
		g.growMap(n, y, path, depth)
	case yaml.SequenceNode:
		n.shape = list
		for i, item := range y.Content {
			if child := g.grow(item, fmt.Sprintf("%s[%d]", path, i), depth+1); child != nil {
				n.items = append(n.items, child)
			}
		}
	default:
		n.text, n.null = y.Value, isNull(y)
		n.quoted = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	}
	return n
}

func (g *grower) growMap(n *node, y *yaml.Node, path string, depth int) {
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind != yaml.ScalarNode || isNull(key) {
			g.note(key, path, "a key that is not a word", "")
			continue
		}
		if earlier := n.key(key.Value); earlier != nil {
			g.note(key, join(path, key.Value), "given twice", fmt.Sprintf("first on line %d", earlier.line))
			continue
		}
		child := g.grow(value, join(path, key.Value), depth+1)
		if child == nil {
			return
		}
		n.keys = append(n.keys, &node{text: key.Value, src: g.src, line: key.Line, column: key.Column})
		n.items = append(n.items, child)
	}
}

func (n *node) key(name string) *node {
	for _, k := range n.keys {
		if k.text == name {
			return k
		}
	}
	return nil
}

func (g *grower) note(y *yaml.Node, path, wrong, right string) {
	g.log.Note(g.src.problem(y.Line, y.Column, path, wrong, right))
}

// refuse notes the bound that was met, once.
func (g *grower) refuse(y *yaml.Node, path, wrong, right string) {
	if !g.full {
		g.full = true
		g.note(y, path, wrong, right)
	}
}

// join puts a key behind a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
