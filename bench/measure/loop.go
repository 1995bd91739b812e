package measure

import (
	"fmt"
	"sort"
	"time"
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
func closed(c *counter, whole *count) *Warning {
	if len(c.run.Loops) == 0 {
		return nil
	}
	text := "Closed loop: a slow system is asked less, and latencies hide what would have queued"
	for _, name := range []string{"p99", "p90", "p50"} {
		if q := quantiles[name]; enough([]int{whole.latencies.n}, q) {
			text += fmt.Sprintf(": %s is %s, and would be about %s had the clients kept asking at their usual pace",
				name, duration(whole.latencies.quantile(q).Seconds()), duration(c.paced().quantile(q).Seconds()))
			break
		}
	}
	return &Warning{Kind: "closed", Text: text + "."}
}

// paced are latencies with those added that waiting clients left out: a
// latency L at a usual pace of one request every P stands for further ones of
// L-P, L-2P and so on, down to P (Tene's correction for coordinated omission).
type paced []latenciesAtPace

type latenciesAtPace struct {
	latencies pile
	pace      time.Duration // 0: they stand for themselves
}

// paced are the successes of the run, each loop's at its pace.
func (c *counter) paced() paced {
	var all paced
	for loop := range len(c.run.Loops) + 1 {
		part := latenciesAtPace{latencies: c.of(func(p part) bool { return p.loop == loop }).latencies}
		if n := part.latencies.n; n > 0 && loop > 0 {
			median, _ := part.latencies.at(n/2 + 1)
			part.pace = max(c.run.Loops[loop-1].Think+median, 1)
		}
		all = append(all, part)
	}
	return all
}

// loopOf is the closed part that a sample belongs to, from 1, or 0.
func (r *Run) loopOf(s *Sample) int {
	for i, l := range r.Loops {
		if s.Number >= l.First && s.Number < l.Beyond && l.Clients > 0 {
			return i + 1
		}
	}
	return 0
}

// beyond is how many latencies are above a bound.
func (p paced) beyond(bound time.Duration) (n int) {
	for i := range p {
		pace := p[i].pace
		for l, times := range p[i].latencies.all() {
			if l > bound {
				n += times
			}
			if pace > 0 {
				n += times * int(max(0, l-max(bound+1, pace))/pace)
			}
		}
	}
	return n
}

// quantile is the least latency with no more than the rest beyond it.
func (p paced) quantile(q float64) time.Duration {
	all, longest := p.beyond(-1), time.Duration(0)
	for i := range p {
		last, _ := p[i].latencies.at(p[i].latencies.n)
		longest = max(longest, last)
	}
	rest := beyond(all, q)
	return time.Duration(sort.Search(int(longest), func(d int) bool { return p.beyond(time.Duration(d)) <= rest }))
}
