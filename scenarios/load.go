package scenarios

import (
	"net/netip"
	"strconv"
	"time"

	"trafficlab/topologies"
)

// Arrival is one request that the load brings, the same in both worlds.
type Arrival struct {
	*Ask                 // what it has in common with others of its kind; shared
	At     time.Duration // the intended instant, since the run began
	Number uint64        // from 0, in order of At; of a closed stream, see Client
	Path   string        // with its query, if any
	Body   int64         // bytes
	Client netip.Addr    // the address it claims to come from
	Kind   int           // which Ask of the load's streams it is, counted through all of them from 0
	Then   *Client       // who goes on when it has the outcome; nil: nobody
	Who    int           // which client of its kind, from 0: the same Kind and Who have the same Client
}

// HeaderField is one header field that the load sets.
type HeaderField struct{ Name, Value string }

// Load is one or several streams of requests, added up.
type Load struct {
	Streams []Stream
}

// Stream is one open load: requests come when they come, whether or not
// earlier ones were answered. Or it is a closed one: then it has no rate.
type Stream struct {
	At      time.Duration // when it begins
	Poisson bool          // exponential gaps; else evenly spaced
	Rate    []Leg         // the rate over time, leg by leg
	Bursts  *Bursts       `json:",omitempty"` // a rate in turns, in the place of Rate
	Replay  *Replay       `json:",omitempty"` // of an access log, likewise; Mix is its methods
	Closed  *Closed       `json:",omitempty"`
	Session *Session      `json:",omitempty"` // that each arrival begins; nil: it is one request
	Mix     []Ask
}

// Leg is a stretch of load whose rate goes from From to To in a straight line,
// on which there may be a sine that begins by rising.
type Leg struct {
	From, To float64 // requests per second
	For      time.Duration
	Swing    float64       `json:",omitzero"` // of the sine, to each side
	Period   time.Duration `json:",omitzero"` // of the sine
}

// Ask is one kind of request in a mix.
type Ask struct {
	Share   float64 // of the stream's requests
	Method  string
	Path    Template
	Body    int64  // bytes
	Bodies  *Sizes `json:",omitempty"` // a law of them, in the place of Body
	Header  []HeaderField
	Class   string  // the part of the load it belongs to
	Clients int     // how many addresses it comes from
	Habits  *Habits `json:",omitempty"` // of those clients; nil: as usual
}

// Sizes is a law of bytes.
type Sizes = topologies.Spread[int64]

// Template is a path with at most one drawn key in it:
// "/products/{zipf 1000 1.1}".
type Template struct {
	Before, After string
	Law           string // of KeyLaws; "": there is no key
	Keys          int
	Skew          float64 // of zipf
	Hot           int     `json:",omitzero"` // of hotspot: how many keys
	HotShare      float64 `json:",omitzero"` // of hotspot: of the requests
}

// with is the path of one key.
func (t Template) with(key int) string { return t.Before + strconv.Itoa(key) + t.After }

// Duration is how long load arrives: until the last stream ends.
func (l Load) Duration() time.Duration {
	var end time.Duration
	for _, s := range l.Streams {
		at := s.At
		for _, leg := range s.Rate {
			at += leg.For
		}
		switch {
		case s.Bursts != nil:
			at += s.Bursts.For
		case s.Replay != nil:
			at += s.Replay.Length
		case s.Closed != nil:
			at += s.Closed.For
		}
		end = max(end, at)
	}
	return end
}

// Steady tells whether the same load comes all the time and nothing befalls
// anybody.
func (v *Variant) Steady() bool {
	_, level := v.Load.Level()
	return level && len(v.Faults) == 0
}
