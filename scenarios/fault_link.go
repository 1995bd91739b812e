package scenarios

import (
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Strain is what a fault does to what passes over a link. The zero Strain is
// nothing.
type Strain struct {
	Delay       topologies.Distribution `json:",omitzero"` // of each message
	Correlation float64                 `json:",omitempty"`
	Bandwidth   int64                   `json:",omitempty"` // bytes a second, of all connections together; 0: all there is
	Loss        float64                 `json:",omitempty"` // share of messages that do not come through at the first try
	Cut         Cut                     `json:",omitempty"`
	Only        Way                     `json:",omitempty"` // 0: both ways

	salt uint64 // of its draws
}

// Way is a direction on a link.
type Way uint8

// The ways: of those who ask, and of those who answer.
const (
	There Way = 1 + iota
	Back
)

// wayWords are as a file has them; at the place of each.
var wayWords = []string{"both", "there", "back"}

// Cut is how a link is cut: "" is not.
type Cut string

// The ways to cut a link.
const (
	// Reset: all connections break at the beginning, and each that is made
	// later as soon as something is sent over it.
	Reset Cut = "reset"
	// Refuse: no connection is made any more. Those that stand go on.
	Refuse Cut = "refuse"
	// BlackHole: nothing comes through, and nobody is told. It is sent again
	// until the hole is gone.
	BlackHole Cut = "black-hole"
	// HalfOpen: connections that stood at the beginning are forgotten by what
	// lies between (a NAT or a firewall that lost its table, a far end that
	// lost power): nothing comes through on them, and nobody is told, until at
	// the end who still sends is reset. New ones are as ever.
	HalfOpen Cut = "half-open"
)

var cuts = []string{string(Reset), string(Refuse), string(BlackHole), string(HalfOpen)}

// mostCorrelation keeps the search for where a draw came from short.
const mostCorrelation = 0.99

var linking = FaultKind{
	About: "what passes over a link, such as lb > api[2], is late by a delay (one for all, with jitter around it, or a law; " +
		"correlation: 25% says how often a message is as late as the one before), waits its turn at a bandwidth, or is lost and sent again",
	Example: "{delay: 20ms, jitter: 5ms, bandwidth: 1MiB/s, loss: 1%, way: back}",
	graded:  true,
	links:   true,
	read: func(v strict.Value, f *Fault) {
		if v.IsText() {
			f.Link.Delay = topologies.Distribution{Law: "constant", Mean: v.Duration(0, time.Microsecond, longest)}
			return
		}
		if !v.Fields("delay", "jitter", "correlation", "bandwidth", "loss", "way") {
			return
		}
		f.Link = Strain{
			Bandwidth: v.Get("bandwidth").Bandwidth(0, 1, 1<<40),
			Loss:      v.Get("loss").Share(0, 0.0001, 0.99),
			Only:      way(v),
		}
		f.Link.readDelay(v)
		if v.Get("delay").Present() || v.Get("bandwidth").Present() || v.Get("loss").Present() {
			return
		}
		v.Wrong("says not what is wrong with the link", "delay: 20ms, bandwidth: 1MiB/s or loss: 1%")
	},
	is: func(f *Fault) bool { return f.Link.Delay.Law != "" || f.Link.Bandwidth > 0 || f.Link.Loss > 0 },
	lay: func(f *Fault, measure float64, e *Effect) {
		e.Links = append(e.Links, f.Link.by(measure))
	},
	word: func(f *Fault) string { return f.Link.String() },
}

var cutting = FaultKind{
	About: "a link, such as lb > api[2], is cut: reset (connections break, new ones as soon as they are used), refuse (no new ones), " +
		"black-hole (nothing comes through and nobody is told; between two sets, such as edge, lb | api, a partition) or " +
		"half-open (connections that stood are dead, and nobody is told; new ones are fine)",
	Example: "{by: black-hole, way: there}",
	links:   true,
	read: func(v strict.Value, f *Fault) {
		by := v
		if !v.IsText() {
			if !v.Fields("by", "way") || !v.Get("by").Need("by: black-hole") {
				return
			}
			by, f.Link.Only = v.Get("by"), way(v)
		}
		f.Link.Cut = Cut(by.Word(string(Reset), cuts...))
		if f.Link.Only != 0 && f.Link.Cut != BlackHole {
			v.Get("way").WrongKey("not for "+string(f.Link.Cut)+", which cuts both ways", "by: black-hole")
		}
	},
	is:  func(f *Fault) bool { return f.Link.Cut != "" },
	lay: func(f *Fault, _ float64, e *Effect) { e.Links = append(e.Links, f.Link) },
	word: func(f *Fault) string {
		return map[Cut]string{Reset: "resets", Refuse: "refusals", BlackHole: "black hole", HalfOpen: "half-open"}[f.Link.Cut] + f.Link.only()
	},
}

func way(v strict.Value) Way {
	said := v.Get("way").Word(wayWords[0], wayWords...)
	for i, word := range wayWords {
		if word == said {
			return Way(i)
		}
	}
	return 0
}

func (s *Strain) readDelay(v strict.Value) {
	delay := v.Get("delay")
	if delay.Present() {
		s.Delay = topologies.ReadDistribution(delay)
	}
	if jitter := v.Get("jitter"); jitter.Present() {
		around := jitter.Duration(0, time.Microsecond, longest)
		switch {
		case s.Delay.Law != "constant":
			jitter.WrongKey("is around a delay", "delay: 20ms")
		case around > s.Delay.Mean:
			jitter.Wrong("is more than the delay", "at most "+strict.Duration(s.Delay.Mean))
		default:
			s.Delay = topologies.Distribution{Law: "uniform", Low: s.Delay.Mean - around, High: s.Delay.Mean + around}
		}
	}
	s.Correlation = v.Get("correlation").Share(0, 0.0001, mostCorrelation)
	if s.Correlation > 0 && s.Loss == 0 && (s.Delay.Law == "" || s.Delay.Law == "constant") {
		v.Get("correlation").WrongKey("is of what differs from one message to the next", "jitter: 5ms, or loss: 1%")
	}
}

// by is the strain in a part of its measure.
func (s Strain) by(measure float64) Strain {
	for _, d := range []*time.Duration{&s.Delay.Mean, &s.Delay.Median, &s.Delay.P99, &s.Delay.Low, &s.Delay.High} {
		*d = scaled(*d, measure)
	}
	s.Bandwidth = int64(float64(s.Bandwidth) / measure)
	s.Loss *= measure
	return s
}

// String is the words for what is the matter.
func (s *Strain) String() string {
	var words []string
	if s.Delay.Law != "" {
		words = append(words, "+"+delayWord(s.Delay))
	}
	if s.Bandwidth > 0 {
		words = append(words, strict.Bandwidth(s.Bandwidth))
	}
	if s.Loss > 0 {
		words = append(words, strict.Share(s.Loss)+" lost")
	}
	return strings.Join(words, ", ") + s.only()
}

func delayWord(d topologies.Distribution) string {
	switch d.Law {
	case "uniform":
		return strict.Duration((d.Low+d.High)/2) + " ± " + strict.Duration((d.High-d.Low)/2)
	case "lognormal":
		return strict.Duration(d.Median) + " (p99 " + strict.Duration(d.P99) + ")"
	case "exponential":
		return "about " + strict.Duration(d.Mean)
	}
	return strict.Duration(d.Mean)
}

func (s *Strain) only() string {
	if s.Only == 0 {
		return ""
	}
	return " " + wayWords[s.Only]
}
