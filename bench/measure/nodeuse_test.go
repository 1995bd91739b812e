package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNodeUseSinceAndPlus(t *testing.T) {
	early := NodeUse{Place: "lb", Kind: "gateway", Requests: 5, Checks: 1, CPU: time.Second, Memory: 100,
		Reasons: map[string]int64{"ok": 4, "shed": 1}, Asked: map[string]int64{"api": 4}, Cache: map[string]int64{"hit": 2},
		Usage: []Usage{{Consumer: "a", Route: "/x", Requests: 2, Bytes: 20}, {Consumer: "b", Route: "/x", Requests: 1, Errors: 1}}}
	later := NodeUse{Place: "lb", Kind: "gateway", Requests: 12, Checks: 4, CPU: 3 * time.Second, Memory: 90,
		Reasons: map[string]int64{"ok": 10, "shed": 1, "reset": 1}, Asked: map[string]int64{"api": 10, "db": 1}, Cache: map[string]int64{"hit": 5},
		Usage: []Usage{{Consumer: "a", Route: "/w", Requests: 1, Limited: 1}, {Consumer: "a", Route: "/x", Requests: 3, Bytes: 25}, {Consumer: "b", Route: "/x", Requests: 1, Errors: 1}}}

	between := later.Since(early)
	require.Equal(t, NodeUse{Place: "lb", Kind: "gateway", Requests: 7, Checks: 3, CPU: 2 * time.Second, Memory: 90,
		Reasons: map[string]int64{"ok": 6, "reset": 1}, Asked: map[string]int64{"api": 6, "db": 1}, Cache: map[string]int64{"hit": 3},
		Usage: []Usage{{Consumer: "a", Route: "/w", Requests: 1, Limited: 1}, {Consumer: "a", Route: "/x", Requests: 1, Bytes: 5}}}, between)
	require.EqualValues(t, 4, early.Reasons["ok"], "snapshots are left as they were")

	again := between.Plus(early)
	later.Memory = 100
	require.Equal(t, later, again)
}
