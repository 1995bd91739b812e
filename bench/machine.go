package bench

import (
	"os"
	"runtime"
	"strings"
	"time"

	"trafficlab/bench/measure"
)

// machine says where and when a live run is made.
func machine(version string) measure.Provenance {
	return measure.Provenance{
		Version: version,
		Go:      runtime.Version(),
		System:  kernel() + " " + runtime.GOARCH,
		CPU:     processor(),
		Cores:   cores(),
		Started: time.Now().Round(time.Second),
	}
}

// cores is how many processors there are for us: fewer than the machine has,
// in a container.
func cores() int {
	if os.Getenv("GOMAXPROCS") != "" {
		return runtime.NumCPU()
	}
	return runtime.GOMAXPROCS(0)
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return runtime.GOOS + " " + strings.TrimSpace(string(release))
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
