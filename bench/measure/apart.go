package measure

import (
	"fmt"
	"math"
	"strings"
)

// Apart is a figure in which the simulator misses the live world by more than
// it should.
type Apart struct {
	Variant   string
	Metric    Metric
	Live, Sim float64
	Error     float64 // of the simulator, as a share of the live figure
}

// tolerances are how far the simulator may be off at moderate load, as shares
// of the live figure. What lies within the live figure's own interval is not
// off.
var tolerances = map[string]float64{"p50": .10, "p99": .20}

// apart lists where the simulator is off, in the order of variants.
func apart(r *Result) []Apart {
	var all []Apart
	for _, variant := range r.Variants {
		live, sim := r.summary("live", variant), r.summary("sim", variant)
		if live == nil || sim == nil {
			continue
		}
		for _, name := range []string{"p50", "p99"} {
			m := Metric{Name: name}
			if a, off := apartIn(m, live.Figure(m), sim.Figure(m)); off {
				a.Variant = variant
				all = append(all, a)
			}
		}
	}
	return all
}

func apartIn(m Metric, live, sim Figure) (a Apart, off bool) {
	if !live.Known || !sim.Known || live.Value <= 0 {
		return Apart{}, false
	}
	within := live.N > 1 && live.Low <= sim.Value && sim.Value <= live.High
	a = Apart{Metric: m, Live: live.Value, Sim: sim.Value, Error: sim.Value/live.Value - 1}
	return a, math.Abs(a.Error) > tolerances[m.Name] && !within
}

// summary is a variant in a world, or nil.
func (r *Result) summary(world, variant string) *Summary {
	for i := range r.Summaries {
		if s := &r.Summaries[i]; s.World == world && s.Variant == variant {
			return s
		}
	}
	return nil
}

// Text says the error in words: "p50 of lb: simulated 8.2 ms, live 9 ms (−9%)".
func (a Apart) Text() string {
	return fmt.Sprintf("%s of %s: simulated %s, live %s (%+.0f%%)",
		a.Metric, a.Variant, Text(a.Metric, a.Sim), Text(a.Metric, a.Live), a.Error*100)
}

// ApartText says all errors in a line, or nothing if there are none.
func ApartText(all []Apart) string {
	if len(all) == 0 {
		return ""
	}
	texts := make([]string, len(all))
	for i, a := range all {
		texts[i] = a.Text()
	}
	return "The simulator is off in absolute time: " + strings.Join(texts, "; ")
}
