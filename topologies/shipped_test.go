package topologies

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShippedTopologiesAreSound(t *testing.T) {
	entries, err := files.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, Shipped(), len(entries), "every file")
	for _, name := range Shipped() {
		top, err := Load(name, t.TempDir())
		require.NoError(t, err, name)
		require.Equal(t, name, top.Name)
		require.NotEmpty(t, top.About, name)
		text, err := os.ReadFile(name + ".yaml")
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "# client "), "%s begins with a picture", name)
	}
}
