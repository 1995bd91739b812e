package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// What finished runs took beside their load tells what the rest will take.
func TestForecastLearns(t *testing.T) {
	for _, c := range []struct {
		name string
		took time.Duration // of each run
		want []time.Duration
	}{
		{"as guessed", 2200 * time.Millisecond, []time.Duration{20, 18, 15, 13, 11, 9, 7, 4, 2, 0}},
		{"slow to start", 5 * time.Second, []time.Duration{20, 29, 28, 26, 22, 18, 14, 9, 5, 0}},
		{"no slower than the load", 2 * time.Second, []time.Duration{20, 17, 14, 12, 10, 8, 6, 4, 2, 0}},
	} {
		steps := (&Plan{Scenario: asking(), Worlds: []string{"live"}}).Steps()
		f := newForecast(steps)
		got := []time.Duration{f.left() / time.Second}
		for _, s := range steps {
			f.made(s, c.took)
			got = append(got, f.left()/time.Second)
		}
		assert.Equal(t, c.want, got, c.name)
	}
}
