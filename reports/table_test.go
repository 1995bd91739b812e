package reports

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What nodes refuse is told by what was wrong, and where.
func TestRefusalsOnThePage(t *testing.T) {
	s, r := small()
	require.NotContains(t, render(t, s, r), "Refused or cut off")
	nodes := r.Summaries[0].Nodes // of variant one, live
	for i := range nodes {
		nodes[i].Refused = map[string]int64{"body too long": int64(i)}
	}
	nodes[0].Refused["head too slow"] = 1234
	table := tableOf(s, r, "live")
	var found []row
	for _, g := range table.Groups {
		if g.Name == "Refused or cut off by a node, by what was wrong, all repetitions" {
			found = g.Rows
		}
	}
	require.Equal(t, []row{
		{Name: "body too long", Cells: []cell{{Value: "3", Range: "at api[0], api[1]"}, {Value: "0", Untrusted: true}}},
		{Name: "head too slow", Cells: []cell{{Value: "1\u202f234", Range: "at lb"}, {Value: "0", Untrusted: true}}},
	}, found)
}
