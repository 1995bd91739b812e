package topologies

import (
	"fmt"

	"trafficlab/topologies/strict"
)

// maxWeight bounds the weight of a replica.
const maxWeight = 1000

// weights reads how much work each replica of a node is meant to take: one
// weight for each, or one for all.
func weights(v strict.Value, replicas int) []int {
	if !v.Present() {
		return nil
	}
	var list []int
	for _, item := range v.OneOrMore("weights: [5, 1, 1]") {
		list = append(list, item.Int(1, 1, maxWeight))
	}
	if !v.IsList() {
		return list
	}
	if len(list) != replicas {
		v.Wrong(fmt.Sprintf("gives %d weights to %d replicas", len(list), replicas), "one for each, or a single one for all")
	}
	return list
}

// Weight is the share of work that a replica is meant to take.
func (n *Node) Weight(replica int) int {
	switch {
	case len(n.Weights) == 1:
		return n.Weights[0]
	case replica < len(n.Weights):
		return n.Weights[replica]
	}
	return 1
}

// Weights are those of a pool, in its order; nil if they are all alike.
func (t *Topology) Weights(pool []Place) []int {
	list, differ := make([]int, len(pool)), false
	for i, place := range pool {
		list[i] = 1
		if n := t.Node(place.Node()); n != nil {
			list[i] = n.Weight(place.Replica())
		}
		differ = differ || list[i] != list[0]
	}
	if !differ {
		return nil
	}
	return list
}

// subset reads how many places of a pool each replica of a proxy asks.
func subset(v strict.Value) int {
	if v.Off() {
		return 0
	}
	return v.Int(0, 1, 10_000)
}
