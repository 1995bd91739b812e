package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Session is what each arrival of a stream begins: one client that sends one
// request after the other, each when it has the outcome of the one before,
// whatever that is, and has thought. Sessions come openly and are closed within
// (partly open: Schroeder, Wierman and Harchol-Balter, "Open Versus Closed: A
// Cautionary Tale", NSDI 2006). They break off when the stream ends.
type Session struct {
	Think topologies.Distribution
	Steps []SessionStep
}

// SessionStep is some requests in a row of a session.
type SessionStep struct {
	Asks   int                      // how many of the stream's mix, in their order, are the step's
	Repeat topologies.Spread[int64] // how many requests, at least 1
}

const (
	sessionExample = "{think: {exponential: 1s}, script: [{post: /login}, {get: /, repeat: {geometric: 5}}]}"
	mostRepeat     = 100_000 // of a step
)

// session reads what is asked for in a session, as the stream's mix, whose
// shares are those that are to be expected.
func (r loadReader) session(v strict.Value, s *Stream) {
	if !v.Fields("think", "clients", "key", "class", "headers", "script") {
		return
	}
	needs(v, "think: {exponential: 1s}, or 0", "script: [{post: /login}, {get: /}]")
	s.Session = &Session{Think: topologies.ReadDistribution(v.Get("think"))}
	r.usual = &Ask{}
	r.usual.Clients, r.usual.Habits = r.clients(v.Get("clients"), usualCount)
	r.who(v, r.usual)
	for _, item := range v.Get("script").List("[{post: /login}, {get: /, repeat: 5}]") {
		asks := r.step(item)
		repeat := repeats(item.Get("repeat"))
		for i := range asks {
			asks[i].Share *= meanRepeat(repeat)
		}
		s.Mix = append(s.Mix, asks...)
		s.Session.Steps = append(s.Session.Steps, SessionStep{len(asks), repeat})
	}
	if v.Get("script").IsList() && len(s.Mix) == 0 {
		v.Get("script").Wrong("asks for nothing", "[{post: /login}, {get: /}]")
	}
	sum := s.Session.requests()
	for i := range s.Mix {
		s.Mix[i].Share /= sum
	}
}

// step reads what a step asks for: a request, or one of a mix.
func (r loadReader) step(v strict.Value) []Ask {
	if v.Get("mix").Present() {
		if !v.Fields("mix", "repeat") {
			return nil
		}
		return r.mix(v.Get("mix"))
	}
	if share := v.Get("share"); share.Present() {
		share.WrongKey("stands in no mix", "a step takes a mix: [{get: /a, share: 90%}, {get: /b}]")
	}
	a := r.ask(v, "repeat")
	a.Share = 1
	return []Ask{a}
}

const repeatExample = "5, {geometric: 5} or {pareto: {from: 1, to: 200, shape: 1.2}}"

func repeats(v strict.Value) topologies.Spread[int64] {
	whole := func(v strict.Value, or, low, high int64) int64 { return int64(v.Int(int(or), int(low), int(high))) }
	return topologies.ReadSpread(v, topologies.Amounts[int64]{
		Least: 1, Most: mostRepeat, Or: 1, Read: whole, Counted: true, Example: repeatExample,
		Write: func(n int64) string { return strconv.FormatInt(n, 10) },
	})
}

// times is how often a session of a seed repeats a step.
func (s *Session) times(step int, seed uint64) int {
	return repeated(s.Steps[step].Repeat, Unit(Mix(seed, uint64(step+1)<<numberBits)))
}

func repeated(law topologies.Spread[int64], u float64) int {
	return int(min(max(law.Quantile(u), 1), mostRepeat))
}

// meanRepeat is how often a step is repeated on average, summed over its law.
func meanRepeat(law topologies.Spread[int64]) float64 {
	const parts = 4096
	sum := 0
	for i := range parts {
		sum += repeated(law, (float64(i)+.5)/parts)
	}
	return float64(sum) / parts
}

// requests is how many requests a session comes to on average, if it is not
// broken off.
func (s *Session) requests() float64 {
	sum := 0.0
	for i := range s.Steps {
		sum += meanRepeat(s.Steps[i].Repeat)
	}
	return sum
}

// perArrival is how many requests an arrival of the stream comes to at most, on
// average.
func (s *Stream) perArrival() float64 {
	if s.Session == nil {
		return 1
	}
	return s.Session.requests()
}

// Sessions tells whether any stream's arrivals begin sessions.
func (l Load) Sessions() bool {
	return slices.ContainsFunc(l.Streams, func(s Stream) bool { return s.Session != nil })
}

// play is how far a client has come in its session.
type play struct {
	step  int // under way
	first int // of the mix that is the step's
	left  int // requests of the step
}

// begin is the first request of a session, with the client that goes on.
func (s *source) begin(number uint64) Arrival {
	draw := remix(s.mixed, s.index)
	c := &Client{
		stream: s, index: s.asks[0].who(premix(draw)), number: (s.closed + number + 1) << numberBits, seed: draw, last: s.at,
		play: &play{left: s.stream.Session.times(0, draw)},
	}
	a, _ := c.ask(c.draw(), min(s.at, s.ends-1))
	a.Number, a.Then = number, c
	return a
}

// next is the kind of the session's next request; nil if it is over.
func (c *Client) next(draw uint64) *asker {
	p, session := c.play, c.stream.stream.Session
	if p.left == 0 {
		if p.step+1 == len(session.Steps) {
			return nil
		}
		p.first += session.Steps[p.step].Asks
		p.step++
		p.left = session.times(p.step, c.seed)
	}
	p.left--
	return c.stream.among(p.first, p.first+session.Steps[p.step].Asks, draw)
}

func (s *Session) words(mix []Ask) string {
	var steps []string
	for _, step := range s.Steps {
		var asks []string
		for i := range step.Asks {
			a := mix[i]
			if sum := shares(mix[:step.Asks]); sum > 0 {
				a.Share /= sum
			}
			asks = append(asks, a.words(step.Asks == 1))
		}
		mix = mix[step.Asks:]
		words := strings.Join(asks, " or ")
		switch mean := meanRepeat(step.Repeat); {
		case step.Repeat.Law != "constant":
			words = fmt.Sprintf("%.3g times on average %s", mean, words)
		case mean > 1:
			words = fmt.Sprintf("%g times %s", mean, words)
		}
		steps = append(steps, words)
	}
	think := "at once"
	if s.Think.Expected() > 0 {
		think = "thinking for " + lengthWords(s.Think) + " in between"
	}
	return strings.Join(steps, ", then ") + ", " + think
}

func shares(asks []Ask) (sum float64) {
	for _, a := range asks {
		sum += a.Share
	}
	return sum
}
