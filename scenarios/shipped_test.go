package scenarios

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShippedScenariosAreSound(t *testing.T) {
	t.Chdir(t.TempDir())
	entries, err := files.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, Shipped(), len(entries)-1, "every file but init.yaml")
	for _, name := range Shipped() {
		s, err := Open(name, Options{})
		require.NoError(t, err, name)
		require.Equal(t, name, s.Name)
		require.NotEmpty(t, s.Question)
		require.NotEmpty(t, s.Expect)
	}
}

func TestInitLoads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(Init), 0o644))
	s, err := Open(file, Options{})
	require.NoError(t, err)
	require.Equal(t, file, s.File)
	require.Len(t, s.Variants, 3)
}
