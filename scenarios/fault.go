package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Fault is one line of the timeline: what ails or befalls which places, from
// when, for how long.
type Fault struct {
	At  time.Duration
	For time.Duration
	On  []topologies.Place

	// Exactly one of these.
	Crash  bool    // the process is gone; a new one starts at the end
	Freeze bool    // the process stands still
	Slow   float64 // service takes this many times as long
	Errors float64 // this share of requests is answered 500
	Drain  bool    // health checks are refused and all else is served: it wants no more work
	Purge  Purge   // the cache forgets answers, at one instant: For is 0
}

// Purge says what a cache is to forget: the zero Purge nothing.
type Purge struct {
	Path string // the answers of a path, or of all that begin so if it ends in "*"
	Tag  string // the answers that carry this in Cache-Tag or Surrogate-Key
}

// Check tells what is wrong with a purge.
func (p Purge) Check() error {
	star := strings.Index(p.Path, "*")
	switch {
	case (p.Path == "") == (p.Tag == ""):
		return errors.New("is to name a path or a tag")
	case p.Tag != "" && strings.ContainsFunc(p.Tag, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%q is no tag", p.Tag)
	case p.Tag != "":
		return nil
	case strict.CheckPath(p.Path) != nil:
		return strict.CheckPath(p.Path)
	case star >= 0 && star < len(p.Path)-1:
		return fmt.Errorf("%q has a star before its end", p.Path)
	}
	return nil
}

// DatedPurge is a purge that is to happen.
type DatedPurge struct {
	At time.Duration
	Purge
}

// Effect is what ails a place at an instant. The zero Effect is none, but for
// Slow, which is 1 in good weather.
type Effect struct {
	Down   bool
	Frozen bool
	Drains bool
	Slow   float64
	Errors float64
}
