package topologies

import (
	"fmt"

	"trafficlab/topologies/strict"
)

// zones reads where the replicas of a node stand: one zone for each, or one for
// all.
func zones(v strict.Value, replicas int) []string {
	if !v.Present() {
		return nil
	}
	var list []string
	for _, item := range v.OneOrMore("zones: [a, b]") {
		name := item.Text("")
		if name != "" && !nodeName.MatchString(name) {
			item.Wrong(fmt.Sprintf("%q is no name for a zone", name), "lower-case letters, digits and hyphens, a letter first")
		}
		list = append(list, name)
	}
	if v.IsList() && len(list) != replicas {
		v.Wrong(fmt.Sprintf("gives %d zones to %d replicas", len(list), replicas), "one for each, or a single one for all")
	}
	return list
}

// Zone is where a replica stands; "" if nothing is said.
func (n *Node) Zone(replica int) string {
	switch {
	case len(n.Zones) == 1:
		return n.Zones[0]
	case replica < len(n.Zones):
		return n.Zones[replica]
	}
	return ""
}

// Zone is where a place stands.
func (t *Topology) Zone(place Place) string {
	if n := t.Node(place.Node()); n != nil {
		return n.Zone(place.Replica())
	}
	return ""
}
