package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

const expectExample = `{all: {availability: "> 99%"}, p2c: {p99: "< baseline", sim: {p99: "< 30ms"}}}`

// expectations reads, for all variants or one, bounds of metrics; under live
// or sim those for one world alone.
func (r *reader) expectations(v strict.Value) {
	if !v.Present() {
		return
	}
	for _, e := range v.Entries(expectExample) {
		known := append(r.names(), "all")
		if len(r.s.Variants) > 0 && !slices.Contains(known, e.Key) {
			e.Value.WrongKey(fmt.Sprintf("unknown variant %q", e.Key), strict.Suggest(e.Key, "the variants are", known))
		}
		for _, bound := range e.Value.Entries(`{p99: "< baseline"}`) {
			if bound.Key != "live" && bound.Key != "sim" {
				r.bounds(e.Key, "", bound)
				continue
			}
			for _, inner := range bound.Value.Entries(`{p99: "< baseline"}`) {
				r.bounds(e.Key, bound.Key, inner)
			}
		}
	}
}

// bounds reads one bound or several on a metric.
func (r *reader) bounds(variant, world string, e strict.Entry) {
	metric := r.metric(e.Key, e.Value.WrongKey)
	kind, known := measure.Metrics[metric.Name]
	if !known {
		return
	}
	if name := r.cacheless(variant); metric.Name == "cache-hits" && name != "" {
		e.Value.WrongKey(fmt.Sprintf("%s has no cache", name), "name the variants that have one")
		return
	}
	if name := r.faultless(variant); measure.OfFaults(metric.Name) && name != "" {
		e.Value.WrongKey(fmt.Sprintf("nothing goes wrong in %s", name), "give it faults, or name the variants that have some")
		return
	}
	for _, item := range e.Value.OneOrMore(`"< baseline"`) {
		x := measure.Expectation{Variant: variant, Metric: metric, World: world, Text: item.Text("")}
		if x.Text == "" || !bound(item, &x, kind.Unit) {
			continue
		}
		if x.Relative && (variant == "all" || variant == r.s.Baseline) && x.Less == (x.Bound <= 1) {
			item.Wrong("the baseline cannot be "+comparison(x.Less)+" itself", "name the variants that can")
			continue
		}
		r.s.Expect = append(r.s.Expect, x)
	}
}

// cacheless is the first variant meant, by its name or by all, that has no
// cache anywhere.
func (r *reader) cacheless(name string) string {
	for _, v := range r.s.Variants {
		if (name == "all" || name == v.Name) && v.Topology != nil &&
			!slices.ContainsFunc(v.Topology.Nodes, func(n *topologies.Node) bool { return n.Cache != nil }) {
			return v.Name
		}
	}
	return ""
}

// faultless is the first variant meant, by its name or by all, in which nothing
// goes wrong.
func (r *reader) faultless(name string) string {
	for _, v := range r.s.Variants {
		if (name == "all" || name == v.Name) && len(v.Faults) == 0 {
			return v.Name
		}
	}
	return ""
}

func comparison(less bool) string {
	if less {
		return "below"
	}
	return "above"
}

// metric reads "p99" or "p99 of alice", and notes a mistake by wrong.
func (r *reader) metric(text string, wrong func(wrong, right string)) measure.Metric {
	m, err := measure.ParseMetric(text)
	if err != nil {
		name, _, _ := strings.Cut(text, " of ")
		wrong(err.Error(), strict.Suggest(name, "the metrics are", measure.MetricNames()))
		return m
	}
	if m.Class == "" || len(r.s.Variants) == 0 {
		return m
	}
	var classes []string
	for _, variant := range r.s.Variants {
		classes = append(classes, variant.Load.Classes()...)
	}
	if !slices.Contains(classes, m.Class) {
		slices.Sort(classes)
		if classes = slices.DeleteFunc(classes, func(c string) bool { return c == "" }); len(classes) == 0 {
			wrong(fmt.Sprintf("unknown class %q: the load names none", m.Class), "such as {get: /, class: readers}")
			return m
		}
		wrong(fmt.Sprintf("unknown class %q of the load", m.Class), strict.Suggest(m.Class, "the classes are", slices.Compact(classes)))
	}
	return m
}

var boundForm = regexp.MustCompile(`^([<>])\s*(\S.*)$`)

// bound reads "< 30ms", "> 99%", "< baseline" or "> 2x baseline".
func bound(v strict.Value, x *measure.Expectation, unit measure.Unit) bool {
	wrong, right := readBound(x, unit)
	if wrong != "" {
		v.Wrong(wrong, right)
	}
	return wrong == ""
}

// readBound reads the text of an expectation, and tells what is wrong with it.
func readBound(x *measure.Expectation, unit measure.Unit) (wrong, right string) {
	m := boundForm.FindStringSubmatch(x.Text)
	if m == nil {
		return fmt.Sprintf("%q is no bound", x.Text), fmt.Sprintf(`such as "< %s" or "< 0.5x baseline"`, unitExample[unit])
	}
	x.Less = m[1] == "<"
	var err error
	if factor, relative := strings.CutSuffix(m[2], "baseline"); relative {
		x.Relative, x.Bound = true, 1
		if factor = strings.TrimSpace(factor); factor != "" {
			x.Bound, err = strict.ParseFactor(factor)
		}
	} else {
		x.Bound, err = parseUnit(unit, m[2])
	}
	if err != nil {
		return err.Error(), fmt.Sprintf(`such as "%s %s" or "%s 0.5x baseline"`, m[1], unitExample[unit], m[1])
	}
	if !x.Relative && (x.Less && x.Bound <= 0 || !x.Less && unit == measure.Share && x.Bound >= 1) {
		return fmt.Sprintf("nothing is ever %s", x.Text), fmt.Sprintf("such as %q", m[1]+" "+unitExample[unit])
	}
	return "", ""
}

var unitExample = map[measure.Unit]string{
	measure.Seconds: "30ms", measure.Share: "99%", measure.PerSec: "100/s", measure.Requests: "1000", measure.Times: "2x",
}

func parseUnit(unit measure.Unit, text string) (float64, error) {
	switch unit {
	case measure.Seconds:
		d, err := strict.ParseDuration(text)
		return d.Seconds(), err
	case measure.Share:
		share, err := strict.ParseShare(text)
		if err == nil && share > 1 {
			err = fmt.Errorf("%s is out of range", text)
		}
		return share, err
	case measure.PerSec:
		return strict.ParseRate(text)
	case measure.Times:
		return strict.ParseFactor(text)
	default:
		return strict.ParseNumber(text)
	}
}
