package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// drawing is a topology with the flow that was measured on it.
type drawing struct {
	Title string
	Wide  template.HTML // nodes from left to right
	Tall  template.HTML // from top to bottom, for narrow screens
	Data  grid
}

// drawings shows the baseline's flow, and the other variants' folded. If it is
// topologies that are compared all are open, and take less room each.
func drawings(s *scenarios.Scenario, r *measure.Result) (open, folded []drawing) {
	all, most := differ(s) && len(s.Variants) <= 6, 6
	if all {
		most = 2
	}
	for i := range s.Variants {
		v := &s.Variants[i]
		sum := firstSummary(r, v.Name)
		if sum == nil || v.Topology == nil {
			continue
		}
		if all || v.Name == r.Baseline {
			open = append(open, draft(v, sum, most))
		} else {
			folded = append(folded, draft(v, sum, most))
		}
	}
	if len(open) == 0 && len(folded) > 0 { // the baseline was not reached
		return folded[:1], folded[1:]
	}
	return open, folded
}

// differ tells whether it is topologies that are compared, and not only how
// one is set.
func differ(s *scenarios.Scenario) bool {
	names := map[string]bool{}
	for _, v := range s.Variants {
		if v.Topology != nil {
			names[v.Topology.Name] = true
		}
	}
	return len(names) > 1
}

// draft draws one variant's flow in one world, at most so many boxes above
// each other.
func draft(v *scenarios.Variant, sum *measure.Summary, most int) drawing {
	title := v.Name + ", " + worldName(sum.World)
	f := flow{variant: v, summary: sum}
	label := "Flow of requests through " + v.Topology.Name + ": " + title
	return drawing{
		Title: title,
		Wide:  f.lay(across, most).svg(label),
		Tall:  f.lay(down, min(most, 3)).svg(label),
		Data:  nodesGrid(sum.Nodes),
	}
}

// flow is what is to be drawn.
type flow struct {
	variant *scenarios.Variant
	summary *measure.Summary
}

// box is one place, or all replicas of a node where they are too many, or a
// bend of an edge that passes a layer (then it has no title).
type box struct {
	title  string
	lines  []line
	places []topologies.Place
	layer  int
	in     []*arrow
	order  float64 // within its layer

	x, y, w, h float64
}

// line is a line of words in a box, of a class that the style sheet knows.
type line struct{ class, text string }

// arrow leads from one box to another, by way of bends.
type arrow struct {
	from, to *box
	bends    []*box
	rate     float64 // requests per second
	faulty   bool    // something befalls what passes there
}

// sketch is a flow with its boxes in layers.
type sketch struct {
	layers [][]*box
	arrows []*arrow
	way    way
	width  float64
	height float64
}

// lay puts the flow into boxes, at most so many in a layer if folding replicas
// into one box can do it.
func (f flow) lay(w way, most int) *sketch {
	t := f.variant.Topology
	clients := &box{title: "clients", layer: 0, places: []topologies.Place{topologies.Outside}}
	boxes := map[string][]*box{}
	depth := depths(t)
	s := &sketch{way: w, layers: [][]*box{{clients}}}
	for _, n := range t.Nodes {
		boxes[n.Name] = f.boxes(n, room(t, depth, depth[n.Name], most))
		for _, b := range boxes[n.Name] {
			b.layer = depth[n.Name] + 1
			s.add(b)
		}
	}
	for _, b := range boxes[t.Entry] {
		s.join(clients, b, f.figure("offered")/float64(len(boxes[t.Entry])))
	}
	for _, n := range t.Nodes {
		for _, from := range boxes[n.Name] {
			for _, up := range n.Upstreams() {
				for _, to := range boxes[up] {
					s.join(from, to, f.asked(from.places, to.places))
				}
			}
		}
	}
	for _, a := range s.arrows {
		a.faulty = slices.ContainsFunc(f.variant.Faults, func(fault scenarios.Fault) bool { return passes(fault, a) })
	}
	s.sort()
	s.label()
	w.place(s)
	return s
}

