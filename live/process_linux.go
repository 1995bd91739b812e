package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"trafficlab/topologies"
)

// How long requests in flight get when a node's process is told to end: by
// SIGTERM, while others go on asking, and by SIGINT, at the end of a run.
const (
	drainTime = 10 * time.Second
	endTime   = 2 * time.Second
)

// RunNode is a node's process: it hosts the place as the manifest says until
// the context ends or a signal comes: SIGTERM drains it, and so does SIGINT in
// haste. What had to be broken off is an error. began is the instant of the run's start in
// nanoseconds of CLOCK_MONOTONIC; 0 means that it will be told on its admin
// port.
func RunNode(ctx context.Context, manifestPath string, place topologies.Place, began int64) error {
	m, err := readManifest(manifestPath)
	if err != nil {
		return err
	}
	if _, ok := m.Seats[place]; !ok {
		return fmt.Errorf("run node %s: the manifest has no such place", place)
	}
	log.SetOutput(io.Discard) // net/http's, a line for each odd frame: what peers do wrong is counted
	tuneCollector(m.Case.Variant.Topology.Node(place.Node()))
	told := make(chan os.Signal, 2)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(told)
	access, err := m.accessLog(place)
	if err != nil {
		return fmt.Errorf("run node %s: %w", place, err)
	}
	defer access.Close()
	node, err := m.node(place, access)
	if err != nil {
		return err
	}
	return m.serve(ctx, told, node, began)
}

// accessLog opens the file of a place's access log, if it has one.
func (m *manifest) accessLog(place topologies.Place) (io.WriteCloser, error) {
	n := m.Case.Variant.Topology.Node(place.Node())
	if n.AccessLog == "off" {
		return noLog{io.Discard}, nil
	}
	return openLog(m.file(place, accessEnding(n)))
}

// noLog is the log of a node that keeps none.
type noLog struct{ io.Writer }

// Close implements io.Closer.
func (noLog) Close() error { return nil }

func (m *manifest) node(place topologies.Place, access io.Writer) (*Node, error) {
	o, fresh, err := m.options(place.Node(), log.New(os.Stderr, "", log.LstdFlags|log.Lmicroseconds))
	if err != nil {
		return nil, err
	}
	o.Access, o.Own = access, ownUse
	n, err := NewNode(&m.Case, place, o)
	if err == nil {
		n.renew(fresh)
	}
	return n, err
}

// serve runs the node and its admin port until the context ends or it is told
// to.
func (m *manifest) serve(ctx context.Context, told <-chan os.Signal, n *Node, began int64) error {
	defer n.Close()
	epoch, err := monotonicEpoch()
	if err != nil {
		return err
	}
	watch := &admin{node: n, epoch: epoch, tune: tuneCollector}
	watching := &http.Server{Handler: watch.handler(), ErrorLog: n.log, ReadHeaderTimeout: 10 * time.Second}
	defer watching.Close()

	seat := m.Seats[n.place]
	door, err := net.Listen("tcp", seat.Address)
	if err != nil {
		return fmt.Errorf("run node %s: %w", n.place, err)
	}
	side, err := net.Listen("tcp", seat.Admin)
	if err != nil {
		return fmt.Errorf("run the admin port of %s: %w", n.place, err)
	}
	if began != 0 {
		n.Begin(epoch.Add(time.Duration(began)))
		watch.begun.Store(true)
	}
	failed := make(chan error, 2)
	go func() { failed <- watching.Serve(side) }()
	go func() { failed <- n.Serve(door) }()
	watch.ready.Store(true)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	case signal := <-told:
		if signal == syscall.SIGTERM {
			watch.ready.Store(false)
			return drained(n, told)
		}
	}
	end, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	return n.Shutdown(end)
}

// drained drains a node, until it is told once more.
func drained(n *Node, told <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	go func() {
		select {
		case <-told:
			cancel()
		case <-ctx.Done():
		}
	}()
	return n.Drain(ctx)
}

// tuneCollector trades memory for latency, unless the environment says
// otherwise: at 2000 requests/s GOGC=400 took p99 from 5 ms to 2.
func tuneCollector(n *topologies.Node) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		limit := int64(512 << 20)
		if n.Cache != nil {
			limit += 2 * n.Cache.Capacity
		}
		debug.SetMemoryLimit(limit)
	}
}

// logFile is a file written through a buffer that is never older than
// flushEvery.
type logFile struct {
	mu     sync.Mutex
	file   *os.File
	buffer *bufio.Writer
	done   chan struct{}
	ended  sync.WaitGroup
}

const flushEvery = 200 * time.Millisecond

func openLog(path string) (*logFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	l := &logFile{file: file, buffer: bufio.NewWriterSize(file, 64<<10), done: make(chan struct{})}
	l.ended.Go(l.flushing)
	return l, nil
}

func (l *logFile) flushing() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.flush()
		case <-l.done:
			return
		}
	}
}

func (l *logFile) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Flush()
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

// Close writes what is left.
func (l *logFile) Close() error {
	close(l.done)
	l.ended.Wait()
	return errors.Join(l.flush(), l.file.Close())
}
