package live

import (
	"os"
	"testing"
)

// The test binary is also the program that it tests: what "trafficlab guard"
// and "trafficlab node" do, it does under the same words.
func TestMain(m *testing.M) {
	if playRole() {
		return
	}
	// The race detector lets processes linger for a second at their end.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	m.Run()
}
