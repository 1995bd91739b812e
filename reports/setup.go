package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
)

// setup says what was run, in words.
func setup(s *scenarios.Scenario, r *measure.Result) []fact {
	facts := []fact{{"Compared", strings.Join(r.Variants, ", ") + "; the baseline is " + r.Baseline}}
	if len(s.Variants) > 0 {
		v := &s.Variants[0]
		if v.Topology != nil {
			facts = append(facts, fact{"System", systems(s)})
		}
		for _, stream := range v.Load.Streams {
			facts = append(facts, fact{"Load", stream.Words()})
		}
		for _, f := range v.Faults {
			facts = append(facts, fact{"Fault", faultName(f) + when(f)})
		}
		facts = append(facts, fact{"Clients", clientWords(v)})
	}
	return append(facts, fact{"Repetitions", repetitionWords(r)})
}

func when(f scenarios.Fault) string {
	words := fmt.Sprintf(", from %v for %v", f.At, f.For)
	switch f.For {
	case 0:
		words = fmt.Sprintf(", at %v", f.At)
	case scenarios.ForGood:
		words = fmt.Sprintf(", from %v for good", f.At)
	}
	if f.Ramp > 0 {
		words += fmt.Sprintf(", growing over %v", f.Ramp)
	}
	if f.Every > 0 {
		words += fmt.Sprintf(", again every %v", f.Every)
	}
	if f.Stagger > 0 {
		words += fmt.Sprintf(", at each place %v after the one before", f.Stagger)
	}
	return words
}

// systems names the topologies, each once.
func systems(s *scenarios.Scenario) string {
	var all []string
	seen := map[string]bool{}
	for _, v := range s.Variants {
		if v.Topology == nil || seen[v.Topology.Name] {
			continue
		}
		seen[v.Topology.Name] = true
		words := v.Topology.Name
		if v.Topology.About != "" {
			words += " (" + v.Topology.About + ")"
		}
		all = append(all, words)
	}
	return strings.Join(all, "; ")
}

func clientWords(v *scenarios.Variant) string {
	words := loopWords(v.Load)
	if v.Timeout > 0 {
		words += fmt.Sprintf("; a client gives up after %v", v.Timeout)
	}
	if v.Deadline > 0 {
		words += fmt.Sprintf("; an answer is in time within %v", v.Deadline)
	}
	return words
}

// loopWords tells whether clients wait for their answers.
func loopWords(l scenarios.Load) string {
	const open, closed = "open loop: requests come when they come, answered or not", "closed loop: clients wait for their answers before they ask again"
	switch n := len(l.Loops()); {
	case l.Sessions():
		return "sessions come when they come; within one, each request waits for the outcome of the one before"
	case n == 0:
		return open
	case n == len(l.Streams):
		return closed
	}
	return "some in an " + open + "; others in a " + closed
}

func repetitionWords(r *measure.Result) string {
	words := fmt.Sprintf("%d of each variant, interleaved, %v each", r.Repeat, r.Duration)
	if r.Warmup > 0 {
		words += fmt.Sprintf(", of which the first %v are left out", r.Warmup)
	}
	return words
}

// machine says where it ran and what it takes to run it again.
func machine(r *measure.Result) []fact {
	m := r.Machine
	facts := []fact{{"Seed", strconv.FormatUint(r.Seed, 10)}}
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, fact{name, text})
		}
	}
	add("Version", m.Version)
	add("Go", m.Go)
	add("System", m.System)
	if m.Cores > 0 {
		add("Processor", strings.TrimSpace(fmt.Sprintf("%s, %s", m.CPU, plural(m.Cores, "core"))))
	}
	if !m.Started.IsZero() {
		add("Started", m.Started.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	add("Calibration", r.Calibration)
	if m.GeneratorCPU > 0 {
		add("Generator", fmt.Sprintf("sent its requests at worst %s late at the median, %s at p99; used %s of CPU time a request",
			latency(m.LateP50.Seconds()), latency(m.LateP99.Seconds()), latency(m.GeneratorCPU.Round(time.Microsecond).Seconds())))
	}
	return facts
}

// title gives a text a capital first letter.
func title(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return text
	}
	return string(unicode.ToUpper(r)) + text[n:]
}
