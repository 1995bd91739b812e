package scenarios

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"trafficlab/topologies/strict"
)

// Replay is the requests of an access log at its own times, or so many times
// faster. Each address of the log becomes a client of the load.
type Replay struct {
	Log      string // as the scenario names it
	File     string // where that is on this machine
	Format   string
	Digest   string // of the log
	Requests int
	Clients  int
	Left     []LeftOut `json:",omitempty"`
	Speed    float64
	Length   time.Duration
	Times    float64 // so many times its requests; see Scaled

	lines []logged // not stored: see Recall
}

var replay = ShapeKind{
	About:   "an access log (common, combined or JSON) with its own times, or speed: 2x, or stretched to last for: 30s; key, class and headers as in a mix",
	Example: "{log: access.log, speed: 2x}",
	itself:  true,
	brings:  true,
	read: func(r loadReader, v, stream strict.Value, s *Stream) {
		if length := stream.Get("for"); length.Present() {
			length.WrongKey("stands beside replay", "replay.for stretches the log")
		}
		if !v.Fields("log", "format", "speed", "for", "key", "class", "headers") || !v.Get("log").Need("log: access.log") {
			return
		}
		ask := Ask{Path: Template{Before: "/"}}
		r.who(v, &ask)
		s.Replay = &Replay{Log: v.Get("log").Text(""), Format: v.Get("format").Word("", "common", "combined", "json"), Speed: 1, Times: 1}
		log, err := r.open(s.Replay)
		if err != nil {
			v.Get("log").Wrong(err.Error(), "")
			return
		}
		s.Replay.take(log)
		s.Replay.stretch(v, log.span)
		for i, method := range log.methods {
			ask.Method, ask.Share = method, float64(log.counts[i])/float64(len(log.lines))
			ask.Clients = min(log.clients, clientsPerClass)
			s.Mix = append(s.Mix, ask)
		}
	},
}

// stretch reads how fast the log is replayed.
func (p *Replay) stretch(v strict.Value, span time.Duration) {
	speed, length := v.Get("speed"), v.Get("for")
	switch {
	case speed.Present() && length.Present():
		length.WrongKey("stands beside speed", "one of the two")
	case length.Present():
		p.Length = length.Duration(span, time.Millisecond, longest)
		p.Speed = span.Seconds() / p.Length.Seconds()
	default:
		p.Speed = speed.Factor(1, 0.001, 1e6)
		p.Length = max(time.Duration(float64(span)/p.Speed), 1)
		if p.Length > longest {
			v.Wrong("lasts for "+strict.Duration(p.Length.Round(time.Second)), "at most "+strict.Duration(longest)+": give it a speed, or a for")
		}
	}
}

// logs are those read for a scenario, each once.
type logs map[string]*accessLog

// open reads a log, which lies relative to the scenario.
func (r loadReader) open(p *Replay) (*accessLog, error) {
	p.File = p.Log
	if !filepath.IsAbs(p.File) {
		p.File = filepath.Join(r.folder, p.File)
	}
	var err error
	if p.File, err = filepath.Abs(p.File); err != nil {
		return nil, err
	}
	key := p.Format + " " + p.File
	if log := r.logs[key]; log != nil {
		return log, nil
	}
	log, err := p.load()
	if err == nil {
		r.logs[key] = log
	}
	return log, err
}

func (p *Replay) load() (*accessLog, error) {
	data, err := strict.LoadAtMost(p.File, mostLog)
	switch {
	case err != nil:
		return nil, err
	case len(data) > mostLog:
		return nil, fmt.Errorf("%s is too long: a log of at most %s is replayed", p.Log, strict.Size(mostLog))
	}
	log, err := parseLog(data, p.Format)
	if err != nil {
		return nil, fmt.Errorf("%s %w", p.Log, err)
	}
	return log, nil
}

func (p *Replay) take(log *accessLog) {
	p.Format, p.Digest, p.Requests, p.Clients, p.Left, p.lines = log.format, log.digest, len(log.lines), log.clients, log.left, log.lines
}

// Recall reads the logs that a case replays, if it was stored and is read back:
// lines of logs are not stored. It is an error if they are others by now.
func (c *Case) Recall() error {
	for _, s := range c.Variant.Load.Streams {
		p := s.Replay
		if p == nil || p.lines != nil {
			continue
		}
		log, err := p.load()
		if err != nil {
			return fmt.Errorf("replay %s: %w", p.Log, err)
		}
		if log.digest != p.Digest {
			return fmt.Errorf("replay %s: it is another log than when the scenario was read", p.File)
		}
		p.take(log)
	}
	return nil
}

// Anywhere is the case without where its logs lie on this machine.
func (c *Case) Anywhere() *Case {
	there := *c
	there.Variant.Load.Streams = nil
	for _, s := range c.Variant.Load.Streams {
		if s.Replay != nil {
			p := *s.Replay
			p.File, s.Replay = "", &p
		}
		there.Variant.Load.Streams = append(there.Variant.Load.Streams, s)
	}
	return &there
}

// total is how many requests are sent.
func (p *Replay) total() int { return int(float64(p.Requests) * p.Times) }

// line is the line of the n-th request, and when that is due. So many times a
// log sends each line so often, or not each, in between its neighbours.
func (p *Replay) line(n int) (l *logged, due time.Duration, ok bool) {
	place := float64(n) / p.Times
	i := int(place)
	if i >= len(p.lines) {
		return nil, 0, false
	}
	l = &p.lines[i]
	at, next := float64(l.at), float64(p.Length)*p.Speed
	if i+1 < len(p.lines) {
		next = float64(p.lines[i+1].at)
	}
	at += (place - float64(i)) * (next - at)
	return l, min(time.Duration(at/p.Speed), p.Length-1), true
}

// before is how many requests are due before an instant of the stream.
func (p *Replay) before(now time.Duration) float64 {
	if p.lines == nil { // read back: the rate at large
		return float64(p.total()) * min(max(now, 0), p.Length).Seconds() / p.Length.Seconds()
	}
	return float64(sort.Search(p.total(), func(n int) bool {
		_, at, ok := p.line(n)
		return !ok || at >= now
	}))
}

func (p *Replay) words() string {
	words := fmt.Sprintf("replay of %s, %s of %s over %s", p.Log, count(p.total(), "request"), count(p.Clients, "client"), strict.Duration(p.Length.Round(time.Millisecond)))
	if p.Speed != 1 {
		words += fmt.Sprintf(" (%.3gx its speed)", p.Speed)
	}
	if p.Times != 1 {
		words += fmt.Sprintf(" (%.3g times its requests)", p.Times)
	}
	var left []string
	for _, l := range p.Left {
		left = append(left, fmt.Sprintf("%d with %s (the first is line %d)", l.Lines, l.Why, l.First))
	}
	if len(left) > 0 {
		words += "; lines left out: " + strings.Join(left, ", ")
	}
	return words
}
