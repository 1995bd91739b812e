package scenarios

import (
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Arrivals yields the requests of the case's open streams in order of time, the
// same ones each time it is called: they depend on the load and the seed alone,
// not on the topology. The requests of a stream do not depend on its rate, nor
// on the other streams. Arrivals share their Asks: do not write to them. What
// closed streams send depends on the answers: see Clients.
func (c *Case) Arrivals() iter.Seq[Arrival] {
	return func(yield func(Arrival) bool) {
		var sources []*source
		for _, src := range c.sources() {
			if src.stream.Closed == nil && src.next() {
				sources = append(sources, src)
			}
		}
		for number := uint64(0); len(sources) > 0; number++ {
			first := earliest(sources)
			src := sources[first]
			if !yield(src.arrival(number)) {
				return
			}
			if !src.next() {
				sources = append(sources[:first], sources[first+1:]...)
			}
		}
	}
}

// sources are the streams of the load, each before its first request.
func (c *Case) sources() []*source {
	subnets := subnets(c.Variant.Load)
	var sources []*source
	kinds, clients := 0, uint64(0)
	for i, s := range c.Variant.Load.Streams {
		sources = append(sources, newSource(s, c.streamSeed(i), kinds, subnets))
		kinds += len(s.Mix)
		if s.Closed != nil {
			clients += uint64(s.Closed.Clients)
		}
	}
	for _, s := range sources {
		s.closed = clients
	}
	return sources
}

// streamSeed is what all that is drawn for a stream comes from, and rateSeed the
// part that chance has in its rate.
func (c *Case) streamSeed(i int) uint64 { return Mix(c.Seed, uint64(i)) }
func rateSeed(stream uint64) uint64     { return Mix(stream, 4) }

func earliest(sources []*source) int {
	first := 0
	for i, s := range sources {
		if s.at < sources[first].at {
			first = i
		}
	}
	return first
}

// source is the state of one stream.
type source struct {
	at     time.Duration // of the next request
	index  uint64        // of the next request, plus 1
	due    float64       // requests that should have come by the next instant
	ends   time.Duration // when the stream does
	clock  clock
	line   *logged // that the next request is of; nil: it is drawn
	closed uint64  // clients of closed streams in all of the load
	stream Stream
	random *rand.Rand // of the instants
	seed   uint64     // of the requests
	mixed  uint64     // the seed, as remix takes it
	asks   []asker
	bounds []float64 // running sums of the mix's shares
}

// newSource is a stream before its first request; kinds is how many kinds of
// request the streams before it have.
func newSource(s Stream, seed uint64, kinds int, subnets map[string]byte) *source {
	src := &source{
		stream: s,
		random: rand.New(rand.NewPCG(seed, 1)),
		seed:   Mix(seed, 2),
		ends:   Load{[]Stream{s}}.Duration(),
		clock:  clock{legs: s.legs(rateSeed(seed))},
	}
	src.mixed = premix(src.seed)
	if !s.Poisson {
		src.due = Unit(Mix(seed, 3)) - 1 // a phase of its own: streams do not march in step
	}
	sum := 0.0
	for i := range s.Mix {
		a := &s.Mix[i]
		sum += a.Share
		src.bounds = append(src.bounds, sum)
		of := a.Class
		if s.Session != nil {
			of = s.Mix[0].Class // whatever class a request is of, its client keeps its address
		}
		src.asks = append(src.asks, newAsker(a, kinds+i, subnets[of]))
	}
	return src
}

// next moves to the next instant, and tells whether there is one.
func (s *source) next() bool {
	if p := s.stream.Replay; p != nil {
		return s.nextOf(p)
	}
	if s.stream.Poisson {
		s.due += s.random.ExpFloat64()
	} else {
		s.due++
	}
	seconds, ok := s.clock.when(s.due)
	if !ok || len(s.asks) == 0 {
		return false
	}
	s.at = s.stream.At + time.Duration(seconds*1e9)
	s.index++
	return true
}

// nextOf is next of a replay.
func (s *source) nextOf(p *Replay) bool {
	line, due, ok := p.line(int(s.index))
	s.line, s.at = line, s.stream.At+due
	s.index++
	return ok
}

func (s *source) arrival(number uint64) Arrival {
	if l := s.line; l != nil {
		a := &s.asks[l.method]
		who := l.who % clientsPerClass
		return Arrival{At: s.at, Number: number, Ask: a.Ask, Kind: a.kind, Path: l.path, Who: who, Client: a.client(who)}
	}
	if s.stream.Session != nil {
		return s.begin(number)
	}
	draw := remix(s.mixed, s.index)
	a := s.ask(draw)
	mixed := premix(draw)
	who := a.who(mixed)
	return Arrival{
		At: s.at, Number: number, Ask: a.Ask, Kind: a.kind,
		Path: a.path(mixed), Body: a.body(mixed), Who: who, Client: a.client(who),
	}
}

// ask draws a kind of request.
func (s *source) ask(draw uint64) *asker { return s.among(0, len(s.asks), draw) }

// among draws one of the kinds from one on until just before another.
func (s *source) among(from, to int, draw uint64) *asker {
	last := to - 1
	if last == from {
		return &s.asks[from]
	}
	before := 0.0
	if from > 0 {
		before = s.bounds[from-1]
	}
	pick := before + Unit(draw)*(s.bounds[last]-before)
	i := from
	for i < last && pick >= s.bounds[i] {
		i++
	}
	return &s.asks[i]
}

// Expected is how many requests the open streams of the load are expected to
// bring from one instant until just before another; of one class, or of all if
// class is "". Of sessions it is all requests of those that come then.
func (l Load) Expected(from, to time.Duration, class string) float64 {
	sum := 0.0
	for _, s := range l.Streams {
		sum += s.share(class) * s.perArrival() * (s.expected(to) - s.expected(from))
	}
	return sum
}

func (s Stream) share(class string) float64 {
	part, all := 0.0, 0.0
	for _, a := range s.Mix {
		all += a.Share
		if class == "" || a.Class == class {
			part += a.Share
		}
	}
	return part / max(all, math.SmallestNonzeroFloat64)
}

// Classes lists the parts of the load, in the order of the file.
func (l Load) Classes() []string {
	var classes []string
	seen := map[string]bool{}
	for _, s := range l.Streams {
		for _, a := range s.Mix {
			if !seen[a.Class] {
				seen[a.Class] = true
				classes = append(classes, a.Class)
			}
		}
	}
	return classes
}

// asker draws requests of one kind.
type asker struct {
	*Ask
	kind    int // its number in the load
	subnet  byte
	clients float64  // how many, at least 1
	alias   alias    // of the keys; nil: all are alike
	paths   []string // made when first asked for; one string for each key
}

func newAsker(a *Ask, kind int, subnet byte) asker {
	k := asker{Ask: a, kind: kind, subnet: subnet, clients: float64(max(a.Clients, 1))}
	if a.Path.Law != "" {
		k.paths, k.alias = make([]string, a.Path.Keys), a.Path.alias()
	}
	return k
}

// path is the path of a request whose draw is premixed, body the size of its
// body, and who is the client that sends it.
func (a *asker) path(mixed uint64) string {
	if a.paths == nil {
		return a.Path.Before
	}
	return a.keyed(remix(mixed, 1))
}

func (a *asker) body(mixed uint64) int64 {
	if a.Bodies == nil {
		return a.Body
	}
	return min(a.Bodies.Quantile(Unit(remix(mixed, 5))), maxBody)
}

func (a *asker) who(mixed uint64) int {
	if a.clients == 1 {
		return 0
	}
	return int(Unit(remix(mixed, 2)) * a.clients)
}

func (a *asker) keyed(draw uint64) string {
	key := 0
	if a.alias != nil {
		key = a.alias.draw(draw)
	} else {
		key = int(Unit(draw) * float64(len(a.paths)))
	}
	if a.paths[key] == "" {
		a.paths[key] = a.Path.with(key + 1)
	}
	return a.paths[key]
}

// subnets gives each class of the load addresses of its own: 10.1.x.x,
// 10.2.x.x and so on. Kinds of request of the same class come from the same
// clients.
func subnets(l Load) map[string]byte {
	of := map[string]byte{}
	for i, class := range l.Classes() {
		of[class] = byte(1 + i%254)
	}
	return of
}

// clientsPerClass is how many addresses 10.n.x.y has if y is neither 0 nor 255.
const clientsPerClass = 256 * 254

// client is the address of the i-th client of the class.
func (a *asker) client(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, a.subnet, byte(i / 254), byte(1 + i%254)})
}
