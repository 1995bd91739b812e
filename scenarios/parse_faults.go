package scenarios

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// FaultExample is a line of faults.
const FaultExample = `{at: 5s, for: 8s, on: "api[2]", slow: 5x}`

func faults(v strict.Value, t *topologies.Topology, length time.Duration) []Fault {
	var faults []Fault
	if !v.Present() {
		return nil
	}
	for _, item := range v.List("[" + FaultExample + "]") {
		f := fault(item, t, length)
		for i, earlier := range faults {
			if place, both := f.clash(earlier); both {
				item.Wrong(fmt.Sprintf("%s would meet a %s and a %s at once, with faults[%d]", place, f.Kind(), earlier.Kind(), i), "one after the other")
				break
			}
		}
		faults = append(faults, f)
	}
	return faults
}

// ends tells whether a fault ends the process, or makes it stand still.
func (f *Fault) ends() bool { return f.Crash || f.Freeze || f.Grace > 0 }

// clash finds a place whose process is to meet two ends at once.
func (f Fault) clash(o Fault) (place topologies.Place, both bool) {
	if !f.ends() || !o.ends() || f.Kind() == o.Kind() || f.At >= o.At+o.For || o.At >= f.At+f.For {
		return "", false
	}
	i := slices.IndexFunc(f.On, func(p topologies.Place) bool { return slices.Contains(o.On, p) })
	if i < 0 {
		return "", false
	}
	return f.On[i], true
}

func fault(v strict.Value, t *topologies.Topology, length time.Duration) Fault {
	f := Fault{}
	if !v.Fields(slices.Concat([]string{"at", "for", "every", "ramp", "stagger", "on"}, FaultNames())...) {
		return f
	}
	name := one(v, FaultNames(), "slow: 5x")
	kind := Faults[name]
	f.dated(v, name, length)
	if name != "" {
		kind.read(v.Get(name), &f)
	}
	if v.Get("on").Need(`on: "api[2]"`) {
		f.On = victims(v.Get("on"), t, kind)
		if f.Link.Only != 0 && strings.Contains(v.Get("on").Flow(), "|") {
			v.Get(name).Get("way").WrongKey("is not told between two sets", `on: "lb > api"`)
		}
	}
	return f
}

// Field is what may be said of something, as it is written and in a line.
type Field struct{ Name, About string }

// FaultFields are those that say when and where a fault is there.
var FaultFields = []Field{
	{"at: 5s", "from when, since the run began (0s if not given)"},
	{"for: 8s", "for how long; not given: for good"},
	{"every: 20s", "it comes back so long after its beginning, until the load ends"},
	{"ramp: 4s", "it grows to its full measure over so long"},
	{"stagger: 1s", "it comes to each place so much later than to the one before"},
	{`on: "api[2]"`, "a node, one of its replicas, a share of them (30% of api), a zone (zone a), or a list of such"},
	{`on: "lb > api"`, "for link and cut: from those who ask to those who are asked; clients ask the entry"},
	{`on: "edge, lb | api"`, "for link and cut: all links between two sets"},
}

// mostTimes bounds how often a fault may come back.
const mostTimes = 10_000

// dated reads when a fault is there.
func (f *Fault) dated(v strict.Value, name string, length time.Duration) {
	kind := Faults[name]
	f.At = v.Get("at").Duration(0, 0, longest)
	if length > 0 && f.At >= length {
		v.Get("at").Wrong("is not before the end of the load", "less than "+strict.Duration(length))
	}
	switch {
	case kind.instant && v.Get("for").Present():
		v.Get("for").WrongKey("not for a "+name, "it is over at once")
	case !kind.instant:
		f.For = v.Get("for").Duration(ForGood, time.Millisecond, longest)
		if !v.Get("for").Noted() && f.For < ForGood && f.At < length && f.At+f.For > length {
			v.Get("for").Wrong("lasts longer than the load", "at most "+strict.Duration(length-f.At)+", or nothing for a fault that stays")
		}
	}
	f.Stagger = v.Get("stagger").Duration(0, time.Millisecond, longest)
	if again := v.Get("every"); again.Present() {
		f.Every = again.Duration(0, time.Millisecond, longest)
		switch {
		case f.Every <= f.For:
			again.Wrong("begins again before it is over", "more than its for, which is "+forWords(f.For))
		case f.Every > 0 && f.At < length:
			f.Times = int(min((length-f.At-1)/f.Every+1, mostTimes))
		}
	}
	if ramp := v.Get("ramp"); ramp.Present() {
		f.Ramp = ramp.Duration(0, time.Millisecond, longest)
		switch {
		case name != "" && !kind.graded:
			ramp.WrongKey("not for a "+name, "there is no less of it")
		case f.Ramp > f.For:
			ramp.Wrong("lasts longer than the fault", "at most "+forWords(f.For))
		}
	}
}

