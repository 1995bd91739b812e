package measure

// usualObjective is the share of requests that are to succeed where the
// scenario expects no availability.
const usualObjective = 0.999

// burn enters how much of the error budget each run has used: the share that
// failed over the share that may.
func (g Group) burn(q *Question) {
	may := 1 - q.objective()
	for _, t := range g {
		if ok, known := t.Figure(Metric{Name: "availability"}); known {
			t.figures[Metric{Name: "budget"}] = (1 - ok) / may
		}
	}
}

// objective is the highest availability that any variant is expected to have:
// one for all of them, so that what they burnt can be compared.
func (q *Question) objective() float64 {
	highest := 0.
	for _, e := range q.Expect {
		if e.Metric == (Metric{Name: "availability"}) && !e.Relative && !e.Less && e.Bound < 1 {
			highest = max(highest, e.Bound)
		}
	}
	if highest == 0 {
		return usualObjective
	}
	return highest
}

// effort enters what it took to answer: attempts for a request at the hop that
// makes most of them, and work that nobody waited for any more.
func (r *Run) effort(t *Tally) {
	var worked, wasted float64
	for i := range r.Nodes {
		n := &r.Nodes[i]
		worked, wasted = worked+n.Worked.Seconds(), wasted+n.Wasted.Seconds()
		if asked := sum(n.Asked); asked > 0 && n.Requests > 0 {
			m := Metric{Name: "amplification"}
			t.figures[m] = max(t.figures[m], float64(asked)/float64(n.Requests))
		}
	}
	if worked > 0 {
		t.figures[Metric{Name: "wasted"}] = min(1, wasted/worked)
	}
}
