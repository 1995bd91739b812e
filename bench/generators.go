package bench

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/live"
	"trafficlab/scenarios"
)

// A load may be more than one process can send. Then several fire it, each its
// share, from the same instant: they are started beside the nodes, call back
// over loopback, are told when to begin, and send their samples when all have
// their outcome.

// Share is the part of a load that one of several generators fires. The zero
// Share is all of it.
type Share struct{ Index, Of int }

// takes tells whether a request of an open stream belongs to the share: by its
// number, or by its client if that has connections of its own.
func (s Share) takes(a *scenarios.Arrival) bool {
	if a.Habits != nil && a.Habits.Own {
		return s.has(uint64(a.Who))
	}
	return s.has(a.Number)
}

func (s Share) has(n uint64) bool { return s.Of <= 1 || n%uint64(s.Of) == uint64(s.Index) }

// Arrivals are the requests of the case's open streams that belong to the share.
func (s Share) Arrivals(c *scenarios.Case) []scenarios.Arrival {
	var all []scenarios.Arrival
	for a := range c.Arrivals() {
		if s.takes(&a) {
			all = append(all, a)
		}
	}
	return all
}

// start tells a generator when the run begins, by the monotonic clock.
type start struct{ Began time.Duration }

// haul is some of a generator's samples. The last has none.
type haul struct {
	Samples []measure.Sample
	CPU     time.Duration // that it used after the warm-up
	Trouble string        // that ended its run
}

// haulOf is how many samples travel at once.
const haulOf = 4096

// How long generators may take to make their share ready, and to say why they
// ended.
const (
	readyTime = 60 * time.Second
	deathTime = 2 * time.Second
)

// generator is what fires the load of a run.
type generator interface {
	// companions are processes that it needs beside the system.
	companions() []live.Companion
	// ready waits until the run can begin.
	ready(ctx context.Context, s *live.System) error
	// fire fires the load, and tells what processor time it took in other
	// processes after the warm-up.
	fire(ctx context.Context, began time.Time) (samples []measure.Sample, elsewhere time.Duration, err error)
	close()
}

func (w liveWorld) generator(c *scenarios.Case) (generator, error) {
	if w.generators > 1 {
		return newCrew(w.generators)
	}
	return &alone{c: c}, nil
}

// alone fires all of the load from this process.
type alone struct {
	c   *scenarios.Case
	aim Aim
}

func (g *alone) companions() []live.Companion { return nil }

func (g *alone) ready(_ context.Context, s *live.System) error {
	address, trust := s.Entry()
	var err error
	g.aim, err = newAim(address, trust, Share{}, g.c)
	return err
}

func (g *alone) fire(ctx context.Context, began time.Time) ([]measure.Sample, time.Duration, error) {
	g.aim.Began = began
	samples, err := Fire(ctx, g.c, g.aim)
	return samples, 0, err
}

func (g *alone) close() {
	if t, ok := g.aim.Transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// newAim is ready to fire, but for the instant.
func newAim(address string, trust *tls.Config, share Share, c *scenarios.Case) (Aim, error) {
	if err := c.Recall(); err != nil {
		return Aim{}, err
	}
	transport := NewTransport()
	transport.TLSClientConfig = trust
	return Aim{URL: address, Transport: transport, Sleep: live.SleepUntil, Share: share, Arrivals: share.Arrivals(c)}, nil
}

// crew is the generators of a run, as the runner sees them.
type crew struct {
	at    net.Listener
	size  int
	conns []net.Conn
}

func newCrew(size int) (*crew, error) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("wait for %d generators: %w", size, err)
	}
	return &crew{at: at, size: size}, nil
}

// companions are the processes to start.
func (g *crew) companions() []live.Companion {
	var all []live.Companion
	for i := range g.size {
		all = append(all, live.Companion{Name: fmt.Sprintf("generator[%d]", i), Args: []string{
			"generate", "--to", g.at.Addr().String(), "--index", strconv.Itoa(i), "--of", strconv.Itoa(g.size),
		}})
	}
	return all
}

