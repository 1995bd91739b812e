package components

import (
	"slices"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// start begins one series of checks for each upstream place, and to fetch keys.
func (p *proxy) start(x Exchange) {
	p.startKeys(x)
	if p.node.Health == nil {
		return
	}
	watched, down := map[topologies.Place]bool{}, p.unwell() // before this node was set as it is
	for _, pool := range p.pools {
		for _, place := range pool.places {
			if watched[place] {
				continue
			}
			watched[place] = true
			x.Background(p.watch(place, slices.Contains(down, place)).open)
		}
	}
}

// watch is the checks of a place, again and again until the node ends. Each is
// an exchange of its own, which begins the next: an exchange holds on to its
// calls until it ends.
type watch struct {
	proxy  *proxy
	open   func(Exchange) Steps // begin, made a value once
	x      Exchange             // of the check under way
	place  topologies.Place
	id     uint64
	grid   policy.Grid
	health *policy.Health
	next   int64    // check
	call   Call     // of the one under way; nil: none
	on     [2]Event // what it waits for
}

func (p *proxy) watch(place topologies.Place, down bool) *watch {
	config := p.node.Health
	id := scenarios.Mix(p.seed, scenarios.Hash("checks of "+string(place)))
	w := &watch{
		proxy: p, place: place, id: id,
		health: policy.NewHealth(config.DownAfter, config.UpAfter),
		grid:   policy.Grid{Every: config.Every, Phase: time.Duration(scenarios.Unit(id) * float64(config.Every)), Jitter: config.Jitter},
	}
	if down {
		w.health.Turn(false)
	}
	w.open = w.begin
	return w
}

func (w *watch) begin(x Exchange) Steps {
	w.x, w.call, w.on = x, nil, [2]Event{}
	return w
}

// Step implements Steps.
func (w *watch) Step(woken int) (p Pause, over bool) {
	switch {
	case w.on[0] == nil: // the first step
		return w.rest(), false
	case w.call == nil && woken == 0, w.call != nil && woken == 1: // the node ends
	case w.call == nil:
		return w.check(), false
	default:
		w.judge(woken)
		w.x.Background(w.open)
	}
	return Pause{}, true
}

// rest waits for the time of the next check.
func (w *watch) rest() Pause {
	k, at := w.grid.Next(w.x.Now(), func(k int64) float64 { return scenarios.Unit(scenarios.Mix(^w.id, uint64(k))) })
	w.next = k
	w.on = [2]Event{w.x.Canceled()}
	return Pause{at, w.on[:1]}
}

// checkBit marks the numbers of requests that no load brought.
const checkBit = 1 << 63

// check asks the place.
func (w *watch) check() Pause {
	config := w.proxy.node.Health
	h := w.x.Hop()
	*h = Hop{
		To:      w.place,
		Request: Request{Number: scenarios.Mix(w.id, uint64(w.next)) | checkBit, Method: "GET", Host: w.place.Node(), Path: config.Path},
	}
	w.call = w.x.Start(h)
	w.on = [2]Event{w.call, w.x.Canceled()}
	return Pause{w.x.Now() + config.Timeout, w.on[:]}
}

// judge ends a check: whether the place answered in time, below 400.
func (w *watch) judge(woken int) {
	passes := false
	if woken == 0 {
		head, reason := w.call.Head()
		passes = reason == policy.OK && head.Status < 400
	}
	w.call.Cancel()
	if w.health.Report(passes) {
		w.proxy.setUp(w.x.Now(), w.place, w.health.Up())
	}
}

func (p *proxy) setUp(now time.Duration, place topologies.Place, up bool) {
	for _, pool := range p.pools {
		pool.setUp(now, p, place, up)
	}
}
