package measure

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// bounded lets no file grow beyond so many bytes while f runs, as a full disk
// would.
func bounded(t *testing.T, bytes uint64, f func()) {
	ignore := make(chan os.Signal, 1)
	signal.Notify(ignore, syscall.SIGXFSZ)
	defer signal.Stop(ignore)
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: was.Max}))
	defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)) }()
	f()
}

// A run that a full disk has no room for is gone, with an error that says so;
// what was finished before stays whole.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	store, err := Create(dir, "plan")
	require.NoError(t, err)
	defer store.Close()
	run := &Run{Format: Format, World: "sim", Variant: "a", Duration: 1}
	draft, err := store.Draft(run)
	require.NoError(t, err)
	require.NoError(t, draft.Keep(run))

	second := &Run{Format: Format, World: "sim", Variant: "a", Repetition: 1, Duration: 1}
	bounded(t, 64, func() {
		draft, err := store.Draft(second)
		require.NoError(t, err)
		err = draft.Keep(second)
		require.ErrorContains(t, err, "keep run sim-a-2: ")
		require.ErrorIs(t, err, syscall.EFBIG)
		err = store.SaveResult(&Result{Question: "So long that it does not fit into what room there is left on it?"})
		require.ErrorIs(t, err, syscall.EFBIG)
		require.Equal(t, "write "+filepath.Join(dir, "result.json")+": file too large", err.Error())
	})
	runs, err := store.Runs()
	require.NoError(t, err)
	require.Len(t, runs, 1)
	entries, err := os.ReadDir(filepath.Join(dir, "runs"))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no draft is left")
	_, err = os.Stat(filepath.Join(dir, "result.json.part"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
