package components

import (
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// start begins one series of checks for each upstream place.
func (p *proxy) start(x Exchange) {
	if p.node.Health == nil {
		return
	}
	watched := map[topologies.Place]bool{}
	for _, pool := range p.pools {
		for _, place := range pool.places {
			if watched[place] {
				continue
			}
			watched[place] = true
			x.Background(func(x Exchange) { p.watch(x, place) })
		}
	}
}

// watch checks a place again and again until the node ends.
func (p *proxy) watch(x Exchange, place topologies.Place) {
	config := p.node.Health
	health := policy.NewHealth(config.DownAfter, config.UpAfter)
	id := scenarios.Mix(p.seed, scenarios.Hash("checks of "+string(place)))
	grid := policy.Grid{Every: config.Every, Phase: time.Duration(scenarios.Unit(id) * float64(config.Every)), Jitter: config.Jitter}
	jitter := func(k int64) float64 { return scenarios.Unit(scenarios.Mix(^id, uint64(k))) }
	for {
		k, at := grid.Next(x.Now(), jitter)
		if x.Wait(at, x.Canceled()) == 0 {
			return
		}
		if health.Report(p.passes(x, place, scenarios.Mix(id, uint64(k)))) {
			p.setUp(x.Now(), place, health.Up())
		}
	}
}

// checkBit marks the numbers of requests that no load brought.
const checkBit = 1 << 63

// passes makes one check: whether the place answers in time, below 400.
func (p *proxy) passes(x Exchange, place topologies.Place, number uint64) bool {
	config := p.node.Health
	call := x.Start(Hop{
		To:      place,
		Request: Request{Number: number | checkBit, Method: "GET", Host: place.Node(), Path: config.Path},
	})
	defer call.Cancel()
	if x.Wait(x.Now()+config.Timeout, call, x.Canceled()) != 0 {
		return false
	}
	head, reason := call.Head()
	return reason == policy.OK && head.Status < 400
}

func (p *proxy) setUp(now time.Duration, place topologies.Place, up bool) {
	for _, pool := range p.pools {
		pool.setUp(now, place, up)
	}
}
