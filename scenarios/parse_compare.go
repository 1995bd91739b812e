package scenarios

import (
	"fmt"
	"strings"

	"trafficlab/topologies/strict"
)

// maxVariants bounds the product of all values to compare.
const maxVariants = 64

// plan is a variant before it is read.
type plan struct {
	name    string // "": named after its topology
	changes []strict.Change
}

const compareExample = "lb.pick: [round-robin, p2c], or a name and its changes: fast: {api.workers: 8}"

// plans reads what to compare: either paths with lists of values, of which
// every combination is a variant, or names with maps of changes.
func (r *reader) plans(v strict.Value) []plan {
	if !v.Present() {
		return []plan{{}}
	}
	entries := v.Entries(compareExample)
	if len(entries) == 0 {
		if v.IsMap() {
			v.Wrong("compares nothing", compareExample)
		}
		return []plan{{}}
	}
	var plans []plan
	if entries[0].Value.IsMap() {
		plans = r.named(entries)
	} else {
		plans = r.product(v, entries)
	}
	seen := map[string]bool{}
	for _, p := range plans {
		if seen[p.name] {
			v.Wrong(fmt.Sprintf("two variants would be called %q", p.name), "names of their own: fast: {api.workers: 8}")
		}
		seen[p.name] = true
	}
	return plans
}

func (r *reader) named(entries []strict.Entry) []plan {
	var plans []plan
	if len(entries) > maxVariants {
		entries[maxVariants].Value.WrongKey("is one variant too many", fmt.Sprintf("at most %d", maxVariants))
		entries = entries[:maxVariants]
	}
	for _, e := range entries {
		p := plan{name: e.Key}
		if !strict.IsLabel(e.Key) || e.Key == "all" || e.Key == "baseline" {
			e.Value.WrongKey("is no name for a variant", strict.LabelForm+"; all and baseline mean something else")
		}
		for _, change := range e.Value.Entries("a map of changes: {lb.pick: p2c}, or {} for none") {
			p.changes = append(p.changes, strict.ChangeOf(change, change.Value))
		}
		plans = append(plans, p)
	}
	return plans
}

func (r *reader) product(v strict.Value, entries []strict.Entry) []plan {
	plans := []plan{{}}
	for _, e := range entries {
		values := e.Value.List("a list of values, such as lb.pick: [round-robin, p2c]")
		if e.Value.IsList() && len(values) == 0 {
			e.Value.Wrong("lists no value", "")
		}
		if len(values) == 0 {
			continue
		}
		if len(plans)*len(values) > maxVariants {
			v.Wrong("makes too many variants", fmt.Sprintf("at most %d", maxVariants))
			return plans
		}
		var longer []plan
		for _, p := range plans {
			for _, value := range values {
				longer = append(longer, p.with(e, value))
			}
		}
		plans = longer
	}
	return plans
}

func (p plan) with(e strict.Entry, value strict.Value) plan {
	name := label(e.Key, value)
	if p.name != "" {
		name = p.name + ", " + name
	}
	changes := append(p.changes[:len(p.changes):len(p.changes)], strict.ChangeOf(e, value))
	return plan{name, changes}
}

// shadowed notes changes that every variant makes anew, which would be without
// effect; and those from outside that some do, as the variants that are left
// would no longer be what their names say.
func (r *reader) shadowed(plans []plan) {
	for _, set := range r.sets {
		var by *strict.Change
		times := 0
		for _, p := range plans {
			if c := p.over(set.Path); c != nil {
				by, times = c, times+1
			}
		}
		if times == len(plans) || times > 0 && set.From(fromOutside) {
			set.Wrong("is what the scenario compares: it sets "+by.Path+" at "+by.Where(), "leave it out, or set compare")
		}
	}
}

// over is the plan's change of the path or of what it lies in, or nil.
func (p plan) over(path string) *strict.Change {
	for i, c := range p.changes {
		rest, inside := strings.CutPrefix(path, c.Path)
		if inside && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return &p.changes[i]
		}
	}
	return nil
}
