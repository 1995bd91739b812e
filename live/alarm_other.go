//go:build !linux

package live

import "time"

// Alarm is a timer of package time.
func (Precise) Alarm(at time.Time) (<-chan time.Time, func() bool) {
	return Standard{}.Alarm(at)
}
