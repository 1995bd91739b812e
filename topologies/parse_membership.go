package topologies

import (
	"maps"
	"slices"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

// membership reads a field of policy.Memberships: nil if absent or off, the
// defaults if on.
func membership(node strict.Value, name string) policy.Params {
	v, kind := node.Get(name), policy.Memberships[name]
	switch {
	case !v.Present() || v.Off():
		return nil
	case v.IsText():
		v.Word("on", "on", "off")
		return kind.Params(nil)
	}
	return kind.Params(parameters(v, name, kind.Parameters))
}

// slowStart needs a picker that heeds weights.
func slowStart(node strict.Value, pick policy.Choice) policy.Params {
	p := membership(node, "slow-start")
	if kind, known := policy.Pickers[pick.Name]; p != nil && known && !kind.Ramps {
		node.Get("slow-start").WrongKey(pick.Name+" does not heed weights, which slow start changes",
			"pick: "+pickersThat(ramps))
	}
	return p
}

func ramps(kind policy.PickerKind) bool  { return kind.Ramps }
func weighs(kind policy.PickerKind) bool { return kind.Weighs }

// pickersThat are those of which something holds.
func pickersThat(do func(policy.PickerKind) bool) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(policy.Pickers)) {
		if do(policy.Pickers[name]) {
			names = append(names, name)
		}
	}
	return list(names)
}

// sticky reads the name of the cookie that keeps clients with their place.
func sticky(v strict.Value) string {
	if !v.Present() || v.Off() || !v.Fields("cookie") || !v.Get("cookie").Need("cookie: lab") {
		return ""
	}
	name := v.Get("cookie").Text("lab")
	if !isToken(name) {
		v.Get("cookie").Wrong("is no name of a cookie", "such as lab")
	}
	return name
}

// zoneAware needs to know where the proxy stands.
func zoneAware(node strict.Value, n *Node) policy.Params {
	p := membership(node, "zone-aware")
	if p != nil && n.Zones == nil {
		node.Get("zone-aware").WrongKey("nothing says where this node stands", "zones: [a, b], here and on the nodes that it asks")
	}
	return p
}
