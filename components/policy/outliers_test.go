package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var envoy = OutlierLimits{Failures: 5, Interval: 10 * time.Second, Base: 30 * time.Second,
	Most: 300 * time.Second, Share: .1, Deviations: 1.9, Hosts: 5, Requests: 100}

func fails(o *Outliers, now time.Duration, i, times int) {
	for range times {
		o.Report(now, i, Failed)
	}
}

func TestTheFifthFailureInARowEjects(t *testing.T) {
	o := NewOutliers(10, envoy)
	fails(o, 0, 3, 4)
	o.Report(0, 3, OK)
	fails(o, time.Second, 3, 4)
	o.Report(time.Second, 3, Canceled) // says nothing
	require.Empty(t, o.Advance(time.Second))
	o.Report(time.Second, 3, Timeout)
	require.Equal(t, []int{3}, o.Advance(time.Second))
	require.True(t, o.Ejected(3))
	require.Empty(t, o.Advance(time.Second))
}

// TestEjectionsGrow: the k-th lasts k times the base, to the end of the
// interval, and no longer than the longest.
func TestEjectionsGrow(t *testing.T) {
	limits := envoy
	limits.Most = 100 * time.Second
	o := NewOutliers(10, limits)
	now := time.Duration(0)
	for _, want := range []time.Duration{30, 60, 90, 100, 100} {
		fails(o, now, 2, 5)
		o.Advance(now)
		require.True(t, o.Ejected(2))
		require.Empty(t, o.Advance(now+want*time.Second-1))
		require.Equal(t, []int{2}, o.Advance(now+want*time.Second))
		require.False(t, o.Ejected(2))
		now += want * time.Second
	}
	o.Advance(now + 30*time.Second) // three intervals of good behaviour
	now += 30 * time.Second
	fails(o, now, 2, 5)
	require.Equal(t, []int{2}, o.Advance(now))
	require.Empty(t, o.Advance(now+90*time.Second-1))
	require.Equal(t, []int{2}, o.Advance(now+90*time.Second), "the sixth counts as the third")
}

// TestEjectionsThatFadeShorten: what counts for the length stops growing where
// the length does, so that good behaviour is felt soon: 11 at 30 s and 300 s.
func TestEjectionsThatFadeShorten(t *testing.T) {
	o := NewOutliers(10, envoy)
	now := time.Duration(0)
	for k := range 40 {
		fails(o, now, 2, 5)
		now += time.Duration(min(k+1, 10)) * 30 * time.Second
		o.Advance(now)
		require.False(t, o.Ejected(2))
	}
	now += 90 * time.Second // nine intervals
	o.Advance(now)
	fails(o, now, 2, 5)
	o.Advance(now)
	require.Empty(t, o.Advance(now+90*time.Second-1))
	require.Equal(t, []int{2}, o.Advance(now+90*time.Second), "11 - 9, and this one")
}

// TestSkippedIntervalsCount: an account that is looked at late is the same as
// one that was looked at all along.
func TestSkippedIntervalsCount(t *testing.T) {
	random := newRandom(12)
	limits := OutlierLimits{Failures: 3, Interval: time.Second, Base: 2500 * ms, Most: 9 * time.Second, Share: .5}
	often, late := NewOutliers(6, limits), NewOutliers(6, limits)
	now, skipped := time.Duration(0), 0
	for range 2000 {
		pause := time.Duration(random.Int64N(int64(6 * time.Second)))
		for end := now + pause; now < end; {
			now = min(now+300*ms, end)
			often.Advance(now)
		}
		late.Advance(now)
		i := random.IntN(6)
		fails(often, now, i, 3)
		fails(late, now, i, 3)
		if pause > 2*time.Second {
			skipped++
		}
		for i := range 6 {
			require.Equal(t, often.Ejected(i), late.Ejected(i), "%d at %v", i, now)
			require.Equal(t, often.members[i].times, late.members[i].times, "%d at %v", i, now)
		}
	}
	require.Greater(t, skipped, 1000)
}

// TestThoseWhoReturnLeaveRoom: at the end of an interval all return whose time
// is over, and then outliers go, whatever their places.
func TestThoseWhoReturnLeaveRoom(t *testing.T) {
	for _, back := range []int{0, 9} {
		limits := envoy
		limits.Base = 10 * time.Second
		o := NewOutliers(10, limits) // room for one
		fails(o, 0, back, 5)
		for i := range 10 {
			for k := range 100 {
				if i == 5 && k%2 == 0 {
					o.Report(5*time.Second, i, Failed)
				} else if i != back {
					o.Report(5*time.Second, i, OK)
				}
			}
		}
		o.Advance(10 * time.Second)
		require.False(t, o.Ejected(back))
		require.True(t, o.Ejected(5), "%d was out", back)
	}
}

