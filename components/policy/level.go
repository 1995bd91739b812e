package policy

import (
	"math"
	"time"
)

// Level is how far a key is from its limit.
type Level struct {
	Most  float64       // that can ever be admitted at once
	Left  float64       // that would be admitted now; below 0 for less than nothing
	Reset time.Duration // until Left is Most again, were nobody to ask
}

// Whole is how much of whole requests is left.
func (l Level) Whole() int { return int(max(math.Floor(l.Left+1e-9), 0)) }

// NewLevel is a level as a law tells it, in nanoseconds.
func NewLevel(most, left, reset float64) Level {
	return Level{most, left, time.Duration(math.Ceil(max(reset, 0)))}
}

// Levels are the levels of what is asked for, of which the nearest to nothing
// counts: which it is, and its level.
func (l Limits) Levels(now time.Duration, asks []Ask) (which int, level Level) {
	var room [8]Level
	all := room[:0]
	for i, a := range asks {
		all = append(all, l[i].Level(a.at(now), a.Key))
	}
	return Tightest(all)
}

// Tightest is the first of the levels that are nearest to nothing. There must
// be one.
func Tightest(all []Level) (which int, level Level) {
	for i, next := range all {
		if i == 0 || next.Tighter(level) {
			which, level = i, next
		}
	}
	return which, level
}

// Tighter tells whether less is left, or for longer.
func (l Level) Tighter(than Level) bool {
	if l.Whole() != than.Whole() {
		return l.Whole() < than.Whole()
	}
	return l.Reset > than.Reset
}

// Level implements Limiter.
func (k *keyed[S, L]) Level(now time.Duration, key string) Level {
	return NewLevel(k.law.level(k.state(float64(now), key), float64(now)))
}

func (t tokenBucket) level(c *credit, now float64) (most, left, reset float64) {
	held := t.fill(*c, now)
	return t.depth / float64(t.pace), held.tokens / float64(t.pace), t.depth - held.tokens
}

func (g gcra) level(tat *instant, now float64) (most, left, reset float64) {
	ahead := tat.ahead(now)
	return g.depth / float64(g.pace), (g.depth - ahead) / float64(g.pace), ahead
}

func (f fixedWindow) level(c *count, now float64) (most, left, reset float64) {
	held := f.roll(*c, now)
	return f.limit, f.limit - held.cost, held.start + f.window - now
}

func (l slidingLog) level(s *stamps, now float64) (most, left, reset float64) {
	s.drop(now - l.window)
	if n := s.len(); n > 0 {
		return l.limit, l.limit - n, s.at[len(s.at)-1] + l.window - now
	}
	return l.limit, l.limit, 0
}

func (c slidingCounter) level(kept *counts, now float64) (most, left, reset float64) {
	s := c.roll(*kept, now)
	now = max(now, s.start)
	end := s.start + c.window
	left = c.limit - s.current - math.Floor(s.previous*(end-now)/c.window)
	switch {
	case s.current > 0:
		return c.limit, left, end + c.window - now
	case s.previous > 0:
		return c.limit, left, end - now
	}
	return c.limit, left, 0
}

func (l leakyBucket) level(m *meter, now float64) (most, left, reset float64) {
	passed := max(milliseconds(now)-m.last, 0)
	excess := max(m.excess-math.Floor(l.rate*passed/thousandths), -thousandths)
	reset = math.Ceil((excess+thousandths)*thousandths/l.rate) * float64(time.Millisecond)
	return (l.burst + thousandths) / thousandths, (l.burst - excess) / thousandths, reset
}

func (q leakyQueue) level(empty *instant, now float64) (most, left, reset float64) {
	ahead := empty.ahead(now)
	most, left = q.longest/float64(q.pace)+1, 0
	if ahead <= q.longest {
		left = (q.longest-ahead)/float64(q.pace) + 1
	}
	return most, left, ahead
}
