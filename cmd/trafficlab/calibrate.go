package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/live"
	"trafficlab/sim"
)

func calibrateVerb() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure what a hop of each kind costs on this machine, for the simulator",
		Long: `calibrate runs ever longer chains live, for a minute and a half, finds out what a
visit to a component of each kind takes in time and in processor time, and
writes it to a file. With that file, figures of the simulator and of the live
world on this machine can be compared in absolute time. run finds the file by
itself if it lies in its usual place. Let the machine rest meanwhile.`,
		Example: `  trafficlab calibrate
  trafficlab calibrate --out mine.json
  trafficlab run slow-replica --calibration mine.json
  trafficlab run slow-replica --calibration built-in`,
		Args: cobra.NoArgs,
		RunE: verb(func(c *cobra.Command, _ []string) error { return calibrate(c, out) }),
	}
	c.Flags().StringVarP(&out, "out", "o", "", "the `FILE` to write (default: trafficlab/calibration.json in the user's configuration)")
	return c
}

func calibrate(c *cobra.Command, file string) error {
	if !linux {
		return ending{unusable, fmt.Errorf("calibrate: the live world needs Linux")}
	}
	if file == "" {
		var err error
		if file, err = bench.CalibrationPlace(); err != nil {
			return ending{unusable, fmt.Errorf("%w; say --out FILE", err)}
		}
	}
	release, err := live.Lock()
	if err != nil {
		return err
	}
	defer release()
	ctx, stop := interruptible(c, "interrupted: nothing is written")
	defer stop()
	p := newProgress(c.ErrOrStderr(), "calibrate")
	found, err := bench.Calibrate(ctx, bench.Options{Binary: binary(), Version: versionName(), Progress: p.step})
	p.wipe()
	switch {
	case ctx.Err() != nil:
		return ending{interrupted, nil}
	case err != nil:
		return ending{incomplete, err}
	}
	if err := found.Save(file); err != nil {
		return err
	}
	t := newTerminal(c.OutOrStdout())
	tolls(t, found.Costs)
	t.line("%s", found)
	t.line("Written to %s", file)
	return nil
}

// tolls prints what was found.
func tolls(t *terminal, k sim.Costs) {
	lines := table{numbers: 1, until: 3}
	lines.add("a request pays for", "time", "processor")
	row := func(what string, latency, work time.Duration) {
		lines.add(what, latency.String(), work.String())
	}
	row("leaving the client", k.Client, k.Work.Client)
	for _, kind := range slices.Sorted(maps.Keys(k.Visit)) {
		row("visiting a "+string(kind), k.Visit[kind], k.Work.Visit[kind])
	}
	row("being passed on", k.Ask, k.Work.Ask)
	lines.add("a late wake-up, mean", k.Jitter.String(), "")
	lines.write(t.w)
}
