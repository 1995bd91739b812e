package bench

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/stat: USER_HZ, the same on all architectures that
// matter.
const tick = 10 * time.Millisecond

// machineTime is what all processors together have done since the machine was
// booted, as far as it can be told: not in a container that has fewer of them.
// See proc_stat(5).
func machineTime() (busy, stolen time.Duration) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil || bytes.Count(stat, []byte("\ncpu")) != cores() {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		return time.Duration(n) * tick
	}
	return ticks(1) + ticks(2) + ticks(3), ticks(8) // user, nice, system; steal
}
