package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
)

func TestUsageAddsUpRoutesAndSaysWhatIsLeftOfLimits(t *testing.T) {
	quick := measure.Histogram{}
	for i := range 10_000 {
		quick.Add(time.Duration(i) * time.Microsecond)
	}
	s := &measure.Summary{Variant: "v", Usage: []measure.Usage{
		{Consumer: "alice", Route: "/a", Requests: 10_000, Bytes: 1 << 20, Latency: quick, Used: 15 * time.Second},
		{Consumer: "", Route: "/a", Requests: 7},
		{Consumer: "alice", Route: "/b", Requests: 5, Limited: 2, Errors: 1, Used: 3 * time.Second},
		{Consumer: "bob", Route: "/a", Requests: 4, Limited: 4},
	}}
	var rows [][]string
	for _, row := range usageOf(s, 20*time.Second)[0].Rows {
		var values []string
		for _, c := range row.Cells {
			values = append(values, c.Value)
		}
		require.Equal(t, values[1] == "all routes", row.All)
		rows = append(rows, values)
	}
	require.Equal(t, [][]string{
		{"alice", "/a", count(10_000), "0", "0", "1 MiB", "9.83 ms", "75%"},
		{"alice", "/b", "5", "2", "1", "0 B", dash, "15%"},
		{"alice", "all routes", count(10_005), "2", "1", "1 MiB", "9.83 ms", "90%"},
		{"nobody known", "/a", "7", "0", "0", "0 B", dash, dash},
		{"bob", "/a", "4", "4", "0", "0 B", dash, "0%"},
	}, rows)
	require.Empty(t, usageOf(&measure.Summary{}, time.Second))
}