// depths counts the hops from the entry to each node, by the longest way.
func depths(t *topologies.Topology) map[string]int {
	depth := map[string]int{t.Entry: 0}
	for range t.Nodes { // at least one node a round finds its place
		for _, n := range t.Nodes {
			d, reached := depth[n.Name]
			for _, up := range n.Upstreams() {
				if reached {
					depth[up] = max(depth[up], d+1)
				}
			}
		}
	}
	return depth
}

// room is how many boxes each node of a layer may have.
func room(t *topologies.Topology, depth map[string]int, layer, most int) int {
	nodes, places := 0, 0
	for _, n := range t.Nodes {
		if depth[n.Name] == layer {
			nodes, places = nodes+1, places+len(n.Places())
		}
	}
	if places <= most {
		return most
	}
	return max(1, most/nodes)
}

func (f flow) figure(metric string) float64 {
	return f.summary.Figure(measure.Metric{Name: metric}).Value
}

// boxes draws a node's replicas one by one, or as one if they are more than
// most.
func (f flow) boxes(n *topologies.Node, most int) []*box {
	places := n.Places()
	if len(places) > most {
		return []*box{f.box(n, fmt.Sprintf("%s × %d", n.Name, len(places)), places)}
	}
	var all []*box
	for i := range places {
		all = append(all, f.box(n, string(places[i]), places[i:i+1]))
	}
	return all
}

func (f flow) box(n *topologies.Node, title string, places []topologies.Place) *box {
	b := &box{title: title, places: places, lines: []line{{"kind", string(n.Kind)}}}
	b.lines = append(b.lines, f.measures(places)...)
	for _, fault := range f.variant.Faults {
		if slices.ContainsFunc(fault.On, func(p topologies.Place) bool { return slices.Contains(places, p) }) {
			b.lines = append(b.lines, line{"fault", fault.Word() + " " + stretch(fault)})
		}
		if askers := fewPlaces(askersOf(fault, places)); askers != "" {
			b.lines = append(b.lines, line{"fault", fault.Word()}, line{"fault", "from " + askers + ", " + stretch(fault)})
		}
	}
	return b
}

// askersOf are those from whom a fault's links lead to some places.
func askersOf(f scenarios.Fault, places []topologies.Place) (askers []topologies.Place) {
	for _, link := range f.On {
		if from, to, ok := link.Ends(); ok && slices.Contains(places, to) && !slices.Contains(askers, from) {
			askers = append(askers, from)
		}
	}
	return askers
}

// passes tells whether an arrow goes over a link that the fault befalls.
func passes(f scenarios.Fault, a *arrow) bool {
	return slices.ContainsFunc(f.On, func(link topologies.Place) bool {
		from, to, ok := link.Ends()
		return ok && slices.Contains(a.from.places, from) && slices.Contains(a.to.places, to)
	})
}

// stretch says in short when a fault is there: "5–13 s".
func stretch(f scenarios.Fault) string {
	first := f.Spells()[0]
	from, to := first.From.Seconds(), clock(first.To.Seconds())
	switch {
	case f.For == scenarios.ForGood:
		return "from " + clock(from)
	case f.For > 0:
		to = fmt.Sprintf("%g–%s", from, to)
	}
	if f.Every > 0 {
		to += fmt.Sprintf(", %d times", f.Times)
	}
	return to
}

