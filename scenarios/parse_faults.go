package scenarios

import (
	"fmt"
	"slices"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// ailments are the effects of a fault: exactly one. A purge is over at once.
var ailments = []string{"crash", "freeze", "slow", "errors", "drain", "purge"}

const faultExample = `{at: 5s, for: 8s, on: "api[2]", slow: 5x}`

func faults(v strict.Value, t *topologies.Topology, length time.Duration) []Fault {
	var faults []Fault
	if !v.Present() {
		return nil
	}
	for _, item := range v.List("[" + faultExample + "]") {
		f := fault(item, t, length)
		for i, earlier := range faults {
			if place, both := f.clash(earlier); both {
				item.Wrong(fmt.Sprintf("%s would be crashed and frozen at once, with faults[%d]", place, i), "one after the other")
				break
			}
		}
		faults = append(faults, f)
	}
	return faults
}

// clash finds a place that is to be both gone and standing still.
func (f Fault) clash(o Fault) (place topologies.Place, both bool) {
	if !(f.Crash && o.Freeze || f.Freeze && o.Crash) || f.At >= o.At+o.For || o.At >= f.At+f.For {
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
	if !v.Fields(slices.Concat([]string{"at", "for", "on"}, ailments)...) {
		return f
	}
	f.At = v.Get("at").Duration(0, 0, longest)
	if length > 0 && f.At >= length {
		v.Get("at").Wrong("is not before the end of the load", "less than "+strict.Duration(length))
	}
	ailment := one(v, ailments, "slow: 5x")
	switch {
	case ailment == "purge" && v.Get("for").Present():
		v.Get("for").WrongKey("not for a purge", "it is over at once")
	case ailment != "purge" && v.Get("for").Need("for: 5s"):
		f.For = v.Get("for").Duration(0, time.Millisecond, longest)
		if f.At < length && f.At+f.For > length {
			v.Get("for").Wrong("lasts longer than the load", "at most "+strict.Duration(length-f.At))
		}
	}
	switch value := v.Get(ailment); ailment {
	case "crash":
		f.Crash = yes(value)
	case "freeze":
		f.Freeze = yes(value)
	case "slow":
		f.Slow = value.Factor(1, 1, 1000)
	case "drain":
		f.Drain = yes(value)
	case "errors":
		f.Errors = value.Share(0, 0.0001, 1)
	case "purge":
		f.Purge = purge(value)
	}
	if v.Get("on").Need(`on: "api[2]"`) {
		f.On = victims(v.Get("on"), t, ailment)
	}
	return f
}

// yes reads true, the only value that says something.
func yes(v strict.Value) bool {
	if !v.Bool(true) {
		v.Wrong("says nothing", "true, or leave the fault out")
	}
	return true
}

// purge reads what to forget: paths, or a tag.
func purge(v strict.Value) Purge {
	p := Purge{}
	if v.IsText() {
		p.Path = v.Text("")
	} else {
		if !v.Fields("path", "tag") {
			return p
		}
		switch one(v, []string{"path", "tag"}, "tag: products") {
		case "path":
			p.Path = v.Get("path").Text("")
		case "tag":
			p.Tag = v.Get("tag").Text("")
		default:
			return p
		}
	}
	if err := p.Check(); err != nil {
		v.Wrong(err.Error(), `such as "/products/*", or {tag: products}`)
	}
	return p
}

// victims are places, or all replicas of nodes.
func victims(v strict.Value, t *topologies.Topology, ailment string) []topologies.Place {
	var places []topologies.Place
	for _, item := range v.OneOrMore(`on: "api[2]"`) {
		name := item.Text("")
		if name == "" {
			continue
		}
		found := placesOf(t, name)
		if found == nil {
			item.Wrong(fmt.Sprintf("%s has no place %q", t.Name, name), strict.Suggest(name, "the places are", placeNames(t)))
			continue
		}
		switch n := t.Node(found[0].Node()); {
		case n == nil && ailment != "crash" && ailment != "freeze":
			item.Wrong("a Redis does nothing here but count", "crash: true, or freeze: true")
		case n == nil:
		case n.Kind == topologies.External:
			item.Wrong(fmt.Sprintf("%s is external, which nothing here can make ill", name), "")
		case ailment == "slow" && n.Kind.Proxies():
			item.Wrong(fmt.Sprintf("%s does no work of its own that could be slow", name), "slow a backend, or freeze this")
		case ailment == "purge" && n.Cache == nil:
			item.Wrong(fmt.Sprintf("%s has no cache that could be purged", name), "a node with a cache")
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

// redis is how a fault names what limits are shared in, unless a node is called
// so.
const redis = "redis"

func placesOf(t *topologies.Topology, name string) []topologies.Place {
	if n := t.Node(name); n != nil {
		return n.Places()
	}
	if place := topologies.Place(name); slices.Contains(t.Places(), place) {
		return []topologies.Place{place}
	}
	if name == redis && len(t.Redises()) > 0 {
		return []topologies.Place{topologies.Redis}
	}
	return nil
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
