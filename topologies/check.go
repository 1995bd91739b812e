package topologies

import "fmt"

// Check holds a topology that was stored to the bounds of one that is read from
// a file, as far as work and memory depend on them: how many places there are,
// and that upstreams lead to an end.
func (t *Topology) Check() error {
	if len(t.Nodes) < 1 || len(t.Nodes) > maxNodes {
		return fmt.Errorf("it has %d nodes, not 1 to %d", len(t.Nodes), maxNodes)
	}
	if t.Node(t.Entry) == nil {
		return fmt.Errorf("there is no node %q, the entry", t.Entry)
	}
	ended := map[*Node]bool{}
	for _, n := range t.Nodes {
		if n.Replicas < 1 || n.Replicas > maxReplicas {
			return fmt.Errorf("node %s has %d replicas, not 1 to %d", n.Name, n.Replicas, maxReplicas)
		}
		if err := t.ends(n, ended, 0); err != nil {
			return err
		}
	}
	return nil
}

// ends follows the upstreams of a node: a way through more nodes than there are
// goes in circles.
func (t *Topology) ends(n *Node, ended map[*Node]bool, passed int) error {
	if ended[n] {
		return nil
	}
	if passed > len(t.Nodes) {
		return fmt.Errorf("requests would go in circles by way of %s", n.Name)
	}
	for _, name := range n.Upstreams() {
		up := t.Node(name)
		if up == nil {
			return fmt.Errorf("node %s asks %q, which is not there", n.Name, name)
		}
		if err := t.ends(up, ended, passed+1); err != nil {
			return err
		}
	}
	ended[n] = true
	return nil
}
