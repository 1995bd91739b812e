//go:build unix

package strict

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Nobody writes to the pipe: to open it would last for ever.
func TestAPipeIsNotWaitedFor(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.yaml")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := Load(pipe)
	require.EqualError(t, err, "read "+pipe+": is no regular file")
	_, err = Load("/dev/null")
	require.EqualError(t, err, "read /dev/null: is no regular file")
}
