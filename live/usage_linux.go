package live

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is the user and system time that a living process has used, with the
// precision of its CPU clock. Threads that ended count, child processes do not.
func CPUTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED of linux/posix-timers.h
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &used); err != nil {
		return 0, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}

// ownUse is the CPU time that this process has used, and its resident memory in
// bytes. What cannot be read is 0.
func ownUse() (cpu time.Duration, memory int64) {
	var used unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used) == nil {
		cpu = time.Duration(used.Nano())
	}
	text, _ := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(text); len(fields) > 1 {
		pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		memory = pages * int64(os.Getpagesize())
	}
	return cpu, memory
}

// use is the CPU time and the sum of peak memory of a process and what
// descends from it. CPU time of descendants that have ended is lost, unless
// their time is asked of the one who waited for them, at its own end.
func (t tree) use(pid int) (cpu time.Duration, peak int64, err error) {
	if cpu, err = CPUTime(pid); err != nil {
		return 0, 0, err
	}
	peak = peakMemory(pid)
	for _, child := range t.below(pid) {
		if used, err := CPUTime(child); err == nil { // else it has just ended
			cpu += used
			peak += peakMemory(child)
		}
	}
	return cpu, peak, nil
}

// peakMemory is VmHWM in bytes, or 0 of a process that has ended.
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
