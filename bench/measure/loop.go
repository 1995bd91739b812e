package measure

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"trafficlab/components/policy"
)

// Loop is a closed part of a run's load: clients who wait for each answer
// before they ask again.
type Loop struct {
	First, Beyond uint64 // numbers of its requests: from, and the first past them
	Clients       int
	Think         time.Duration // on average
}

// closed warns that closed loops flatter a slow system, and says by how much
// they did: what clients would have seen had they kept asking at their usual
// pace while they waited.
func closed(run *Run) *Warning {
	if len(run.Loops) == 0 {
		return nil
	}
	text := "Closed loop: a slow system is asked less, and latencies hide what would have queued"
	measured := run.successes()
	for _, name := range []string{"p99", "p90", "p50"} {
		if q := quantiles[name]; enough([]int{len(measured)}, q) {
			text += fmt.Sprintf(": %s is %s, and would be about %s had the clients kept asking at their usual pace",
				name, duration(quantile(measured, q).Seconds()), duration(run.paced().quantile(q).Seconds()))
			break
		}
	}
	return &Warning{Kind: "closed", Text: text + "."}
}

// paced are latencies with those added that waiting clients left out: a
// latency L at a usual pace of one request every P stands for further ones of
// L-P, L-2P and so on, down to P (Tene's correction for coordinated omission).
type paced []latencyAtPace

type latencyAtPace struct{ latency, pace time.Duration }

// paced are the successes of the run in order of latency. Those of open
// streams stand for themselves.
func (r *Run) paced() paced {
	var all paced
	for _, loop := range append([]Loop{{}}, r.Loops...) {
		from := len(all)
		for i := range r.Samples {
			if s := &r.Samples[i]; s.At >= r.Warmup && s.Reason == policy.OK && r.loopOf(s) == loop {
				all = append(all, latencyAtPace{latency: s.Latency})
			}
		}
		if part := all[from:]; len(part) > 0 && loop.Clients > 0 {
			slices.SortFunc(part, func(a, b latencyAtPace) int { return int(a.latency - b.latency) })
			pace := max(loop.Think+part[len(part)/2].latency, 1)
			for i := range part {
				part[i].pace = pace
			}
		}
	}
	return all
}

// loopOf is the closed part that a sample belongs to, or a zero one.
func (r *Run) loopOf(s *Sample) Loop {
	for _, l := range r.Loops {
		if s.Number >= l.First && s.Number < l.Beyond {
			return l
		}
	}
	return Loop{}
}

// beyond is how many latencies are above a bound.
func (p paced) beyond(bound time.Duration) (n int) {
	for _, l := range p {
		if l.latency > bound {
			n++
		}
		if l.pace > 0 {
			n += int(max(0, l.latency-max(bound+1, l.pace)) / l.pace)
		}
	}
	return n
}

// quantile is the least latency with no more than the rest beyond it.
func (p paced) quantile(q float64) time.Duration {
	all, longest := p.beyond(-1), time.Duration(0)
	for _, l := range p {
		longest = max(longest, l.latency)
	}
	rest := beyond(all, q)
	return time.Duration(sort.Search(int(longest), func(d int) bool { return p.beyond(time.Duration(d)) <= rest }))
}
