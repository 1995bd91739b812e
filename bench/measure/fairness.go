package measure

import "time"

// fairness enters how evenly the backends of a pool that were well all the time
// were used, whatever their weights: of several pools the most uneven. Jain's
// index (Jain, Chiu and Hawe, A Quantitative Measure of Fairness, DEC-TR-301,
// 1984) of n loads is 1 if they are equal and 1/n if one has all.
func (r *Run) fairness(t *Tally) {
	note := func(name string, value float64, worse func(a, b float64) bool) {
		m := Metric{Name: name}
		if had, known := t.figures[m]; !known || worse(value, had) {
			t.figures[m] = value
		}
	}
	less := func(a, b float64) bool { return a < b }
	more := func(a, b float64) bool { return a > b }
	for _, pool := range r.wellPools() {
		var all, squares, most float64
		for _, n := range pool {
			x := float64(n.Requests)
			all, squares, most = all+x, squares+x*x, max(most, x)
		}
		if all == 0 {
			continue
		}
		note("fairness", all*all/(float64(len(pool))*squares), less)
		note("imbalance", most*float64(len(pool))/all, more)
		if longest, ok := r.starved(pool); ok {
			note("starvation", longest.Seconds(), more)
		}
	}
	var keys, moved int64
	for _, n := range r.Nodes {
		keys, moved = keys+n.Keys, moved+n.Moved
	}
	if keys > 0 {
		t.figures[Metric{Name: "keys-moved"}] = float64(moved) / float64(keys)
	}
}

// wellPools are the replicas of each backend that no fault befell, nor the way to
// them, where there are several.
func (r *Run) wellPools() (pools [][]*NodeUse) {
	ill := map[string]bool{}
	for _, f := range r.Faults {
		for _, place := range f.Places {
			_, at, _ := ends(place)
			ill[at] = true
		}
	}
	for i := 0; i < len(r.Nodes); {
		name := nodeName(r.Nodes[i].Place)
		var pool []*NodeUse
		for ; i < len(r.Nodes) && nodeName(r.Nodes[i].Place) == name; i++ {
			if n := &r.Nodes[i]; n.Kind == "backend" && !ill[n.Place] {
				pool = append(pool, n)
			}
		}
		if len(pool) > 1 {
			pools = append(pools, pool)
		}
	}
	return pools
}

// starved is the longest time after warm-up for which one of the pool got
// nothing, of which only those ticks count in which another got something.
func (r *Run) starved(pool []*NodeUse) (longest time.Duration, ok bool) {
	tick := Tick(r.Duration)
	var all Series
	for _, n := range pool {
		if n.Received == nil {
			return 0, false
		}
		all = all.Plus(n.Received)
	}
	for _, n := range pool {
		hungry := time.Duration(0)
		for t := int((r.Warmup + tick - 1) / tick); t < int(r.Duration/tick); t++ {
			switch {
			case n.Received.at(t) > 0:
				hungry = 0
			case all.at(t) > 0:
				hungry += tick
				longest = max(longest, hungry)
			}
		}
	}
	return longest, true
}
