// Package scenarios says what happens to a system: load, faults, the variants
// to compare and what is expected of them. It turns a scenario file into
// cases, a case's load into arrivals and its faults into weather. It parses
// and checks; it runs nothing.
package scenarios

import (
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

// Scenario is a checked file with its question still open: it stands for
// Variants × Repeat cases.
type Scenario struct {
	Name     string
	Question string
	File     string // as the user would name it to run it again
	Variants []Variant
	Baseline string         // name of the variant that the others are compared with
	JudgeBy  measure.Metric // the figure that answers the question
	Repeat   int
	Seed     uint64
	// Generators is how many processes fire the load live; 0: the one that runs
	// it all.
	Generators int      `json:",omitempty"`
	Worlds     []string // where it makes sense: "live", "sim" or both
	Expect     []measure.Expectation
}

// Variant is one of the systems compared, fully set.
type Variant struct {
	Name     string
	Changes  []Change // what sets it apart, as path and value
	Topology *topologies.Topology
	Load     Load
	Faults   []Fault
	Warmup   time.Duration // left out of the figures
	Timeout  time.Duration // a client's patience
	Deadline time.Duration // successes later than this are not goodput

	// Salt makes the seeds of its cases others than those of other variants;
	// 0 for the same, as comparisons want it.
	Salt uint64 `json:",omitempty"`
}

// Apart tells whether the scenario is for the simulator alone, whose places then
// each have a machine of their own.
func (s *Scenario) Apart() bool { return !slices.Contains(s.Worlds, "live") }

// Change is one `path=value`, from compare or --set.
type Change struct{ Path, Value string }

// Case is a scenario with nothing left open: run twice in the simulator it
// gives the same bytes.
type Case struct {
	Scenario   string
	Variant    Variant
	Repetition int    // from 0
	Seed       uint64 // the same for all variants of a repetition, which meet the same load, unless salted
}

// Duration is how long load arrives. The run lasts until the last request is
// answered.
func (c *Case) Duration() time.Duration { return c.Variant.Load.Duration() }
