package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/live"
	"trafficlab/scenarios"
)

// scenarioFlags are the flags that shape a scenario, the same for run and
// plan.
type scenarioFlags struct {
	world  string
	repeat int
	seed   uint64
	set    []string
	short  bool
}

func (f *scenarioFlags) add(c *cobra.Command) {
	world := "both"
	if !linux {
		world = "sim"
	}
	c.Flags().StringVarP(&f.world, "world", "w", world, "live, sim or both")
	c.Flags().IntVarP(&f.repeat, "repeat", "r", 0, "repetitions of each variant (default: what the file says)")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "seed of load and work (default: what the file says)")
	c.Flags().StringArrayVar(&f.set, "set", nil, "change a value of the topology or the scenario: `path=value`, repeatable")
	c.Flags().BoolVar(&f.short, "short", false, "at most two repetitions: to see that it works, not for figures")
	mustComplete(c, "world", "live", "sim", "both")
}

// load reads all scenarios before anything starts and tells every mistake of
// all of them at once.
func (f *scenarioFlags) load(c *cobra.Command, names []string) ([]*scenarios.Scenario, []string, error) {
	worlds, err := f.worlds()
	if err != nil {
		return nil, nil, ending{unusable, err}
	}
	options, err := f.options(c)
	if err != nil {
		return nil, nil, ending{unusable, err}
	}
	var all []*scenarios.Scenario
	var wrong []error
	seen := map[string]string{}
	for _, name := range names {
		s, err := scenarios.Open(name, options)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if other, twice := seen[s.Name]; twice {
			wrong = append(wrong, fmt.Errorf("%s and %s are both named %s: their reports would overwrite each other", other, name, s.Name))
		}
		if len(in(s, worlds)) == 0 {
			wrong = append(wrong, fmt.Errorf("%s is for --world %s alone", s.Name, strings.Join(s.Worlds, " and ")))
		}
		seen[s.Name] = name
		all = append(all, s)
	}
	if len(wrong) > 0 {
		return nil, nil, ending{unusable, errors.Join(wrong...)}
	}
	return all, worlds, nil
}

// in is those of the worlds that a scenario is for.
func in(s *scenarios.Scenario, worlds []string) []string {
	var both []string
	for _, w := range worlds {
		if slices.Contains(s.Worlds, w) {
			both = append(both, w)
		}
	}
	return both
}

func (f *scenarioFlags) worlds() ([]string, error) {
	switch {
	case f.world != "sim" && f.world != "live" && f.world != "both":
		return nil, fmt.Errorf("--world %s: no such world (live, sim or both)", f.world)
	case f.world != "sim" && !linux:
		return nil, errors.New("the live world needs Linux; here, --world sim")
	case f.world == "both":
		return []string{"live", "sim"}, nil
	}
	return []string{f.world}, nil
}

func (f *scenarioFlags) options(c *cobra.Command) (scenarios.Options, error) {
	o := scenarios.Options{Short: f.short}
	if c.Flags().Changed("repeat") {
		if f.repeat < 1 || f.repeat > scenarios.MostRepetitions {
			return o, fmt.Errorf("--repeat %d: at least 1, at most %d", f.repeat, scenarios.MostRepetitions)
		}
		if f.short && f.repeat > 2 {
			return o, fmt.Errorf("--short makes at most two repetitions, --repeat %d more: name one of them", f.repeat)
		}
		o.Repeat = f.repeat
	}
	if c.Flags().Changed("seed") {
		o.Seed = &f.seed
	}
	for _, set := range f.set {
		path, value, ok := strings.Cut(set, "=")
		if !ok || path == "" {
			return o, fmt.Errorf("--set %s: not of the form path=value", set)
		}
		o.Set = append(o.Set, scenarios.Change{Path: path, Value: value})
	}
	return o, nil
}

// words are the flags again, as typed.
func (f *scenarioFlags) words(s *scenarios.Scenario) []string {
	words := []string{"--seed", strconv.FormatUint(s.Seed, 10), "--repeat", strconv.Itoa(s.Repeat)}
	for _, set := range f.set {
		words = append(words, "--set", quoted(set))
	}
	if f.short {
		words = append(words, "--short")
	}
	return words
}

// takeMachine keeps other live runs off the machine, if any of the scenarios is
// to run live. An error says who has it already.
func takeMachine(all []*scenarios.Scenario, worlds []string) (release func(), err error) {
	if slices.ContainsFunc(all, func(s *scenarios.Scenario) bool { return slices.Contains(in(s, worlds), "live") }) {
		return live.Lock()
	}
	return func() {}, nil
}

// costFlag is what the simulator is to charge for hops.
type costFlag struct {
	named string // as typed
	costs *bench.Calibration
	file  string // where they came from
}

func (f *costFlag) add(c *cobra.Command) {
	c.Flags().StringVar(&f.named, "calibration", "", `what the simulator charges for hops: a `+"`FILE`"+` of "trafficlab calibrate", or built-in (default: the file in its usual place, if there is one)`)
}

func (f *costFlag) read() (err error) {
	if f.costs, f.file, err = bench.FindCalibration(f.named); err != nil {
		return ending{unusable, err}
	}
	return nil
}

// again is how to run a verb on a scenario once more, in the same worlds at
// the same costs.
func (f *scenarioFlags) again(s *scenarios.Scenario, worlds []string, costs *costFlag, verb ...string) string {
	words := append([]string{"trafficlab"}, verb...)
	if len(worlds) == 1 {
		words = append(words, "--world", worlds[0])
	}
	if costs.file != "" && slices.Contains(worlds, "sim") {
		words = append(words, "--calibration", quoted(costs.file))
	}
	return strings.Join(append(words, f.words(s)...), " ")
}

// quoted makes a word safe to paste into a shell.
func quoted(word string) string {
	if !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("=./:,-_%+@", r) && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
