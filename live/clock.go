package live

import (
	"context"
	"time"
)

// Clock tells the time and rings at an instant. It is safe for concurrent use.
type Clock interface {
	Now() time.Time

	// Since is Now less an instant it told, at half the cost.
	Since(at time.Time) time.Duration

	// Alarm returns a channel that receives once, at the instant, and a
	// function that gives the alarm up (and tells whether it had not rung).
	Alarm(at time.Time) (ring <-chan time.Time, stop func() bool)
}

// Standard is the clock of package time: the one for tests in a synctest
// bubble. On an idle process that uses the network it rings up to a
// millisecond late, since the poller waits in whole milliseconds.
type Standard struct{}

// Now is time.Now.
func (Standard) Now() time.Time { return time.Now() }

// Since is time.Since.
func (Standard) Since(at time.Time) time.Duration { return time.Since(at) }

// Alarm is a timer of package time.
func (Standard) Alarm(at time.Time) (<-chan time.Time, func() bool) {
	timer := time.NewTimer(time.Until(at))
	return timer.C, timer.Stop
}

// Precise is the clock of real runs: it rings some 0.05 ms late where the
// system has a timer that the poller can wait for (Linux), and like Standard
// elsewhere.
type Precise struct{}

// Now is time.Now.
func (Precise) Now() time.Time { return time.Now() }

// Since is time.Since.
func (Precise) Since(at time.Time) time.Duration { return time.Since(at) }

// SleepUntil waits by the precise clock until the instant, or until the context
// ends, whose error it then returns.
func SleepUntil(ctx context.Context, at time.Time) error {
	ring, stop := Precise{}.Alarm(at)
	defer stop()
	select {
	case <-ring:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
