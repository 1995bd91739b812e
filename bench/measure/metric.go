package measure

import (
	"fmt"
	"slices"
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
	Times    Unit = "×"
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
	Whole bool // of a run as such: there is none of a class of its load
}

func ofClass(unit Unit, sense Sense, about string) Kind { return Kind{unit, sense, about, false} }
func ofRun(unit Unit, sense Sense, about string) Kind   { return Kind{unit, sense, about, true} }

// Latency tells whether the metric is a time that requests took.
func (k Kind) Latency() bool { return k.Unit == Seconds && !k.Whole }

// Metrics is the registry: every figure of a run that may be expected,
// compared and shown. Latencies are of successes, from the intended instant
// to the last byte. Of several faults, places or pools it is the worst that
// counts, but for requests lost, which add up; times are told to a Tick.
var Metrics = map[string]Kind{
	"p50":          ofClass(Seconds, LessIsBetter, "median latency of successes"),
	"p90":          ofClass(Seconds, LessIsBetter, "latency that 90% of successes stay below"),
	"p99":          ofClass(Seconds, LessIsBetter, "latency that 99% of successes stay below"),
	"p99.9":        ofClass(Seconds, LessIsBetter, "latency that 99.9% of successes stay below"),
	"service-p50":  ofClass(Seconds, LessIsBetter, "median time of successes since they were sent: what the latency is longer by was lost before, in the generator"),
	"service-p99":  ofClass(Seconds, LessIsBetter, "time since they were sent that 99% of successes stay below"),
	"mean":         ofClass(Seconds, LessIsBetter, "mean latency of successes"),
	"availability": ofClass(Share, MoreIsBetter, "successes among requests not refused by policy"),
	"offered":      ofClass(PerSec, Neutral, "requests intended per second"),
	"throughput":   ofClass(PerSec, MoreIsBetter, "successes per second, by the instant of their last byte"),
	"goodput":      ofClass(PerSec, MoreIsBetter, "successes per second within the deadline"),
	"limited":      ofClass(Share, Neutral, "requests refused by a rate limit (429)"),
	"failed":       ofClass(Share, LessIsBetter, "requests that failed: shed, timed out, refused, reset or answered 5xx"),
	"cache-hits":   ofClass(Share, MoreIsBetter, "requests answered from the first cache on their way"),
	"backend-load": ofRun(PerSec, Neutral, "requests per second that reach a backend"),

	"detection":     ofRun(Seconds, LessIsBetter, "from a fault's beginning until its place gets less than a tenth of its share of attempts"),
	"last-use":      ofRun(Seconds, LessIsBetter, "from a fault's beginning to the last attempt at its place while it lasts"),
	"lost":          ofRun(Requests, LessIsBetter, "failures beyond the share that failed before, from a fault's beginning until recovery"),
	"recovery":      ofRun(Seconds, LessIsBetter, "from a fault's end until, for a second, 95% as many requests go well as before: at most twice as slow as 99% were"),
	"idle":          ofRun(Seconds, LessIsBetter, "from a fault's end until its place gets half its share of attempts again"),
	"herd":          ofRun(Times, LessIsBetter, "the highest rate of attempts at a place after its fault, over that before"),
	"budget":        ofRun(Times, LessIsBetter, "failed requests over those that may fail by the highest availability expected of any variant (else by 99.9%)"),
	"amplification": ofRun(Times, LessIsBetter, "attempts for each request received, at the hop that makes most"),
	"wasted":        ofRun(Share, LessIsBetter, "worker time at backends spent for callers who had gone"),
	"fairness":      ofRun(Share, MoreIsBetter, "Jain's index of the requests to backends that are well: 100% if all get as many"),
	"imbalance":     ofRun(Times, LessIsBetter, "requests to the busiest backend that is well, over their mean"),
	"keys-moved":    ofRun(Share, LessIsBetter, "keys that went elsewhere while another place was out, though their own was not; where picks depend on a key"),
	"starvation":    ofRun(Seconds, LessIsBetter, "longest time that a backend that is well gets nothing while others do"),
}

// ofFaults are the metrics that there are only where something goes wrong.
var ofFaults = []string{"detection", "last-use", "lost", "recovery", "idle", "herd"}

// OfFaults tells whether a metric is known only where something goes wrong.
func OfFaults(name string) bool { return slices.Contains(ofFaults, name) }

// MetricNames lists the registry in the order of reports.
func MetricNames() []string {
	return []string{"offered", "throughput", "goodput", "availability", "failed", "limited",
		"mean", "p50", "p90", "p99", "p99.9", "service-p50", "service-p99", "cache-hits", "backend-load",
		"detection", "last-use", "lost", "recovery", "idle", "herd", "budget", "amplification", "wasted",
		"fairness", "imbalance", "starvation", "keys-moved"}
}

// ParseMetric reads "p99" or "p99 of alice".
func ParseMetric(text string) (Metric, error) {
	name, class, _ := strings.Cut(text, " of ")
	m := Metric{Name: strings.TrimSpace(name), Class: strings.TrimSpace(class)}
	kind, ok := Metrics[m.Name]
	if !ok {
		return Metric{}, fmt.Errorf("unknown metric %q", m.Name)
	}
	if kind.Whole && m.Class != "" {
		return Metric{}, fmt.Errorf("%s is of all load: there is none of %s alone", m.Name, m.Class)
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
