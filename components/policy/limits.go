package policy

import "time"

// Ask is what one of several limiters is asked for: a key and a cost.
type Ask struct {
	Key  string
	Cost float64
}

// Limits are several limiters that admit together or not at all: if one
// refuses, nothing is taken from the others.
type Limits []Limiter

// NewLimits makes the limiters that are chosen, each with at most bound keys.
func NewLimits(chosen []Choice, bound int) Limits {
	limits := make(Limits, len(chosen))
	for i, c := range chosen {
		kind, known := Limiters[c.Name]
		if !known {
			kind = Limiters["token-bucket"]
		}
		limits[i] = kind.New(kind.Params(c.Params), bound)
	}
	return limits
}

// Take asks each limiter for its part. wait is the longest that any names.
func (l Limits) Take(now time.Duration, asks []Ask) (wait time.Duration, ok bool) {
	if len(l) == 1 {
		return l[0].Take(now, asks[0].Key, asks[0].Cost)
	}
	if wait, ok = l.ask(now, asks); !ok {
		return wait, false
	}
	for i, a := range asks {
		l[i].Take(now, a.Key, a.Cost)
	}
	return wait, true
}

// ask is the longest wait of those that refuse, or if none does of all.
func (l Limits) ask(now time.Duration, asks []Ask) (wait time.Duration, ok bool) {
	ok = true
	for i, a := range asks {
		w, admits := l[i].Ask(now, a.Key, a.Cost)
		switch {
		case admits == ok:
			wait = max(wait, w)
		case ok:
			wait, ok = w, false
		}
	}
	return wait, ok
}
