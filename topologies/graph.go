package topologies

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

// graph checks who asks whom: every name resolves, nothing goes in circles,
// and every node can be reached.
func (r *reader) graph(root strict.Value) {
	if len(r.t.Nodes) == 0 {
		return
	}
	names := r.names()
	sound := true
	for _, a := range r.links {
		if !slices.Contains(names, a.to) {
			a.value.Wrong(fmt.Sprintf("unknown node %q", a.to), strict.Suggest(a.to, "the nodes are", names))
			sound = false
		}
	}
	if r.t.Entry != "" && !slices.Contains(names, r.t.Entry) {
		root.Get("entry").Wrong(fmt.Sprintf("unknown node %q", r.t.Entry), strict.Suggest(r.t.Entry, "the nodes are", names))
		sound = false
	}
	if sound {
		r.probes()
		r.handshakes()
		r.byHTTP2()
		r.weights()
	}
	if !sound || r.t.Entry == "" || r.cycle() {
		return
	}
	r.reach()
	r.unnamed()
}

// probes notes nodes that would ask how busy they are of those who do not say.
func (r *reader) probes() {
	for _, n := range r.t.Nodes {
		for _, up := range n.Upstreams() {
			if policy.Pickers[n.Pick.Name].Probes && r.t.Node(up).Kind == External {
				r.places[n.Name].Get("pick").WrongKey(fmt.Sprintf("%s asks upstreams how busy they are, which %s does not say", n.Pick.Name, up),
					"another way to pick, such as p2c")
				break
			}
		}
	}
}

// weights notes nodes whose weights a picker that asks them would not heed.
func (r *reader) weights() {
	for _, n := range r.t.Nodes {
		kind, known := policy.Pickers[n.Pick.Name]
		for _, pool := range n.pools() {
			if known && !kind.Weighs && r.unheeded(n, pool) {
				break
			}
		}
	}
}

// unheeded notes the first of a pool's nodes that gives weights, if they tell
// its places apart.
func (r *reader) unheeded(n *Node, pool []string) bool {
	if r.t.Weights(r.t.Pool(pool)) == nil {
		return false
	}
	for _, name := range pool {
		if weights := r.places[name].Get("weights"); weights.Present() && !weights.Noted() {
			weights.WrongKey(fmt.Sprintf("%s picks by %s, which does not heed weights", n.Name, n.Pick.Name),
				"pick: "+pickersThat(weighs))
			return true
		}
	}
	return false
}

func (r *reader) names() []string {
	names := make([]string, len(r.t.Nodes))
	for i, n := range r.t.Nodes {
		names[i] = n.Name
	}
	return names
}

// cycle notes each circle once, at its first node in file order.
func (r *reader) cycle() bool {
	found := false
	done := map[string]bool{}
	var walk func(n *Node, trail []string)
	walk = func(n *Node, trail []string) {
		if at := slices.Index(trail, n.Name); at >= 0 {
			found = true
			loop := append(slices.Clone(trail[at:]), n.Name)
			r.places[n.Name].WrongKey("requests would go in circles: "+strings.Join(loop, " → "), "")
			return
		}
		if done[n.Name] {
			return
		}
		for _, up := range n.Upstreams() {
			walk(r.t.Node(up), append(trail, n.Name))
		}
		done[n.Name] = true
	}
	for _, n := range r.t.Nodes {
		walk(n, nil)
	}
	return found
}

// reach notes nodes that no request can reach.
func (r *reader) reach() {
	reached := r.t.Behind(r.t.Node(r.t.Entry))
	for _, n := range r.t.Nodes {
		if n.Name != r.t.Entry && !slices.Contains(reached, n) {
			r.places[n.Name].WrongKey("no request can reach it from the entry "+r.t.Entry, "name it in a to, or leave it out")
		}
	}
}

// consumerField tells nodes behind who asks.
const consumerField = "X-Consumer"

// unnamed notes nodes that tell those behind them who asks by a name of their
// own: a cache there would take what may be for one for what is for all.
func (r *reader) unnamed() {
	for _, n := range r.t.Nodes {
		cached := ""
		for _, behind := range r.t.Behind(n) {
			if behind.Cache != nil {
				cached = behind.Name
			}
		}
		for _, route := range n.Routes {
			renamed := slices.ContainsFunc(route.Request.Rename, func(f PathValue) bool { return strings.EqualFold(f.Path, consumerField) })
			if renamed && cached != "" {
				r.places[n.Name].Get("routes").WrongKey(fmt.Sprintf("take away the name %s, by which the cache of %s knows what may be for one caller only", consumerField, cached),
					"rename it behind the cache, or cache here")
				break
			}
		}
	}
}
