package components

import "trafficlab/topologies"

// plan is what some consumers may take.
type plan struct {
	name   string
	limits []limits
	groups []string // of those it is for; empty, as consumers: everybody else
	policy []string // what RateLimit-Policy says of it
}

// plans finds the plan of a consumer.
type plans struct {
	all        []*plan
	byConsumer map[string]*plan
	byGroup    []*plan // in the file's order
	others     *plan   // nil: no limits of a plan
}

// newPlans is nil if there are none.
func newPlans(node *topologies.Node, tallies Tallies) *plans {
	if len(node.Plans) == 0 {
		return nil
	}
	all := &plans{byConsumer: map[string]*plan{}}
	for _, told := range node.Plans {
		named := namedApart(told.Name+"-", told.Limits)
		p := &plan{
			name:   told.Name,
			limits: newLimits(node.Name+"."+told.Name, named, tallies, node.LimitFields != nil),
			groups: told.Groups,
			policy: policies(named),
		}
		all.all = append(all.all, p)
		if len(told.Consumers)+len(told.Groups) == 0 {
			all.others = p
		}
		for _, consumer := range told.Consumers {
			if all.byConsumer[consumer] == nil {
				all.byConsumer[consumer] = p
			}
		}
		if len(told.Groups) > 0 {
			all.byGroup = append(all.byGroup, p)
		}
	}
	return all
}

// of is the plan of who asks: one that names the consumer, else the first that
// names a group, else the one for all others.
func (all *plans) of(a *auth, who *bearer) *plan {
	if who == nil {
		return all.others
	}
	if p := all.byConsumer[who.consumer]; p != nil {
		return p
	}
	for _, p := range all.byGroup {
		if anyOf(p.groups, who.groups) || anyOf(p.groups, a.groups[who.consumer]) {
			return p
		}
	}
	return all.others
}
