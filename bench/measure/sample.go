// Package measure turns what befell requests into figures that can be
// believed: samples into summaries, summaries into comparisons, each with its
// uncertainty and its warnings. It knows numbers and nothing of how they came
// about.
package measure

import (
	"cmp"
	"slices"
	"time"

	"trafficlab/components/policy"
)

// Sample is what befell one request, as its client saw it.
type Sample struct {
	Number  uint64        // of the arrival
	At      time.Duration // the intended instant, since the run began; in a closed loop, when it was sent
	Late    time.Duration // how long after that the generator sent it (0 in the simulator)
	Latency time.Duration // from the intended instant to the last byte, or to the failure
	Status  int           // 0 if no answer came
	Reason  policy.Reason
	Bytes   int64  // of the answer's body, as received
	Class   string // which part of the load it belongs to (a consumer, say)
	Cache   string // the X-Cache word of the answer: "hit", "miss", … or ""
	Spans   Spans  // the latency in parts, if it is taken account of
}

// Order sorts samples by the instant, and those of one instant by number.
func Order(samples []Sample) {
	slices.SortFunc(samples, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Number, b.Number))
	})
}