// ready waits until all of them could begin.
func (g *crew) ready(ctx context.Context, s *live.System) error {
	run := s.Run()
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	defer context.AfterFunc(ctx, func() { g.at.Close() })()
	for len(g.conns) < g.size {
		conn, err := g.at.Accept()
		if ctx.Err() != nil {
			return fmt.Errorf("wait for %d generators: %w", g.size, context.Cause(ctx))
		}
		if err != nil {
			return fmt.Errorf("wait for %d generators: %w", g.size, err)
		}
		conn.SetDeadline(time.Now().Add(deathTime))
		word := make([]byte, len(run))
		if _, err := io.ReadFull(conn, word); err != nil || subtle.ConstantTimeCompare(word, []byte(run)) != 1 {
			conn.Close() // none of ours
			continue
		}
		conn.SetDeadline(time.Time{})
		g.conns = append(g.conns, conn)
	}
	return nil
}

// fire has all of them fire their shares, and gathers the samples in order.
func (g *crew) fire(ctx context.Context, began time.Time) (samples []measure.Sample, cpu time.Duration, err error) {
	defer context.AfterFunc(ctx, g.close)()
	at, err := live.OnMonotonic(began)
	if err != nil {
		return nil, 0, err
	}
	for _, conn := range g.conns {
		if err := gob.NewEncoder(conn).Encode(start{at}); err != nil {
			return nil, 0, g.broke(ctx, err)
		}
	}
	for _, conn := range g.conns { // who is read later waits with what it has
		from := gob.NewDecoder(conn)
		for {
			var h haul
			if err := from.Decode(&h); err != nil {
				return nil, 0, g.broke(ctx, err)
			}
			if h.Trouble != "" {
				return nil, 0, errors.New(h.Trouble)
			}
			if samples = append(samples, h.Samples...); len(h.Samples) == 0 {
				cpu += h.CPU
				break
			}
		}
	}
	measure.Order(samples)
	return samples, cpu, nil
}

// broke is why a generator is not heard any more. That it has died the guardian
// knows better, in a moment.
func (g *crew) broke(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(deathTime):
		return fmt.Errorf("hear from the generators: %w", err)
	}
}

// close lets the generators go, whatever they are about.
func (g *crew) close() {
	g.at.Close()
	for _, conn := range g.conns {
		conn.Close()
	}
}

// Generate is a generator's process: it fires its share of the load of a
// running system when the runner says so, who listens at an address, and sends
// it the samples.
func Generate(ctx context.Context, manifest, to string, share Share) error {
	debug.SetGCPercent(generatorGC)
	target, err := live.ReadTarget(manifest)
	if err != nil {
		return err
	}
	aim, err := newAim(target.URL, target.Trust, share, target.Case)
	if err != nil {
		return err
	}
	runtime.GC()
	runner, err := net.Dial("tcp", to)
	if err != nil {
		return fmt.Errorf("call the runner: %w", err)
	}
	defer runner.Close()
	if _, err := io.WriteString(runner, target.Run); err != nil {
		return fmt.Errorf("call the runner: %w", err)
	}
	var s start
	if err := gob.NewDecoder(runner).Decode(&s); err != nil {
		return fmt.Errorf("wait for the run to begin: %w", err)
	}
	if aim.Began, err = live.Monotonic(s.Began); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		runner.Read(make([]byte, 1)) // which ends with the runner
		stop()
	}()
	return report(runner, generate(ctx, target.Case, aim))
}

// generate fires a share, and is what is to be told of it.
func generate(ctx context.Context, c *scenarios.Case, aim Aim) haul {
	warm := make(chan time.Duration, 1)
	go func() {
		live.SleepUntil(ctx, aim.Began.Add(c.Variant.Warmup))
		warm <- processorTime()
	}()
	samples, err := Fire(ctx, c, aim)
	if err != nil {
		return haul{Trouble: err.Error()}
	}
	return haul{Samples: samples, CPU: processorTime() - <-warm}
}

// report sends what came of a share, in pieces.
func report(to io.Writer, all haul) error {
	out := gob.NewEncoder(to)
	for piece := range slices.Chunk(all.Samples, haulOf) {
		if err := out.Encode(haul{Samples: piece}); err != nil {
			return fmt.Errorf("tell the runner: %w", err)
		}
	}
	if err := out.Encode(haul{CPU: all.CPU, Trouble: all.Trouble}); err != nil {
		return fmt.Errorf("tell the runner: %w", err)
	}
	return nil
}
