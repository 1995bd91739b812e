package scenarios

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWaterfallIsToldByEveryNode(t *testing.T) {
	open := func(extra string) (*Scenario, error) {
		file := t.TempDir() + "/s.yaml"
		text := "name: s\nquestion: Where does time go?\ntopology: gateway-lb\nload: {poisson: 9/s, for: 9s, mix: [{get: /products/1, key: alice}]}\ncompare: {lb.pick: [p2c, random]}\n"
		require.NoError(t, os.WriteFile(file, []byte(text+extra), 0o600))
		return Open(file, Options{})
	}
	for extra, want := range map[string]bool{"": false, "waterfall: false\n": false, "waterfall: true\n": true} {
		s, err := open(extra)
		require.NoError(t, err)
		for _, v := range s.Variants {
			for _, n := range v.Topology.Nodes {
				require.Equal(t, want, n.ServerTiming, "%s of %s: %s", n.Name, v.Name, extra)
			}
		}
	}
	_, err := open("waterfall: 5%\n")
	require.ErrorContains(t, err, "s.yaml:6:12: waterfall:")
}
