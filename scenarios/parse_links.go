package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/topologies"
)

// LinkExample is a fault of a link.
const LinkExample = `{at: 5s, for: 8s, on: "lb > api[2]", link: {delay: 20ms, jitter: 5ms}}`

// aLink is where such a fault may be.
const aLink = `on: "lb > api[2]", on: "clients > edge" or, between two sets, on: "edge, lb | api"`

// isLink tells whether words speak of links.
func isLink(words string) bool { return strings.ContainsAny(words, ">|") }

// linksOf are the links that words speak of: from those who ask to those who are
// asked ("lb > api"), or all between two sets ("edge, lb | api"). wrong says why
// there is none.
func linksOf(t *topologies.Topology, words string) (links []topologies.Place, wrong, right string) {
	left, rest, both := strings.Cut(words, "|")
	if !both {
		left, rest, _ = strings.Cut(words, ">")
	}
	if isLink(rest) {
		return nil, fmt.Sprintf("%q has more than two sides", words), aLink
	}
	from, unknown := endsOf(t, left)
	to, also := endsOf(t, rest)
	if unknown = append(unknown, also...); len(unknown) > 0 {
		return nil, fmt.Sprintf("%s has no place %q", t.Name, unknown[0]), aLink
	}
	links = between(t, from, to)
	if both {
		links = append(links, between(t, to, from)...)
	}
	if len(links) == 0 {
		return nil, fmt.Sprintf("no request goes from %s to %s", strings.TrimSpace(left), strings.TrimSpace(rest)), waysOf(t)
	}
	return links, "", ""
}

func between(t *topologies.Topology, from, to []topologies.Place) (links []topologies.Place) {
	for _, a := range from {
		for _, b := range to {
			if t.Asks(a, b) {
				links = append(links, topologies.Link(a, b))
			}
		}
	}
	return links
}

// endsOf are the places that a side of a link names.
func endsOf(t *topologies.Topology, side string) (ends []topologies.Place, unknown []string) {
	for name := range strings.SplitSeq(side, ",") {
		name = strings.TrimSpace(name)
		found := placesOf(t, name)
		if len(found) == 0 && name == string(topologies.Outside) {
			found = []topologies.Place{topologies.Outside}
		}
		if len(found) == 0 || found[0] == topologies.Redis {
			unknown = append(unknown, name)
		}
		for _, p := range found {
			if !slices.Contains(ends, p) {
				ends = append(ends, p)
			}
		}
	}
	return ends, unknown
}

// waysOf lists the links between nodes.
func waysOf(t *topologies.Topology) string {
	ways := []string{topologyLink(string(topologies.Outside), t.Entry)}
	for _, n := range t.Nodes {
		for _, to := range n.Upstreams() {
			ways = append(ways, topologyLink(n.Name, to))
		}
	}
	return "the links are " + strings.Join(ways, ", ")
}

func topologyLink(from, to string) string {
	return string(topologies.Link(topologies.Place(from), topologies.Place(to)))
}
