package live

import (
	"testing"
)

// The test binary is also the program that it tests: what "trafficlab guard"
// and "trafficlab node" do, it does under the same words.
func TestMain(m *testing.M) {
	if playRole() {
		return
	}
	m.Run()
}
