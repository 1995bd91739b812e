package components

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// ailing are tallies whose Redis the faults of a case befall: the same in both
// worlds, since a real one belongs to somebody else and is not killed. While it
// is down, questions are refused at once; a new one remembers nothing. While it
// is frozen, they wait until it thaws or for as long as the limit is patient;
// those given up are not counted.
type ailing struct {
	Tallies
	turns []scenarios.Turn // in order of time; not empty
}

// underWeather is the tallies as the faults of a case have them.
func underWeather(t Tallies, w *scenarios.Weather) Tallies {
	if turns := w.Turns(topologies.Redis); t != nil && len(turns) > 0 {
		return ailing{t, turns}
	}
	return t
}

// Tally implements Tallies: after each crash it is another one.
func (a ailing) Tally(name string, shared *topologies.Shared, limiters []policy.Choice, tells bool) Tally {
	t := &ailingTally{patience: shared.Timeout, turns: a.turns}
	life := a.Tallies.Tally(name, shared, limiters, tells)
	t.lives = append(t.lives, life)
	for i, turn := range a.turns {
		if turn.Down {
			life = a.Tallies.Tally(fmt.Sprintf("%s.after-crash-%d", name, i), shared, limiters, tells)
		}
		t.lives = append(t.lives, life)
	}
	return t
}

// ailingTally is one of them.
type ailingTally struct {
	patience time.Duration
	turns    []scenarios.Turn
	lives    []Tally // before the first turn, and from each on
}

var (
	errGone  = errors.New("the Redis is down")
	errStuck = errors.New("the Redis is frozen")
)

// Take implements Tally.
func (t *ailingTally) Take(x Exchange, asks []policy.Ask) Taken {
	now := x.Now()
	i := sort.Search(len(t.turns), func(i int) bool { return t.turns[i].At > now })
	if i == 0 || !t.turns[i-1].Down && !t.turns[i-1].Frozen {
		return t.lives[i].Take(x, asks)
	}
	if t.turns[i-1].Down {
		return Taken{Lost: errGone}
	}
	thaw := t.turns[i] // no fault is without an end
	switch wait := thaw.At - now; {
	case wait > t.patience:
		return Taken{Lost: errStuck, Trip: t.patience}
	case thaw.Down:
		return Taken{Lost: errGone, Trip: wait}
	default:
		taken := t.lives[i].Take(x, asks)
		taken.Trip += wait
		return taken
	}
}
