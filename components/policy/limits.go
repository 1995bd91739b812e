package policy

import (
	"cmp"
	"time"
)

// Ask is what one of several limiters is asked for: a key and a cost.
type Ask struct {
	Key  string
	Cost float64
	// Date, if it is not 0, is what a limiter that counts by the calendar is
	// told in the place of the time: the time since 1970.
	Date time.Duration
}

func (a *Ask) at(now time.Duration) time.Duration {
	if a.Date != 0 {
		return a.Date
	}
	return now
}

// Limits are several limiters that admit together or not at all: if one
// refuses, nothing is taken from the others.
type Limits []Limiter

// NewLimits makes the limiters that are chosen, each with at most bound keys.
func NewLimits(chosen []Choice, bound int) Limits {
	limits := make(Limits, len(chosen))
	for i, c := range chosen {
		if c.Name == Quota {
			limits[i] = NewQuota(c.Params.Number("quota"), c.Params.Word("per"), bound)
			continue
		}
		kind := Limiters[cmp.Or(c.Name, DefaultLimiter)]
		limits[i] = kind.New(kind.Params(c.Params), bound)
	}
	return limits
}

// Take asks each limiter for its part. wait is the longest that any names.
func (l Limits) Take(now time.Duration, asks []Ask) (wait time.Duration, ok bool) {
	if len(l) == 1 {
		return l[0].Take(asks[0].at(now), asks[0].Key, asks[0].Cost)
	}
	if wait, ok = l.ask(now, asks); !ok {
		return wait, false
	}
	for i, a := range asks {
		l[i].Take(a.at(now), a.Key, a.Cost)
	}
	return wait, true
}

// ask is the longest wait of those that refuse, or if none does of all.
func (l Limits) ask(now time.Duration, asks []Ask) (wait time.Duration, ok bool) {
	ok = true
	for i, a := range asks {
		w, admits := l[i].Ask(a.at(now), a.Key, a.Cost)
		switch {
		case admits == ok:
			wait = max(wait, w)
		case ok:
			wait, ok = w, false
		}
	}
	return wait, ok
}
