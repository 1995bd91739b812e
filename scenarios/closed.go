package scenarios

import (
	"time"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Closed is a load of so many clients, each of which waits for the outcome of
// its request, thinks, and asks again. So a slow system is asked less, which is
// how people at terminals behave, and the public at large does not.
type Closed struct {
	Clients int
	Think   topologies.Distribution
	For     time.Duration
}

const closedExample = "{clients: 20, think: {exponential: 1s}}"

var looping = ShapeKind{
	About:   "clients who wait for each outcome and think before they ask again: a closed loop, which asks a slow system less",
	Example: closedExample,
	itself:  true,
	read: func(r loadReader, v, stream strict.Value, s *Stream) {
		s.Closed = &Closed{Clients: 1, For: lasts(stream)}
		if !v.IsMap() {
			v.Wrong("does not say who asks", closedExample)
			return
		}
		if v.Fields("clients", "think") {
			needs(v, "clients: 20", "think: {exponential: 1s}, or 0")
			clients, habits := r.clients(v.Get("clients"), 1)
			s.Closed.Clients, s.Closed.Think = clients, topologies.ReadDistribution(v.Get("think"))
			for i := range s.Mix {
				s.Mix[i].Habits = habits
			}
		}
		mix := stream.Get("mix")
		if !mix.IsList() {
			return
		}
		for _, item := range mix.List("") {
			if clients := item.Get("clients"); clients.Present() {
				clients.WrongKey("says again who asks", "closed.clients tells it")
			}
		}
	},
}

// Breath is the shortest time from one request of a client to its next: nobody
// asks more than 10,000 times a second, even if refused at once.
const Breath = 100 * time.Microsecond

// most is how many requests the clients could send until an instant after they
// began, if answered within a given time at best.
func (c *Closed) most(until, answer time.Duration) float64 {
	cycle := max(c.Think.Expected()+answer, Breath)
	return float64(c.Clients) * min(max(until, 0), c.For).Seconds() / cycle.Seconds()
}

// Client is one client of a closed stream, or one in its session. The k-th
// request it sends, and how long it thinks before, are functions of the seed,
// its stream, its place among the clients (or sessions) and k, and so the same
// in both worlds and in all variants. Its requests are numbered n<<32 + k, where
// n counts all clients of closed streams from 1, and then all arrivals of the
// load: open streams stay below, and so do the first requests of sessions.
//
// Clients of one stream share state: call only one of them at a time.
type Client struct {
	stream *source
	index  int   // among those with addresses of their own
	play   *play // of a session; nil: it goes on until its stream ends
	number uint64
	seed   uint64
	sent   uint64 // requests so far
	last   time.Duration
}

// numberBits is how much of a request's number counts a client's requests.
const numberBits = 32

// ClientOf tells who sent the request of a number after the outcome of another:
// a client of a closed stream, counted from 0 as Clients are, or, beyond these,
// one in its session. It is not ok for requests that waited for none.
func ClientOf(number uint64) (i int, ok bool) {
	return int(number>>numberBits) - 1, number>>numberBits > 0
}

// Clients are the clients of the case's closed streams, before their first
// requests.
func (c *Case) Clients() []*Client {
	var all []*Client
	for _, src := range c.sources() {
		if src.stream.Closed == nil {
			continue
		}
		for n := range src.stream.Closed.Clients {
			all = append(all, &Client{
				stream: src, index: n, number: uint64(len(all)+1) << numberBits,
				seed: Mix(src.seed, uint64(n)), last: src.stream.At,
			})
		}
	}
	return all
}

// First is the client's first request. It begins part of a think time after its
// stream does, so that clients who all think alike do not march in step.
func (c *Client) First() (a Arrival, ok bool) {
	draw := c.draw()
	part := Unit(Mix(draw, 4))
	return c.ask(draw, c.last+time.Duration(part*float64(c.think(draw))))
}

// Next is the request that the client sends after the outcome of its last one
// at an instant, if neither its stream is over by then nor its session.
func (c *Client) Next(outcome time.Duration) (a Arrival, ok bool) {
	draw := c.draw()
	return c.ask(draw, max(outcome+c.think(draw), c.last+Breath))
}

// draw is the word that all about the next request comes from.
func (c *Client) draw() uint64 { return Mix(c.seed, c.sent) }

func (c *Client) think(draw uint64) time.Duration {
	s := &c.stream.stream
	if s.Session != nil {
		return s.Session.Think.Quantile(Unit(Mix(draw, 3)))
	}
	return s.Closed.Think.Quantile(Unit(Mix(draw, 3)))
}

func (c *Client) ask(draw uint64, at time.Duration) (Arrival, bool) {
	s := &c.stream.stream
	if at >= c.stream.ends || len(s.Mix) == 0 {
		return Arrival{}, false
	}
	kind, mixed := c.kind(draw), premix(draw)
	if kind == nil {
		return Arrival{}, false
	}
	a := Arrival{
		At: at, Number: c.number | c.sent, Ask: kind.Ask, Kind: kind.kind,
		Path: kind.path(mixed), Body: kind.body(mixed), Who: c.index, Client: kind.client(c.index),
	}
	c.sent++
	c.last = at
	return a, true
}

func (c *Client) kind(draw uint64) *asker {
	if c.play != nil {
		return c.next(draw)
	}
	return c.stream.ask(draw)
}

// Target is the rate that the load intends after the warm-up. What those who
// wait for answers intend is what they asked for then.
func (c *Case) Target(asked int) float64 {
	from, to := c.Variant.Warmup, c.Duration()
	if to <= from {
		return 0
	}
	sum := float64(asked)
	for i, s := range c.Variant.Load.Streams {
		seed := rateSeed(c.streamSeed(i))
		sum += s.due(to, seed) - s.due(from, seed)
	}
	return sum / (to - from).Seconds()
}

// Closed tells whether any stream of the load is closed.
func (l Load) Closed() bool { return len(l.Loops()) > 0 }

// Loops tells which requests are whose closed stream's, for judging figures.
func (l Load) Loops() []measure.Loop {
	var loops []measure.Loop
	clients := 0
	for _, s := range l.Streams {
		if s.Closed != nil {
			loops = append(loops, measure.Loop{
				First: uint64(clients+1) << numberBits, Beyond: uint64(clients+1+s.Closed.Clients) << numberBits,
				Clients: s.Closed.Clients, Think: s.Closed.Think.Expected(),
			})
			clients += s.Closed.Clients
		}
	}
	return loops
}

// Estimate is how many requests the variant is expected to bring from one
// instant until just before another; of one class, or of all if class is "". Of
// closed streams it is the most there can be: no client waits in a queue, so
// that N clients who think for Z and are served in D send N/(Z+D) at best.
func (v *Variant) Estimate(from, to time.Duration, class string) float64 {
	sum := v.Load.Expected(from, to, class)
	work := v.shortestWork()
	for _, s := range v.Load.Streams {
		if c := s.Closed; c != nil {
			sum += s.share(class) * (c.most(to-s.At, work) - c.most(from-s.At, work))
		}
	}
	return sum
}

// shortestWork is the mean service time of the fastest backend.
func (v *Variant) shortestWork() time.Duration {
	shortest := time.Duration(-1)
	if v.Topology == nil {
		return 0
	}
	for _, n := range v.Topology.Nodes {
		if mean := n.ServiceTime.Expected(); n.Kind == topologies.Backend && (shortest < 0 || mean < shortest) {
			shortest = mean
		}
	}
	return max(shortest, 0)
}
