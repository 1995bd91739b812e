package components

import (
	"sync"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// backend does the work that everything else is about: a number of workers, a
// bounded line before them, and a time of service.
type backend struct {
	place   topologies.Place
	node    *topologies.Node
	weather *scenarios.Weather
	answers pathTable[Response] // by path, as Cache-Control differs

	work, failures uint64 // what times of service and failures are drawn from

	mu      sync.Mutex
	station *policy.Station[Signal]
}

func newBackend(seed uint64, node *topologies.Node, place topologies.Place, weather *scenarios.Weather) *backend {
	b := &backend{
		place:   place,
		node:    node,
		weather: weather,
		station: policy.NewStation[Signal](node.Workers, node.Queue),
		// By node, not by place: which replica serves a request does not
		// change the work that it is.
		work:     scenarios.Mix(seed, scenarios.Hash("work of "+node.Name)),
		failures: scenarios.Mix(seed, scenarios.Hash("failures of "+node.Name)),
	}
	plain := Response{
		Status: 200,
		Header: Header{{"Content-Type", "application/json"}},
		Body:   Body{Size: node.Response},
	}
	for _, rule := range node.CacheControl {
		b.answers.add(rule.Path, withField(plain, "Cache-Control", rule.Value))
	}
	b.answers.add("*", plain)
	return b
}

func (*backend) begin(Exchange)       {}
func (*backend) use(*measure.NodeUse) {}

func (b *backend) serve(v *visit) {
	admitted, gone := b.enter(v.x)
	if gone {
		return
	}
	if !admitted {
		v.reply(queueFull)
		return
	}
	// Once begun, work is done to its end, whoever may still want it.
	v.x.Wait(v.x.Now() + b.serviceTime(v))
	b.finish()
	if draw(b.failures, v) < b.node.Errors {
		v.reply(brokenInside)
		return
	}
	v.reply(*b.answers.find(v.req.Path))
}

// enter waits for a worker. It is false if there is no room to wait, and gone
// if the caller went away before its turn.
func (b *backend) enter(x Exchange) (admitted, gone bool) {
	b.mu.Lock()
	if b.station.Begin() {
		b.mu.Unlock()
		return true, false
	}
	turn := x.NewSignal()
	joined := b.station.Join(turn)
	b.mu.Unlock()
	if !joined {
		return false, false
	}
	if x.Wait(Forever, turn, x.Canceled()) == 0 {
		return true, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.station.Leave(turn)
	return !left, left // who cannot leave has been given a worker meanwhile
}

func (b *backend) finish() {
	b.mu.Lock()
	next, ok := b.station.Finish()
	b.mu.Unlock()
	if ok {
		next.Fire()
	}
}

// serviceTime is the request's own work, made longer by the weather as it is
// when the work begins.
func (b *backend) serviceTime(v *visit) time.Duration {
	own := b.node.ServiceTime.Quantile(draw(b.work, v))
	slow := b.weather.At(b.place, v.x.Now()).Slow
	if slow == 1 {
		return own
	}
	return time.Duration(float64(own) * slow)
}

// draw is a number between 0 and 1 that belongs to the attempt.
func draw(seed uint64, v *visit) float64 {
	return scenarios.Unit(scenarios.Mix(scenarios.Mix(seed, v.req.Number), v.req.Attempt))
}