func TestAtMostAShareIsEjected(t *testing.T) {
	for _, c := range []struct {
		n, most int
		share   float64
	}{{3, 1, .1}, {10, 1, .1}, {19, 1, .1}, {20, 2, .1}, {50, 5, .1}, {100, 29, .29}, {100, 57, .57}, {50, 29, .58}, {25, 7, .28}, {5, 1, 0}} {
		limits := envoy
		limits.Share = c.share
		o := NewOutliers(c.n, limits)
		for i := range c.n {
			fails(o, 0, i, 20)
		}
		require.Len(t, o.Advance(0), c.most, "of %d", c.n)
	}
}

// TestOutliersOfSuccess: nine with 1% failures and one with 20% over an
// interval; the bar is mean - 1.9 standard deviations: .971 - 1.9·.057 = .863.
func TestOutliersOfSuccess(t *testing.T) {
	play := func(requests, hosts int, limits OutlierLimits) *Outliers {
		o := NewOutliers(10, limits)
		for i := range hosts {
			for k := range requests {
				reason := OK
				if i == 4 && k%5 == 0 || k == 50 {
					reason = Shed
				}
				o.Report(time.Second, i, reason)
			}
		}
		require.Empty(t, o.Advance(10*time.Second-1), "only at the end of an interval")
		return o
	}
	o := play(100, 10, envoy)
	require.Equal(t, []int{4}, o.Advance(10*time.Second))
	require.InDelta(t, .863, play(100, 10, envoy).bar(), .001)
	require.Empty(t, play(99, 10, envoy).Advance(10*time.Second), "too few requests")
	require.Equal(t, []int{4}, play(100, 5, envoy).Advance(10*time.Second), "five are enough")
	few := envoy
	few.Hosts = 11
	require.Empty(t, play(100, 10, few).Advance(10*time.Second), "too few backends")
	off := envoy
	off.Deviations = 0
	require.Empty(t, play(100, 10, off).Advance(10*time.Second))
}

// TestOutliersStayWithinTheCap drives it at random and holds it against a
// count of its own.
func TestOutliersStayWithinTheCap(t *testing.T) {
	random := newRandom(8)
	limits := envoy
	limits.Interval, limits.Base, limits.Requests = time.Second, 3*time.Second, 5
	limits.Share = .3
	o := NewOutliers(12, limits)
	out := map[int]bool{}
	now := time.Duration(0)
	for range 50_000 {
		now += time.Duration(random.Int64N(int64(20 * ms)))
		i := random.IntN(12)
		o.Report(now, i, []Reason{OK, OK, Failed, Reset, Canceled}[random.IntN(5)])
		for _, i := range slices.Clone(o.Advance(now)) {
			out[i] = !out[i]
			require.Equal(t, out[i], o.Ejected(i))
			if !out[i] {
				delete(out, i)
			}
		}
		require.LessOrEqual(t, len(out), 3)
	}
}

func TestSlowStartRamp(t *testing.T) {
	linear := SlowStart{Window: 10 * time.Second, Least: .1, Aggression: 1}
	for age, want := range map[time.Duration]float64{-1: .1, 0: .1, time.Second: .1, 2500 * ms: .25, 5 * time.Second: .5, 10 * time.Second: 1, time.Hour: 1} {
		require.InDelta(t, want, linear.Share(age), 1e-12, "%s", age)
	}
	eager := SlowStart{Window: 10 * time.Second, Least: .1, Aggression: 2}
	require.InDelta(t, .5, eager.Share(2500*ms), 1e-12)
}

// TestRampsShiftShares: at a tenth of its weight a backend gets a tenth of its
// turns.
func TestRampsShiftShares(t *testing.T) {
	for _, name := range []string{"weighted-round-robin", "weighted-random"} {
		p := newPicker(name, 4, 1).(Ramper)
		p.Ramp(2, 1, .1)
		counts := make([]int, 4)
		for range 31_000 {
			i, _ := p.Pick(0, 0, nil)
			counts[i]++
		}
		require.InDelta(t, 1000, counts[2], 150, name)
		p.SetUp(2, false)
		p.Ramp(2, 1, 1)
		p.SetUp(2, true)
		counts = make([]int, 4)
		for range 4000 {
			i, _ := p.Pick(0, 0, nil)
			counts[i]++
		}
		require.InDelta(t, 1000, counts[2], 150, name)
	}
	pool := equal(2)
	pool.Ramps = true
	p := told("least-connections", nil, pool, 1).(Ramper)
	p.Ramp(1, 1, .25) // one of its requests weighs as four of the other's
	counts := make([]int, 2)
	for range 10 {
		i, _ := p.Pick(0, 0, nil)
		p.Started(i)
		counts[i]++
	}
	require.Equal(t, []int{8, 2}, counts)
}
