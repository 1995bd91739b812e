package measure

import (
	"fmt"
	"strings"
)

// Metric names a figure of a run: "p99", or "p99 of alice" for one class of
// the load.
type Metric struct {
	Name  string
	Class string // "" for all of the load
}

// Unit is what a metric is counted in.
type Unit string

// The units. Latencies are seconds inside and are printed as durations.
const (
	Seconds  Unit = "s"
	Share    Unit = "share"
	PerSec   Unit = "/s"
	Requests Unit = "requests"
)

// Sense says which way a metric is good.
type Sense int

// The senses.
const (
	LessIsBetter Sense = iota - 1
	Neutral
	MoreIsBetter
)

// Kind describes a metric.
type Kind struct {
	Unit  Unit
	Sense Sense
	About string
}

// Metrics is the registry: every figure of a run that may be expected,
// compared and shown. Latencies are of successes, from the intended instant
// to the last byte.
var Metrics = map[string]Kind{
	"p50":          {Seconds, LessIsBetter, "median latency of successes"},
	"p90":          {Seconds, LessIsBetter, "latency that 90% of successes stay below"},
	"p99":          {Seconds, LessIsBetter, "latency that 99% of successes stay below"},
	"p99.9":        {Seconds, LessIsBetter, "latency that 99.9% of successes stay below"},
	"mean":         {Seconds, LessIsBetter, "mean latency of successes"},
	"availability": {Share, MoreIsBetter, "successes among requests not refused by policy"},
	"offered":      {PerSec, Neutral, "requests intended per second"},
	"throughput":   {PerSec, MoreIsBetter, "successes per second, by the instant of their last byte"},
	"goodput":      {PerSec, MoreIsBetter, "successes per second within the deadline"},
	"limited":      {Share, Neutral, "requests refused by a rate limit (429)"},
	"failed":       {Share, LessIsBetter, "requests that failed: shed, timed out, refused, reset or answered 5xx"},
	"cache-hits":   {Share, MoreIsBetter, "requests answered from the first cache on their way"},
	"backend-load": {PerSec, Neutral, "requests per second that reach a backend"},
}

// MetricNames lists the registry in the order of reports.
func MetricNames() []string {
	return []string{"offered", "throughput", "goodput", "availability", "failed", "limited",
		"mean", "p50", "p90", "p99", "p99.9", "cache-hits", "backend-load"}
}

// ParseMetric reads "p99" or "p99 of alice".
func ParseMetric(text string) (Metric, error) {
	name, class, _ := strings.Cut(text, " of ")
	m := Metric{Name: strings.TrimSpace(name), Class: strings.TrimSpace(class)}
	if _, ok := Metrics[m.Name]; !ok {
		return Metric{}, fmt.Errorf("unknown metric %q", m.Name)
	}
	return m, nil
}

// String is the metric as written in files.
func (m Metric) String() string {
	if m.Class == "" {
		return m.Name
	}
	return m.Name + " of " + m.Class
}
