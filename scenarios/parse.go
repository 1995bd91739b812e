package scenarios

import (
	"fmt"
	"math"
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Fields of a scenario: those that are the same for all variants, and those
// that a variant may change.
var (
	common = []string{"name", "question", "compare", "baseline", "judge-by", "repeat", "seed", "worlds", "generators", "set", "waterfall", "expect"}
	varied = []string{"topology", "load", "faults", "warmup", "timeout", "deadline"}
	fields = slices.Concat(common, varied)
)

// MostRepetitions is how often a variant may be run.
const MostRepetitions = 1000

// maxGenerators bounds the processes that fire a load: more than a machine has
// processors are of no use.
const maxGenerators = 64

const (
	defaultRepeat  = 5
	defaultWarmup  = time.Second
	defaultTimeout = 5 * time.Second
	longest        = 24 * time.Hour
)

// reader reads one scenario file.
type reader struct {
	folder string
	log    *strict.Log
	s      *Scenario
	sets   []strict.Change // made in every variant: by the file, then from outside
	used   map[string]bool // paths of sets that found their node
	nodes  []string        // of all topologies seen, for suggestions

	logs      logs // that loads replay
	waterfall bool // every node tells where time went
}

func (r *reader) scenario(doc *strict.Document) {
	r.sets = slices.Concat(forAll(doc.Root().Get("set")), r.sets)
	for _, c := range r.sets {
		if slices.Contains(fields, c.First()) {
			doc.Apply(c, "")
		}
	}
	root := doc.Root()
	if !root.Fields(fields...) {
		return
	}
	if root.Get("name").Need("name: my-scenario") {
		r.s.Name = root.Get("name").Name("")
	}
	if root.Get("question").Need("question: what the scenario is to answer") {
		r.s.Question = root.Get("question").Text("")
	}
	r.s.Repeat = root.Get("repeat").Int(defaultRepeat, 1, MostRepetitions)
	r.s.Seed = uint64(root.Get("seed").Int(1, 0, math.MaxInt))
	r.worlds(root.Get("worlds"))
	r.generators(root.Get("generators"))
	r.waterfall = root.Get("waterfall").Bool(false)
	r.variants(doc)
	r.s.Baseline = r.baseline(root.Get("baseline"))
	r.s.JudgeBy = measure.Metric{Name: "p99"}
	if by := root.Get("judge-by"); by.Present() {
		r.s.JudgeBy = r.metric(by.Text("p99"), by.Wrong)
	}
	r.expectations(root.Get("expect"))
}

// forAll reads the changes that all variants have in common.
func forAll(v strict.Value) []strict.Change {
	var changes []strict.Change
	if !v.Present() {
		return nil
	}
	for _, e := range v.Entries("a map of changes: {lb.retry: off, api.workers: 2}") {
		c := strict.ChangeOf(e, e.Value)
		if slices.Contains(common, c.First()) {
			c.Wrong("is a field of the scenario itself", "set changes nodes of the topology, or "+list(varied))
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// worlds reads where the scenario makes sense: in both worlds, unless it says
// otherwise.
func (r *reader) worlds(v strict.Value) {
	all := []string{"live", "sim"}
	if !v.Present() {
		r.s.Worlds = all
		return
	}
	for _, one := range v.OneOrMore("[sim]") {
		world := one.Word("", all...)
		if world != "" && !slices.Contains(r.s.Worlds, world) {
			r.s.Worlds = append(r.s.Worlds, world)
		}
	}
	if v.IsList() && len(r.s.Worlds) == 0 && !v.Noted() {
		v.Wrong("names no world", "live, sim, or both")
	}
	slices.Sort(r.s.Worlds)
}

// generators reads how many processes fire the load.
func (r *reader) generators(v strict.Value) {
	n := v.Int(1, 1, maxGenerators)
	switch {
	case n == 1:
	case r.s.Apart():
		v.WrongKey("is for the live world: nobody is late to send in the simulator", "worlds: [live, sim], or leave it out")
	default:
		r.s.Generators = n
	}
}

func (r *reader) baseline(v strict.Value) string {
	names := r.names()
	if len(names) == 0 || names[0] == "" { // no topology to be named after
		return ""
	}
	if !v.Present() {
		return names[0]
	}
	return r.known(v, v.Text(names[0]), "variant", names)
}

// known notes a word that is none of those known.
func (r *reader) known(v strict.Value, word, what string, known []string) string {
	if len(known) > 0 && !slices.Contains(known, word) {
		v.Wrong(fmt.Sprintf("unknown %s %q", what, word), strict.Suggest(word, "the "+what+"s are", known))
	}
	return word
}

func (r *reader) names() []string {
	names := make([]string, len(r.s.Variants))
	for i, v := range r.s.Variants {
		names[i] = v.Name
	}
	return names
}

// variants reads each variant from a copy of the file with its changes made.
func (r *reader) variants(doc *strict.Document) {
	r.used = map[string]bool{}
	plans := r.plans(doc.Root().Get("compare"))
	r.shadowed(plans)
	for _, p := range plans {
		r.s.Variants = append(r.s.Variants, r.variant(doc.Clone(), p))
	}
	for _, c := range r.sets {
		if !slices.Contains(fields, c.First()) && !r.used[c.Path] && len(r.nodes) > 0 {
			r.stray(c)
		}
	}
}

// stray notes a change whose path begins nowhere.
func (r *reader) stray(c strict.Change) {
	c.Wrong(fmt.Sprintf("%q is neither a node of the topology nor a field of the scenario", c.First()),
		strict.Suggest(c.First(), "such as", slices.Concat(r.nodes, varied)))
}

func (r *reader) variant(doc *strict.Document, p plan) Variant {
	v := Variant{Name: p.name}
	for _, c := range p.changes {
		v.Changes = append(v.Changes, Change{c.Path, c.Value().Flow()})
		if slices.Contains(common, c.First()) {
			c.Wrong("is the same for all variants", "a variant changes nodes of the topology, or "+list(varied))
		} else if slices.Contains(varied, c.First()) {
			doc.Apply(c, "")
		}
	}
	root := doc.Root()
	v.Topology = r.topology(root.Get("topology"), p.changes)
	if v.Topology != nil && slices.Contains(r.s.Worlds, "live") {
		if why := v.Topology.TooMuchLive(); why != "" {
			root.Get("topology").Wrong("is not for the live world: "+why, "worlds: [sim]")
		}
	}
	if v.Name == "" && v.Topology != nil {
		v.Name = v.Topology.Name
	}
	if load := root.Get("load"); load.Need("load: {poisson: 100/s, for: 10s, mix: [{get: /}]}") {
		v.Load = loadReader{v.Topology, slices.Contains(r.s.Worlds, "live"), slices.Contains(r.s.Worlds, "sim"), r.folder, r.logs, nil}.load(load)
	}
	length := v.Load.Duration()
	if untimed(root.Get("load")) {
		length = 0 // unknown: nothing follows from it
	}
	v.Warmup = root.Get("warmup").Duration(min(defaultWarmup, length/5), 0, longest)
	if length > 0 && v.Warmup >= length {
		root.Get("warmup").Wrong("leaves nothing of the load", "less than "+strict.Duration(length))
	}
	v.Timeout = root.Get("timeout").Duration(defaultTimeout, time.Millisecond, longest)
	patience := v.Timeout
	if root.Get("timeout").Noted() {
		patience = longest
	}
	v.Deadline = root.Get("deadline").Duration(v.Timeout, time.Millisecond, patience)
	if v.Topology != nil {
		v.Faults = faults(root.Get("faults"), v.Topology, length)
	}
	return v
}

// untimed tells whether the load's length was mistaken.
func untimed(load strict.Value) bool {
	streams := []strict.Value{load}
	if load.IsList() {
		streams = load.List("")
	}
	return slices.ContainsFunc(streams, func(s strict.Value) bool {
		return s.Get("for").Noted() || s.Get("at").Noted() || s.Get("steps").Noted()
	})
}

// topology reads a variant's topology with the changes that concern its nodes.
func (r *reader) topology(v strict.Value, changes []strict.Change) *topologies.Topology {
	if !v.Need("topology: a shipped one's name, or a file") {
		return nil
	}
	name := v.Text("")
	if name == "" {
		return nil
	}
	file, data, err := topologies.Find(name, r.folder)
	if err != nil {
		v.Wrong(err.Error(), "")
		return nil
	}
	doc := strict.Parse(file, data, r.log)
	if doc == nil {
		return nil
	}
	nodes := nodesOf(doc)
	r.remember(nodes)
	for i, c := range slices.Concat(r.sets, changes) {
		switch first := c.First(); {
		case slices.Contains(fields, first): // made already
		case slices.Contains(nodes, first):
			doc.Apply(c, "nodes")
			r.used[c.Path] = true
		case i >= len(r.sets):
			r.stray(c)
		}
	}
	for _, node := range nodes {
		if slices.Contains(fields, node) {
			doc.Root().Get("nodes").Get(node).WrongKey("is also a field of scenarios, so that paths cannot tell them apart", "another name")
		}
	}
	t := topologies.Read(file, doc)
	if t != nil && r.waterfall {
		for _, n := range t.Nodes {
			n.ServerTiming = n.ServerTiming || n.Kind != topologies.External
		}
	}
	return t
}

func (r *reader) remember(nodes []string) {
	for _, n := range nodes {
		if !slices.Contains(r.nodes, n) {
			r.nodes = append(r.nodes, n)
		}
	}
}

func nodesOf(doc *strict.Document) []string {
	nodes := doc.Root().Get("nodes")
	if !nodes.IsMap() {
		return nil
	}
	var names []string
	for _, e := range nodes.Entries("") {
		names = append(names, e.Key)
	}
	return names
}