func forWords(d time.Duration) string {
	if d == ForGood {
		return "without end"
	}
	return strict.Duration(d)
}

// victims are places, or all replicas of nodes.
func victims(v strict.Value, t *topologies.Topology, kind FaultKind) []topologies.Place {
	var places []topologies.Place
	for _, item := range v.OneOrMore(`on: "api[2]"`) {
		name := item.Text("")
		if name == "" {
			continue
		}
		var found []topologies.Place
		if isLink(name) || kind.links {
			found = links(item, t, kind)
		} else {
			found = standing(item, t, kind)
		}
		for _, place := range found {
			if slices.Contains(places, place) {
				item.Wrong(fmt.Sprintf("%s is named twice", place), "")
				continue
			}
			places = append(places, place)
		}
	}
	if v.IsList() && len(places) == 0 {
		v.Wrong("names no place", `on: "api[2]"`)
	}
	return places
}

// standing reads which places an item means, for a kind of faults.
func standing(item strict.Value, t *topologies.Topology, kind FaultKind) []topologies.Place {
	name := item.Text("")
	found := placesOf(t, name)
	if len(found) == 0 {
		item.Wrong(fmt.Sprintf("%s has no place %q", t.Name, name), strict.Suggest(name, "the places are", placeNames(t)))
	}
	for _, node := range owners(t, found) {
		switch {
		case node == nil && !kind.process:
			item.Wrong("a Redis does nothing here but count", "crash: true, or freeze: true")
		case node == nil:
		case node.Kind == topologies.External:
			item.Wrong(fmt.Sprintf("%s is external, which nothing here can make ill", node.Name), "")
		case kind.fits != nil:
			if wrong, right := kind.fits(node); wrong != "" {
				item.Wrong(node.Name+" "+wrong, right)
			}
		}
	}
	return found
}

// links reads which links an item means, for a kind of faults.
func links(item strict.Value, t *topologies.Topology, kind FaultKind) []topologies.Place {
	words := item.Text("")
	switch {
	case !kind.links:
		item.Wrong(fmt.Sprintf("%s is a link, which this cannot befall", words), "link: {delay: 20ms}, or cut: reset; or a node")
		return nil
	case !isLink(words):
		item.Wrong(fmt.Sprintf("%s is no link", words), aLink)
		return nil
	}
	found, wrong, right := linksOf(t, words)
	if wrong != "" {
		item.Wrong(wrong, right)
	}
	return found
}

// redis is how a fault names what limits are shared in, unless a node is called
// so.
const redis = "redis"

// placesOf are those that words speak of: a node, one of its replicas, a share
// of its replicas (the first ones) or all that stands in a zone.
func placesOf(t *topologies.Topology, words string) []topologies.Place {
	if zone, ok := strings.CutPrefix(words, "zone "); ok {
		return slices.DeleteFunc(t.Places(), func(p topologies.Place) bool { return t.Zone(p) != strings.TrimSpace(zone) })
	}
	if before, node, ok := strings.Cut(words, " of "); ok {
		share, err := strict.ParseShare(strings.TrimSpace(before))
		n := t.Node(strings.TrimSpace(node))
		if err != nil || n == nil || share <= 0 || share > 1 {
			return nil
		}
		places := n.Places()
		return places[:int(math.Ceil(share*float64(len(places))))]
	}
	if n := t.Node(words); n != nil {
		return n.Places()
	}
	if place := topologies.Place(words); slices.Contains(t.Places(), place) {
		return []topologies.Place{place}
	}
	if words == redis && len(t.Redises()) > 0 {
		return []topologies.Place{topologies.Redis}
	}
	return nil
}

// owners are the nodes that places belong to, each once.
func owners(t *topologies.Topology, places []topologies.Place) []*topologies.Node {
	var nodes []*topologies.Node
	for _, p := range places {
		if n := t.Node(p.Node()); !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func placeNames(t *topologies.Topology) []string {
	var names []string
	for _, n := range t.Nodes {
		if n.Numbered {
			names = append(names, n.Name)
		}
		for _, p := range n.Places() {
			names = append(names, string(p))
		}
	}
	if len(t.Redises()) > 0 {
		names = append(names, redis)
	}
	return names
}
