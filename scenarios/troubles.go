package scenarios

import (
	"cmp"
	"slices"

	"trafficlab/bench/measure"
)

// Troubles lists the spells of all faults for those who measure what they
// cost, in order of time.
func (v *Variant) Troubles() []measure.Fault {
	var all []measure.Fault
	for i := range v.Faults {
		f := &v.Faults[i]
		places := make([]string, len(f.On))
		for k, place := range f.On {
			places[k] = string(place)
		}
		for _, s := range f.Spells() {
			all = append(all, measure.Fault{Name: f.Word(), From: s.From, To: s.To, Places: places, Stagger: f.Stagger})
		}
	}
	slices.SortStableFunc(all, func(a, b measure.Fault) int { return cmp.Compare(a.From, b.From) })
	return all
}