// measures are what was measured at the places, together.
func (f flow) measures(places []topologies.Place) []line {
	var cpu, hits, requests, asked float64
	var cached bool
	reasons := map[string]int64{}
	for _, n := range f.nodes(places) {
		cpu += n.CPU.Value * n.Requests
		hits += n.CacheHits.Value * n.Requests
		cached = cached || n.CacheHits.Known
		requests += n.Requests
		asked += n.Amplified * n.Requests
		for word, count := range n.Reasons {
			reasons[word] += count
		}
	}
	var lines []line
	if requests == 0 {
		return []line{{"", "no requests"}}
	}
	if cpu > 0 {
		lines = append(lines, line{"", latency(cpu/requests) + " CPU"})
	}
	if cached {
		lines = append(lines, line{"", share(hits/requests) + " from cache"})
	}
	if asked > requests*1.005 {
		lines = append(lines, line{"", share(asked/requests-1) + " tried again"})
	}
	return append(lines, troubles(reasons)...)
}

func (f flow) nodes(places []topologies.Place) []measure.NodeSummary {
	wanted := map[string]bool{}
	for _, p := range places {
		wanted[string(p)] = true
	}
	return slices.DeleteFunc(slices.Clone(f.summary.Nodes), func(n measure.NodeSummary) bool { return !wanted[n.Place] })
}

// asked is the rate of attempts from some places at others.
func (f flow) asked(from, to []topologies.Place) float64 {
	total := 0.0
	for _, n := range f.nodes(from) {
		for _, place := range to {
			total += n.Asked[string(place)]
		}
	}
	return total
}

// add puts a box into its layer.
func (s *sketch) add(b *box) {
	for len(s.layers) <= b.layer {
		s.layers = append(s.layers, nil)
	}
	s.layers[b.layer] = append(s.layers[b.layer], b)
}

// join draws an arrow, with a bend in each layer that it passes.
func (s *sketch) join(from, to *box, rate float64) {
	a := &arrow{from: from, to: to, rate: rate}
	for l := from.layer + 1; l < to.layer; l++ {
		bend := &box{layer: l}
		s.add(bend)
		a.bends = append(a.bends, bend)
	}
	to.in = append(to.in, a)
	s.arrows = append(s.arrows, a)
}

// sort orders each layer by the middle of what leads there, so that few
// arrows cross.
func (s *sketch) sort() {
	for _, layer := range s.layers {
		for i, b := range layer {
			b.order = s.middle(b, float64(i)*1e-3)
		}
		slices.SortStableFunc(layer, func(a, b *box) int { return cmp.Compare(a.order, b.order) })
		for i, b := range layer {
			b.order = float64(i) - float64(len(layer)-1)/2
		}
	}
}

// middle is the mean order of the boxes that lead to b; tie parts equals.
func (s *sketch) middle(b *box, tie float64) float64 {
	sum, n := 0.0, 0.0
	for _, a := range s.arrows {
		steps := append(append([]*box{a.from}, a.bends...), a.to)
		if i := slices.Index(steps, b); i > 0 {
			sum, n = sum+steps[i-1].order, n+1
		}
	}
	if n == 0 {
		return tie
	}
	return sum/n + tie
}

// label writes the rate into boxes to which too many arrows lead to be
// labelled each.
func (s *sketch) label() {
	for _, layer := range s.layers {
		for _, b := range layer {
			if len(b.in) <= mostLabels {
				continue
			}
			total := 0.0
			for _, a := range b.in {
				total += a.rate
			}
			b.lines = slices.Insert(b.lines, 1, line{"", rate(total)})
		}
	}
}

// mostLabels is how many labelled arrows may lead to one box.
const mostLabels = 2

// troubles says what share was refused or failed.
func troubles(reasons map[string]int64) []line {
	var lines []line
	all := total(reasons)
	if all == 0 {
		return nil
	}
	if limited := reasons["limited"] + reasons["denied"]; limited > 0 {
		lines = append(lines, line{"limited", share(float64(limited)/float64(all)) + " refused"})
	}
	if failed := all - reasons["ok"] - reasons["limited"] - reasons["denied"]; failed > 0 {
		lines = append(lines, line{"bad", share(float64(failed)/float64(all)) + " failed"})
	}
	return lines
}

func total(counts map[string]int64) int64 {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	return sum
}
