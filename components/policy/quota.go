package policy

import (
	"time"
)

// Quota is the name of the limit that counts by the calendar. It is no rate,
// and so not among Limiters.
const Quota = "quota"

// NewQuota returns a limiter that admits so much of each key in a period of the
// calendar: "hour", "day" or "month", in UTC. It is told dates: the time since
// 1970. It remembers at most bound keys.
//
// Source: the quotas of AWS API Gateway's usage plans, Apigee's calendar quota,
// Kong's rate-limiting plugin.
// Cost: O(1), one map look-up, one count a key.
// Weak spot: all may be used up in the first second of a period; and it is
// forgotten with the process that counts, unless that is a Redis.
func NewQuota(of float64, per string, bound int) Limiter {
	return newKeyed[period](calendar{of, per}, bound)
}

type calendar struct {
	limit float64
	per   string
}

// period is what was admitted from an instant on, until another.
type period struct{ start, end, cost float64 }

func (c calendar) fresh(now float64) period {
	start, end := c.around(now)
	return period{start: start, end: end}
}

// around is the period that an instant falls into. Instants are rounded to a
// quarter of a microsecond by now: the seconds are what counts.
func (c calendar) around(now float64) (start, end float64) {
	from, to := Period(c.per, time.Duration(now))
	return float64(from), float64(to)
}

// Period is the hour, day or month, in UTC, that a date falls into, and the
// beginning of the next; all as the time since 1970.
func Period(per string, date time.Duration) (start, end time.Duration) {
	at := time.Unix(0, int64(date)).UTC()
	var from, to time.Time
	switch per {
	case "month":
		from = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		to = from.AddDate(0, 1, 0)
	case "hour":
		from = at.Truncate(time.Hour)
		to = from.Add(time.Hour)
	default:
		from = at.Truncate(24 * time.Hour)
		to = from.Add(24 * time.Hour)
	}
	return time.Duration(from.UnixNano()), time.Duration(to.UnixNano())
}

// roll begins the period that now falls into. Clocks that are set back begin
// none anew.
func (c calendar) roll(p period, now float64) period {
	if now < p.end {
		return p
	}
	return c.fresh(now)
}

func (c calendar) ask(p *period, now, cost float64) (wait float64, ok bool) {
	held := c.roll(*p, now)
	if held.cost+min(cost, c.limit) > c.limit {
		return held.end - now, false
	}
	return 0, true
}

func (c calendar) pay(p *period, now, cost float64) {
	*p = c.roll(*p, now)
	p.cost += min(cost, c.limit)
}

func (c calendar) level(p *period, now float64) (most, left, reset float64) {
	held := c.roll(*p, now)
	return c.limit, c.limit - held.cost, held.end - now
}
