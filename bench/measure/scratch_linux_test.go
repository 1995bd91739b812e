package measure

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Of the folders of its purpose Scratch removes those that were left, and none
// that is held, or so new that it may be before it is.
func TestScratch(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	folder := func(name string, age time.Duration) string {
		dir := filepath.Join(temp, name)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "runs"), 0o755))
		require.NoError(t, os.Chtimes(dir, time.Time{}, time.Now().Add(-age)))
		return dir
	}
	left, fresh := folder("trafficlab-aa-1", time.Hour), folder("trafficlab-aa-2", 0)
	other, held := folder("trafficlab-capacity-1", time.Hour), folder("trafficlab-aa-3", time.Hour)
	file, err := hold(held)
	require.NoError(t, err)
	defer file.Close()

	dir, done, err := Scratch("aa")
	require.NoError(t, err)
	require.DirExists(t, dir)
	require.NoDirExists(t, left)
	for _, stays := range []string{fresh, other, held} {
		require.DirExists(t, stays)
	}
	require.NoError(t, os.Chtimes(dir, time.Time{}, time.Now().Add(-time.Hour)))
	_, another, err := Scratch("aa")
	require.NoError(t, err)
	require.DirExists(t, dir, "it is held until it is done")
	require.NoError(t, another())
	require.NoError(t, done())
	require.NoDirExists(t, dir)
}
