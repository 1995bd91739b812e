package policy

import "time"

// Grid is when something is done again and again: at Phase + k·Every, each
// later by a random part of the share Jitter of Every. The names and the seed
// decide both, so checks of many places, or by many proxies, are spread over
// the interval and do not fall in step; and who starts late or again falls in
// step with itself.
//
// Source: jitter as in Envoy's health checks (interval_jitter_percent) and
// HAProxy's spread-checks.
// Cost: O(1).
// Weak spot: with much jitter two checks may come close upon each other.
type Grid struct {
	Every, Phase time.Duration
	Jitter       float64 // from 0 to 1
}

// Next is the first instant after now, and its number. jitter gives a draw
// from 0 to 1 for each number, always the same one.
func (g Grid) Next(now time.Duration, jitter func(k int64) float64) (k int64, at time.Duration) {
	k = after(now-g.Phase-time.Duration(g.Jitter*float64(g.Every)), g.Every)
	for ; ; k++ {
		at = g.Phase + time.Duration(k)*g.Every
		if g.Jitter > 0 {
			at += time.Duration(g.Jitter * jitter(k) * float64(g.Every))
		}
		if at > now {
			return k, at
		}
	}
}

// after is the least k for which k·every comes after since.
func after(since, every time.Duration) int64 {
	k := since / every
	if since < 0 && since%every != 0 {
		k-- // division truncates towards zero
	}
	return int64(k) + 1
}
