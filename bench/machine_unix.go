//go:build unix

package bench

import (
	"syscall"
	"time"
)

// processorTime is what this process has used so far, user and system.
func processorTime() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
