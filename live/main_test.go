package live

import (
	"io"
	"log"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary is also the program that it tests: what "trafficlab guard"
// and "trafficlab node" do, it does under the same words.
func TestMain(m *testing.M) {
	if playRole() {
		return
	}
	// The race detector lets processes linger for a second at their end.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	log.SetOutput(io.Discard) // as in a node's process
	m.Run()
}

// until polls, since what it waits for happens in another process, or on real
// sockets.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, 5*time.Second, 2*time.Millisecond, what)
}
