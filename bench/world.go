package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/live"
	"trafficlab/scenarios"
	"trafficlab/sim"
)

// world is where cases run.
type world interface {
	// play runs a case to its end. Samples and logs go to the draft.
	play(ctx context.Context, c *scenarios.Case, draft *measure.Draft) (*measure.Run, error)

	// abreast is how many cases may run at once without bearing on each
	// other's figures.
	abreast() int
}

// worldsOf is the registry of worlds.
func worldsOf(s *scenarios.Scenario, o Options) map[string]world {
	return map[string]world{
		"live": liveWorld{binary: o.Binary, version: o.Version, generators: s.Generators},
		"sim":  simWorld{s, o.Version, o.Calibration.String(), CostsOf(s, o.Calibration)},
	}
}

type simWorld struct {
	scenario             *scenarios.Scenario
	version, calibration string
	costs                sim.Costs
}

// What all cases at once may take, so that collecting garbage leaves the
// process below 2 GiB on any number of processors, and what a place takes with
// what is under way there: 20 kB of each of 10,100 at 99 requests a second.
const (
	simRoom   = 1 << 30
	placeRoom = 20 << 10
)

// abreast is as many as there are processors, and as have room in memory.
func (w simWorld) abreast() int {
	return max(1, min(runtime.GOMAXPROCS(0), simRoom/(mostPlaces(w.scenario)*placeRoom)))
}

// mostPlaces is the size of the largest topology of a scenario.
func mostPlaces(s *scenarios.Scenario) int {
	most := 0
	for i := range s.Variants {
		places := 0
		for _, n := range s.Variants[i].Topology.Nodes {
			places += len(n.Places())
		}
		most = max(most, places)
	}
	return most
}

func (w simWorld) play(ctx context.Context, c *scenarios.Case, draft *measure.Draft) (*measure.Run, error) {
	run, err := sim.Play(ctx, c, w.costs, draft.Add)
	if err == nil {
		run.Machine.Version, run.Machine.Calibration = w.version, w.calibration
	}
	return run, err
}

type liveWorld struct {
	binary, version string
	generators      int // processes that fire the load; up to 1: this one
}

// Cases would compete for the machine.
func (w liveWorld) abreast() int { return 1 }

// generatorGC lets the generator's heap grow before it is collected: it is
// small, and collections delay requests.
const generatorGC = 400

func (w liveWorld) play(ctx context.Context, c *scenarios.Case, draft *measure.Draft) (run *measure.Run, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(generatorGC))
	runtime.GC()
	g, err := w.generator(c)
	if err != nil {
		return nil, err
	}
	defer g.close()
	system, err := live.Start(ctx, c, live.SystemOptions{Dir: draft.Dir, Binary: w.binary, Beside: g.companions()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, system.Stop()) }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case err := <-system.Died():
			stop(err)
		case <-ctx.Done():
		}
	}()
	if err := g.ready(ctx, system); err != nil {
		return nil, err
	}
	return w.measure(ctx, c, system, g, draft)
}

// measure fires the load at a running system and gathers what it did after
// warm-up.
func (w liveWorld) measure(ctx context.Context, c *scenarios.Case, system *live.System, g generator, draft *measure.Draft) (*measure.Run, error) {
	run := newRun(c, "live")
	run.Machine = machine(w.version)
	began := system.Begin()
	warm := snapshotAt(ctx, began.Add(run.Warmup), system)
	samples, elsewhere, err := g.fire(ctx, began)
	if err != nil {
		return nil, err
	}
	before, after := <-warm, take(system)
	after.own += elsewhere
	if err := before.err; err != nil {
		return nil, fmt.Errorf("read what the nodes did before the load: %w", err)
	}
	if err := after.err; err != nil {
		return nil, fmt.Errorf("read what the nodes did: %w", err)
	}
	for i := range samples {
		draft.Add(&samples[i])
	}
	measured := slices.DeleteFunc(samples, func(s measure.Sample) bool { return s.At < run.Warmup })
	run.Target = c.Target(ofClosed(measured))
	run.Nodes, run.Courses = after.since(before), after.courses()
	run.Machine.LateP50, run.Machine.LateP99 = lateness(measured)
	run.Machine.Others, run.Machine.Stolen = after.others(before, run.Nodes), after.stolen-before.stolen
	run.Machine.ClockStep = after.at.Round(0).Sub(before.at.Round(0)) - after.at.Sub(before.at)
	if n := len(measured); n > 0 {
		run.Machine.GeneratorCPU = (after.own - before.own) / time.Duration(n)
	}
	return run, nil
}

