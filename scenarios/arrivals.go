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
// on the other streams. Arrivals share their Header slices: do not write to
// them. What closed streams send depends on the answers: see Clients.
func (c *Case) Arrivals() iter.Seq[Arrival] {
	return func(yield func(Arrival) bool) {
		var sources []*source
		subnets := subnets(c.Variant.Load)
		for i, s := range c.Variant.Load.Streams {
			if s.Closed != nil {
				continue
			}
			if src := newSource(s, Mix(c.Seed, uint64(i)), subnets); src.next() {
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
	stream Stream
	random *rand.Rand // of the instants
	seed   uint64     // of the requests
	asks   []asker
	bounds []float64 // running sums of the mix's shares

	due   float64 // requests that should have come by the next instant
	clock clock
	at    time.Duration
	index uint64 // of the next request, plus 1
}

func newSource(s Stream, seed uint64, subnets map[string]byte) *source {
	src := &source{
		stream: s,
		random: rand.New(rand.NewPCG(seed, 1)),
		seed:   Mix(seed, 2),
		clock:  clock{legs: s.Rate},
	}
	if !s.Poisson {
		src.due = Unit(Mix(seed, 3)) - 1 // a phase of its own: streams do not march in step
	}
	sum := 0.0
	for _, a := range s.Mix {
		sum += a.Share
		src.bounds = append(src.bounds, sum)
		src.asks = append(src.asks, newAsker(a, subnets[a.Class]))
	}
	return src
}

// next moves to the next instant, and tells whether there is one.
func (s *source) next() bool {
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

func (s *source) arrival(number uint64) Arrival {
	draw := Mix(s.seed, s.index)
	a := s.ask(draw)
	return Arrival{
		At: s.at, Number: number,
		Method: a.Method, Path: a.path(Mix(draw, 1)), Header: a.Header, Body: a.Body,
		Client: a.address(Mix(draw, 2)), Class: a.Class,
	}
}

// ask draws a kind of request.
func (s *source) ask(draw uint64) *asker {
	pick := Unit(draw) * s.bounds[len(s.bounds)-1]
	i := 0
	for i < len(s.bounds)-1 && pick >= s.bounds[i] {
		i++
	}
	return &s.asks[i]
}

// clock tells when the n-th request is due: the inverse of the integral of the
// rate over its legs. It only goes forward.
type clock struct {
	legs  []Leg
	begin float64 // of the first leg left, in seconds
	done  float64 // requests before it
}

func (c *clock) when(n float64) (seconds float64, ok bool) {
	for len(c.legs) > 0 {
		leg := c.legs[0]
		if n < c.done+leg.requests() {
			return c.begin + leg.after(n-c.done), true
		}
		c.begin += leg.For.Seconds()
		c.done += leg.requests()
		c.legs = c.legs[1:]
	}
	return 0, false
}

// requests is how many requests the leg brings.
func (l Leg) requests() float64 { return (l.From + l.To) / 2 * l.For.Seconds() }

// after is how many seconds into the leg n requests have come: the root of
// From·t + slope·t²/2 = n, in the form that does not cancel.
func (l Leg) after(n float64) float64 {
	if n <= 0 {
		return 0
	}
	slope := (l.To - l.From) / l.For.Seconds()
	root := math.Sqrt(max(0, l.From*l.From+2*slope*n))
	return min(2*n/(l.From+root), l.For.Seconds())
}

// Expected is how many requests the open streams of the load are expected to
// bring from one instant until just before another; of one class, or of all if
// class is "".
func (l Load) Expected(from, to time.Duration, class string) float64 {
	sum := 0.0
	for _, s := range l.Streams {
		sum += s.share(class) * (s.due(to) - s.due(from))
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

// due is how many requests of the stream are expected before an instant.
func (s Stream) due(now time.Duration) float64 {
	sum, left := 0.0, now-s.At
	for _, leg := range s.Rate {
		if left <= 0 {
			break
		}
		t := min(left, leg.For).Seconds()
		sum += leg.From*t + (leg.To-leg.From)/leg.For.Seconds()*t*t/2
		left -= leg.For
	}
	return sum
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
	Ask
	subnet byte
	alias  *alias   // of zipf
	paths  []string // made when first asked for; one string for each key
}

func newAsker(a Ask, subnet byte) asker {
	k := asker{Ask: a, subnet: subnet}
	if a.Path.Law != "" {
		k.paths = make([]string, a.Path.Keys)
	}
	if a.Path.Law == "zipf" {
		k.alias = newZipf(a.Path.Keys, a.Path.Skew)
	}
	return k
}

func (a *asker) path(draw uint64) string {
	if a.paths == nil {
		return a.Path.Before
	}
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

func (a *asker) address(draw uint64) netip.Addr {
	return a.client(int(Unit(draw) * float64(max(a.Clients, 1))))
}

// client is the address of the i-th client of the class.
func (a *asker) client(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, a.subnet, byte(i / 254), byte(1 + i%254)})
}
