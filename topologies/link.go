package topologies

import (
	"slices"
	"strings"
)

// Outside is who asks the entry, as an end of a link.
const Outside Place = "clients"

// between stands in a link's name between who asks and who is asked.
const between = " > "

// Link names the way between a place that asks and one that it asks: "lb > api[2]".
func Link(from, to Place) Place { return from + between + to }

// Ends are those of a link; ok is false for other places.
func (p Place) Ends() (from, to Place, ok bool) {
	a, b, ok := strings.Cut(string(p), between)
	return Place(a), Place(b), ok
}

// Asks tells whether requests go from one place to another.
func (t *Topology) Asks(from, to Place) bool {
	if n := t.Node(from.Node()); n != nil {
		return slices.Contains(n.Upstreams(), to.Node())
	}
	return from == Outside && to.Node() == t.Entry
}