// newRun is the head of a run of the case.
func newRun(c *scenarios.Case, world string) *measure.Run {
	v := &c.Variant
	run := &measure.Run{
		Format: measure.Format, Scenario: c.Scenario, Variant: v.Name, World: world,
		Repetition: c.Repetition, Seed: c.Seed,
		Warmup: v.Warmup, Duration: c.Duration(), Deadline: v.Deadline,
		Target: c.Target(0), Loops: v.Load.Loops(), Faults: v.Troubles(),
	}
	return run
}

// snapshot is what all had done at an instant.
type snapshot struct {
	nodes []measure.NodeUse
	own   time.Duration // processor time of this process, and of what fires for it

	busy, stolen time.Duration // of the machine
	at           time.Time

	err error
}

func take(system *live.System) snapshot {
	nodes, err := system.Use()
	s := snapshot{nodes: nodes, own: processorTime(), at: time.Now(), err: err}
	s.busy, s.stolen = machineTime()
	return s
}

// snapshotAt takes a snapshot at an instant, or when the context ends.
func snapshotAt(ctx context.Context, at time.Time, system *live.System) <-chan snapshot {
	taken := make(chan snapshot, 1)
	go func() {
		if err := live.SleepUntil(ctx, at); err != nil {
			taken <- snapshot{err: err}
			return
		}
		taken <- take(system)
	}()
	return taken
}

// since is what the nodes did between two snapshots.
func (s snapshot) since(before snapshot) []measure.NodeUse {
	var nodes []measure.NodeUse
	for _, n := range s.nodes {
		i := slices.IndexFunc(before.nodes, func(b measure.NodeUse) bool { return b.Place == n.Place })
		if i >= 0 {
			n = n.Since(before.nodes[i])
		}
		n.Course = nil
		nodes = append(nodes, n)
	}
	return nodes
}

// courses are what the nodes were like over time.
func (s snapshot) courses() []measure.Course {
	var all []measure.Course
	for _, n := range s.nodes {
		if n.Course != nil {
			n.Course.Place = n.Place
			all = append(all, *n.Course)
		}
	}
	return measure.Courses(all)
}

// others is the processor time that neither the nodes nor this process used
// between two snapshots.
func (s snapshot) others(before snapshot, nodes []measure.NodeUse) time.Duration {
	others := s.busy - before.busy - (s.own - before.own)
	for _, n := range nodes {
		others -= n.CPU
	}
	return max(0, others)
}

// lateness is how late requests of open streams were sent, at the median and
// the 99th percentile. Those of closed streams are meant for when they are sent.
func lateness(samples []measure.Sample) (p50, p99 time.Duration) {
	var late []time.Duration
	for _, s := range samples {
		if _, closed := scenarios.ClientOf(s.Number); !closed {
			late = append(late, s.Late)
		}
	}
	if len(late) == 0 {
		return 0, 0
	}
	slices.Sort(late)
	return late[len(late)/2], late[len(late)*99/100]
}

// ofClosed is how many of the samples are of closed streams.
func ofClosed(samples []measure.Sample) (n int) {
	for _, s := range samples {
		if _, closed := scenarios.ClientOf(s.Number); closed {
			n++
		}
	}
	return n
}
