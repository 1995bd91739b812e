package live

import (
	"io"
	"log"
	"os"
	"testing"
	"time"
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

// patience is how long a test waits for what must happen: long, for machines
// that are slow, or busy elsewhere. Only one that fails waits so long.
const patience = time.Minute

// until polls, since what it waits for happens in another process, or on real
// sockets.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// next is what comes next by a channel.
func next[T any](t testing.TB, c <-chan T) (came T) {
	t.Helper()
	select {
	case came = <-c:
	case <-time.After(patience):
		t.Fatalf("nothing came within %s", patience)
	}
	return came
}
