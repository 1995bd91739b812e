package live

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAlarmsRingNeverEarly(t *testing.T) {
	var all sync.WaitGroup
	draw := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		at := time.Now().Add(time.Duration(draw.IntN(20_000_000)))
		all.Go(func() {
			ring, _ := Precise{}.Alarm(at)
			<-ring
			assert.False(t, time.Now().Before(at))
		})
	}
	all.Wait()
}

func TestAlarmsGivenUp(t *testing.T) {
	early, stop := Precise{}.Alarm(time.Now().Add(5 * time.Millisecond))
	late, _ := Precise{}.Alarm(time.Now().Add(10 * time.Millisecond))
	assert.True(t, stop())
	assert.False(t, stop(), "only once")
	<-late
	assert.Empty(t, early)

	past, stop := Precise{}.Alarm(time.Now().Add(-time.Hour))
	<-past
	assert.False(t, stop())
}

func TestEpochsAgree(t *testing.T) {
	a, err := monotonicEpoch()
	require.NoError(t, err)
	time.Sleep(time.Millisecond)
	b, err := monotonicEpoch()
	require.NoError(t, err)
	assert.WithinDuration(t, a, b, time.Millisecond)
}

// BenchmarkAlarm reports how late alarms ring in an idle process.
func BenchmarkAlarm(b *testing.B) {
	for name, clock := range map[string]Clock{"precise": Precise{}, "standard": Standard{}} {
		b.Run(name, func(b *testing.B) {
			var late []time.Duration
			draw := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				at := time.Now().Add(time.Millisecond + time.Duration(draw.IntN(2_000_000)))
				ring, _ := clock.Alarm(at)
				<-ring
				late = append(late, time.Since(at))
			}
			slices.Sort(late)
			b.ReportMetric(float64(late[len(late)/2])/1e3, "µs-late-p50")
			b.ReportMetric(float64(late[len(late)*99/100])/1e3, "µs-late-p99")
		})
	}
}
