package sim

import (
	"time"

	"trafficlab/topologies"
)

// Costs is what the machinery itself takes, apart from the work that handlers
// do. The zero value is a machine that costs nothing; handlers are then all
// there is.
type Costs struct {
	// Visit is what a request pays on entering a place, before the handler
	// sees it. It stands for the whole passage, the answer's way back
	// included.
	Visit map[topologies.Kind]time.Duration

	// Ask is what an attempt of a proxy pays beside the visit that it is: the
	// upstream half of a proxy. A cache that answers by itself does not pay.
	Ask time.Duration

	// Client is paid by each request before it leaves the generator.
	Client time.Duration

	// Dial is paid for each new connection, and Handshake on top of it if
	// the place terminates TLS.
	Dial      time.Duration
	Handshake time.Duration

	// Shared is a round trip to what the replicas of a node count together.
	Shared time.Duration

	// Jitter is the mean of a further, exponentially distributed cost of a
	// visit: processes wake up late. It is drawn by request, attempt and
	// place.
	Jitter time.Duration

	// Cores is how many processors all places share with the generator, and
	// Work how long each of the costs above keeps one of them busy. 0: every
	// place has as many as it wants.
	Cores int
	Work  Work
}

// Work is processor time.
type Work struct {
	Visit       map[topologies.Kind]time.Duration
	Ask, Client time.Duration
}

// Apart is the costs of places that each have a machine of their own, with
// time to spare: of a system that no one machine can run.
func (c Costs) Apart() Costs {
	c.Cores, c.Jitter = 0, 0
	return c
}

// DefaultCosts are those of this project's own nodes at moderate load over
// loopback: about the middle between two virtual machines of two cores (AMD
// EPYC, Intel Xeon), on each of them the median of three calibrations
// (trafficlab calibrate). The two machines differ by a fifth, by less in what
// the single kinds of proxy take: these have been evened out.
//
// Not measured by calibrations:
//
//   - Dial: 60 µs and Handshake: 1 ms. Estimates: a loopback connect with its
//     accept and two goroutines at either end, and a full TLS 1.3 handshake
//     with an ECDSA certificate (some 0.3 ms of processor time on each side,
//     and one more round trip).
//   - Shared: 50 µs. A script in a Redis over loopback takes 49 µs, of which
//     the trip is all but a few (BenchmarkRedisTally in live).
func DefaultCosts() Costs {
	const µs = time.Microsecond
	return Costs{
		Visit: map[topologies.Kind]time.Duration{
			topologies.ReverseProxy: 50 * µs,
			topologies.CDN:          60 * µs,
			topologies.Gateway:      50 * µs,
			topologies.LoadBalancer: 50 * µs,
			topologies.Backend:      120 * µs,
		},
		Ask:       80 * µs,
		Client:    230 * µs,
		Jitter:    70 * µs,
		Dial:      60 * µs,
		Handshake: time.Millisecond,
		Shared:    50 * µs,
		Cores:     2,
		Work: Work{
			Visit: map[topologies.Kind]time.Duration{
				topologies.ReverseProxy: 130 * µs,
				topologies.CDN:          130 * µs,
				topologies.Gateway:      130 * µs,
				topologies.LoadBalancer: 130 * µs,
				topologies.Backend:      315 * µs,
			},
			Ask:    180 * µs,
			Client: 360 * µs,
		},
	}
}
