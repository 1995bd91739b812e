package scenarios

import (
	"slices"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// Line is a link as one world uses it: it says of one message after another
// when it arrives. A message is what one side sends until the other has its
// turn: a request, an answer, a step of a handshake. What befalls it is drawn
// by its number on its way, so that both worlds draw alike. A Line is not safe
// for concurrent use.
//
// Loss is told as TCP hides it: as lateness. What is lost is sent again after a
// time that doubles, from 200 ms, Linux's least (TCP_RTO_MIN), or for the first
// word of a connection from 1 s, up to 120 s (RFC 6298 sections 2 and 5.5; Linux
// tcp_retries2 and tcp_syn_retries say how often). The round trip that Linux
// adds to it is left out, and so are fast retransmissions, which need more
// segments in flight than short messages have; nothing gets slower afterwards
// (no congestion control), and a message is lost as a whole or not at all.
type Line struct {
	weather Forecast
	dead    []Spell // when the connections from before are half-open
	numbers [2]uint64
	free    [2]time.Duration // from when on there is bandwidth
}

// Passage is what becomes of a message, or of an attempt to connect.
type Passage struct {
	Arrives time.Duration // its last byte, or the news of its end
	Lost    int           // how often it was sent in vain
	Why     policy.Reason // it does not arrive: OK if it does
	number  uint64        // on its way
	clear   time.Duration // from when on the way is clear for it
	held    time.Duration // beside that
}

// How long, and how often, TCP sends again.
const (
	firstAgain   = 200 * time.Millisecond
	firstHello   = time.Second
	longestAgain = 120 * time.Second
	mostAgain    = 15
	mostHellos   = 6
)

// Line is the link as of no use yet, or nil if nothing ever ails it.
func (w *Weather) Line(link topologies.Place) *Line {
	weather := w.Of(link)
	if len(weather) == 0 {
		return nil
	}
	return &Line{weather: weather, dead: weather.cutBy(HalfOpen)}
}

// cutBy is when a link is cut in a way.
func (f Forecast) cutBy(c Cut) (spells []Spell) {
	is := false
	for _, s := range f {
		was := is
		is = s.effect.isCut(c)
		switch {
		case is && !was:
			spells = append(spells, Spell{s.from, ForGood})
		case was && !is:
			spells[len(spells)-1].To = s.from
		}
	}
	return spells
}

// Resets are the instants at which all connections of a link break.
func (w *Weather) Resets(link topologies.Place) (at []time.Duration) {
	for _, s := range w.Of(link).cutBy(Reset) {
		at = append(at, s.From)
	}
	return at
}

// Links are those that something ails at some time, in order of their names.
func (w *Weather) Links() (links []topologies.Place) {
	for place := range w.spells {
		if _, _, ok := place.Ends(); ok {
			links = append(links, place)
		}
	}
	slices.Sort(links)
	return links
}

func (e *Effect) isCut(c Cut) bool {
	return slices.ContainsFunc(e.Links, func(s Strain) bool { return s.Cut == c })
}

// Dial makes a connection: a word there and one back, and with TLS a second
// round of both (RFC 8446 section 2). Messages that go back meanwhile are
// numbered behind its own.
func (l *Line) Dial(now time.Duration, tls bool) Passage {
	e := l.weather.At(now)
	if e.isCut(Refuse) {
		return Passage{Arrives: now, Why: policy.Refused}
	}
	p := Passage{Arrives: now}
	for _, way := range []Way{There, Back} {
		e = l.weather.At(p.Arrives)
		if p = p.then(l.pass(p.Arrives, &e, way, 0, firstHello, mostHellos)); p.Why != policy.OK {
			p.Why = policy.Timeout
			return p
		}
	}
	for made := p.Arrives; tls; tls = false {
		for _, way := range []Way{There, Back} {
			if p = p.then(l.Send(p.Arrives, made, way, helloBytes)); p.Why != policy.OK {
				return p
			}
		}
	}
	return p
}

// helloBytes is the length of a step of a TLS handshake, near enough.
const helloBytes = 1000

// then is what follows, and what came before counted in.
func (p Passage) then(next Passage) Passage {
	next.Lost += p.Lost
	return next
}

// Send sends a message of so many bytes over a connection that was made at an
// instant.
func (l *Line) Send(now, made time.Duration, way Way, size int64) Passage {
	e := l.weather.At(now)
	if e.isCut(Reset) {
		return Passage{Arrives: now, Why: policy.Reset}
	}
	if end, dead := l.deadUntil(now, made); dead {
		l.numbers[way-1]++
		return vain(now, end)
	}
	return l.pass(now, &e, way, size, firstAgain, mostAgain)
}

// More sends some more of a message, whose bytes come in order. They are held up
// as the weather has it by now, and lost only with its beginning.
func (l *Line) More(now, made time.Duration, way Way, size int64, p *Passage) {
	if p.Why != policy.OK {
		return
	}
	if end, dead := l.deadUntil(now, made); dead {
		*p = vain(now, end)
		return
	}
	e := l.weather.At(now)
	p.held = e.holds(way, p.number)
	p.clear = max(p.clear, l.out(now, &e, way, size), l.past(now, way))
	p.Arrives = max(p.Arrives, p.clear+p.held)
}

// past is when something that is sent again and again gets past a hole.
func (l *Line) past(now time.Duration, way Way) time.Duration {
	again := firstAgain
	for range mostAgain {
		if e := l.weather.At(now); !e.swallows(way) {
			break
		}
		now += again
		again = min(2*again, longestAgain)
	}
	return now
}

// Part says when the far side hears that a connection has been closed, behind
// the last message that went there.
func (l *Line) Part(now, made time.Duration, way Way, last Passage) time.Duration {
	if end, dead := l.deadUntil(now, made); dead {
		return vain(now, end).Arrives
	}
	at := l.past(now, way)
	if last.Arrives > now {
		at = max(at, last.Arrives+1-last.held) // what was sent is taken in before
	}
	return at + last.held
}

// deadUntil tells whether a connection is half-open, and until when. Once the
// time is over, it is no more.
func (l *Line) deadUntil(now, made time.Duration) (end time.Duration, dead bool) {
	for _, s := range l.dead {
		if made < s.From && s.From <= now {
			return s.To, true
		}
	}
	return 0, false
}

// vain is what is sent over a dead connection: again and again until somebody
// says that there is none.
func vain(now, end time.Duration) Passage {
	p := Passage{Arrives: now, Why: policy.Reset}
	for again := firstAgain; p.Arrives < end && p.Lost < mostAgain; again = min(2*again, longestAgain) {
		p.Lost++
		p.Arrives += again
	}
	return p
}

// pass is a message on its way.
func (l *Line) pass(now time.Duration, e *Effect, way Way, size int64, again time.Duration, most int) Passage {
	number := l.numbers[way-1]
	l.numbers[way-1]++
	p := Passage{number: number, clear: l.out(now, e, way, size), held: e.holds(way, number)}
	for l.loses(p.clear, way, number, p.Lost) {
		p.clear += again
		again = min(2*again, longestAgain)
		if p.Lost == most {
			p.Why = policy.Reset
			break
		}
		p.Lost++
	}
	p.Arrives = p.clear + p.held
	return p
}

// holds is how long a message is late.
func (e *Effect) holds(way Way, number uint64) (late time.Duration) {
	for i := range e.Links {
		if s := &e.Links[i]; s.goes(way) && s.Delay.Law != "" {
			late += s.Delay.Quantile(Unit(s.draw(way, s.origin(way, number, 0), 0)))
		}
	}
	return late
}

// out is when the last of so many bytes has gone out, in its turn.
func (l *Line) out(now time.Duration, e *Effect, way Way, size int64) time.Duration {
	least := int64(0)
	for _, s := range e.Links {
		if s.goes(way) && s.Bandwidth > 0 && (least == 0 || s.Bandwidth < least) {
			least = s.Bandwidth
		}
	}
	if least == 0 {
		return now
	}
	free := &l.free[way-1]
	*free = max(*free, now) + time.Duration(float64(size)/float64(least)*float64(time.Second))
	return *free
}

// loses tells whether a try at a message is lost.
func (l *Line) loses(at time.Duration, way Way, number uint64, try int) bool {
	e := l.weather.At(at)
	if e.swallows(way) {
		return true
	}
	for i := range e.Links {
		s := &e.Links[i]
		if s.Loss == 0 || !s.goes(way) {
			continue
		}
		from := number
		if try == 0 {
			from = s.origin(way, number, 1)
		}
		if Unit(Mix(s.draw(way, from, 1), uint64(try))) < s.Loss {
			return true
		}
	}
	return false
}

// swallows tells whether nothing comes through.
func (e *Effect) swallows(way Way) bool {
	return slices.ContainsFunc(e.Links, func(s Strain) bool { return s.Cut == BlackHole && s.goes(way) })
}

func (s *Strain) goes(way Way) bool { return s.Only == 0 || s.Only == way }

// draw is the nth draw about something on a way.
func (s *Strain) draw(way Way, n, about uint64) uint64 {
	return Mix(Mix(s.salt, uint64(way)), Mix(n, about))
}

// origin is the message whose draw holds for the nth: its own or, as often as
// the correlation says, that of the one before. So each draw keeps its law, and
// those k apart correlate by the kth power.
func (s *Strain) origin(way Way, n, about uint64) uint64 {
	for n > 0 && Unit(s.draw(way, n, about+2)) < s.Correlation {
		n--
	}
	return n
}
