package scenarios

import (
	"maps"
	"slices"
	"strings"
	"time"

	"trafficlab/topologies/strict"
)

// ShapeKind is one way in which requests come over time.
type ShapeKind struct {
	About   string // in a line
	Example string // of its value

	itself bool                                                  // it says of itself how requests are spaced
	brings bool                                                  // and what is asked for
	read   func(r loadReader, v, stream strict.Value, s *Stream) // once its mix is read
}

// Shapes is the registry: every key by which a stream of a load may say when
// its requests come.
var Shapes = map[string]ShapeKind{
	"poisson":  poisson,
	"constant": constant,
	"ramp":     ramp,
	"replay":   replay,
	"steps":    steps,
	"spike":    spike,
	"sine":     sine,
	"bursts":   bursts,
	"closed":   looping,
}

// ShapeNames lists the registry.
func ShapeNames() []string { return slices.Sorted(maps.Keys(Shapes)) }

// spaced lists the shapes whose requests may come at random or evenly.
func spaced() []string {
	return slices.DeleteFunc(ShapeNames(), func(name string) bool { return Shapes[name].itself })
}

// lasts reads how long a stream lasts.
func lasts(stream strict.Value) time.Duration {
	length := stream.Get("for")
	if !length.Need("for: 10s") {
		return time.Second
	}
	return length.Duration(time.Second, time.Millisecond, longest)
}

// needs notes the fields that are missing, each by an example of it.
func needs(v strict.Value, examples ...string) {
	for _, e := range examples {
		name, _, _ := strings.Cut(e, ":")
		v.Get(name).Need(e)
	}
}

var poisson = ShapeKind{
	About:   "so many a second for: a while, each at random, whatever the others do",
	Example: "100/s",
	itself:  true,
	read: func(_ loadReader, v, stream strict.Value, s *Stream) {
		s.Poisson = true
		s.Rate = level(v, stream)
	},
}

var constant = ShapeKind{
	About:   "so many a second for: a while, evenly spaced",
	Example: "100/s",
	itself:  true,
	read:    func(_ loadReader, v, stream strict.Value, s *Stream) { s.Rate = level(v, stream) },
}

func level(v, stream strict.Value) []Leg {
	rate := v.Rate(1, 0.01, maxRate)
	return []Leg{{From: rate, To: rate, For: lasts(stream)}}
}

var ramp = ShapeKind{
	About:   "from one rate to another in a straight line, for: a while",
	Example: "{from: 10/s, to: 200/s}",
	read: func(_ loadReader, v, stream strict.Value, s *Stream) {
		leg := Leg{From: 1, To: 1, For: lasts(stream)}
		if v.Fields("from", "to") {
			leg.From = v.Get("from").Rate(0, 0, maxRate)
			if v.Get("to").Need("to: 200/s") {
				leg.To = v.Get("to").Rate(1, 0, maxRate)
			}
			if leg.peak() == 0 {
				v.Wrong("brings no request", "{from: 10/s, to: 200/s}")
			}
		}
		s.Rate = []Leg{leg}
	},
}

var steps = ShapeKind{
	About:   "one rate after the other, each with a for: of its own",
	Example: "[{rate: 100/s, for: 5s}, {rate: 300/s, for: 5s}]",
	read: func(_ loadReader, v, stream strict.Value, s *Stream) {
		if length := stream.Get("for"); length.Present() {
			length.WrongKey("stands beside steps", "each step has its own")
		}
		for _, item := range v.List("[{rate: 100/s, for: 5s}]") {
			if !item.Fields("rate", "for") || !item.Get("rate").Need("rate: 100/s") || !item.Get("for").Need("for: 5s") {
				continue
			}
			rate := item.Get("rate").Rate(1, 0, maxRate)
			s.Rate = append(s.Rate, Leg{From: rate, To: rate, For: item.Get("for").Duration(time.Second, time.Millisecond, longest)})
		}
		if v.IsList() && !slices.ContainsFunc(s.Rate, func(l Leg) bool { return l.From > 0 }) {
			v.Wrong("bring no request", "{rate: 100/s, for: 5s}")
		}
	},
}
