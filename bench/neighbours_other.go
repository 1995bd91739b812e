//go:build !linux

package bench

import "time"

// machineTime is not known here.
func machineTime() (busy, stolen time.Duration) { return 0, 0 }
