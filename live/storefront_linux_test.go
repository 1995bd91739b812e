package live

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

var asks = regexp.MustCompile(`(?m)^curl (.*?) +# (\d+)(?: (.*))?$`)

// TestTheStorefrontOfTheDocs: each line of curl in the docs is typed, and
// answered as stands behind it. What is to be taken out is in none.
func TestTheStorefrontOfTheDocs(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		const missing = "no curl on this machine: the lines of docs/gateway.md were not typed (make deps installs it)"
		if os.Getenv("TRAFFICLAB_ALL") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	docs, err := os.ReadFile("../docs/gateway.md")
	require.NoError(t, err)
	top, err := topologies.Load("storefront", "")
	require.NoError(t, err)
	s := started(t, &scenarios.Case{Scenario: "docs", Seed: 1, Variant: scenarios.Variant{Name: "only", Topology: top}})
	s.Begin()
	gate, _ := s.Entry()
	lines := asks.FindAllStringSubmatch(string(docs), -1)
	require.Len(t, lines, 13)
	for _, line := range lines {
		said, err := exec.CommandContext(t.Context(), "sh", "-c", "gate="+gate+"; curl -si "+line[1]).CombinedOutput()
		require.NoError(t, err, "%s\n%s", line[0], said)
		require.True(t, strings.HasPrefix(string(said), "HTTP/1.1 "+line[2]+" "), "%s\n%s", line[0], said)
		require.Contains(t, string(said), line[3], line[0])
		if strings.Contains(line[3], "name") {
			require.NotContains(t, string(said), "margin")
			require.NotContains(t, string(said), "price")
		}
	}
}
