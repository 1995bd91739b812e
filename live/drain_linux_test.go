package live

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// drain tells a process to end, and waits until it has.
func (s *System) drain(t *testing.T, p *process) {
	p.expectEnd()
	require.NoError(t, s.guard.signal(p.place, unix.SIGTERM))
	select {
	case <-p.ended():
	case <-time.After(drainTime + stopTime):
		t.Fatalf("%s does not end", p.place)
	}
}

// No request is lost, not even one that cannot be repeated, when replicas
// behind a balancer are drained and started again one after the other.
func TestNothingIsLostToADrain(t *testing.T) {
	c := pairCase()
	c.Variant.Topology.Node("lb").Retry.Tries = 3
	s := started(t, c)
	began := s.Begin()
	address, _ := s.Entry()
	var stop atomic.Bool
	var asked atomic.Int64
	var clients sync.WaitGroup
	for k := range 4 {
		clients.Go(func() {
			client := client(s)
			for i := 0; !stop.Load(); i++ {
				r, err := http.NewRequest([]string{"GET", "POST"}[i%2], fmt.Sprintf("%s/%d/%d", address, k, i), nil)
				if i%2 == 1 {
					r, err = http.NewRequest("POST", address, strings.NewReader("body"))
				}
				if !assert.NoError(t, err) {
					return
				}
				answer, err := client.Do(r)
				if !assert.NoError(t, err, "%s %d/%d", r.Method, k, i) {
					return
				}
				answer.Body.Close()
				asked.Add(1)
				if !assert.Equal(t, 200, answer.StatusCode, "%s %d/%d: %s", r.Method, k, i, answer.Header.Get("Proxy-Status")) {
					return
				}
			}
		})
	}
	for i := range 4 {
		p := s.processes[1+i%2]
		before := asked.Load()
		s.drain(t, p)
		assert.Equal(t, "exit status 0", p.howEnded())
		require.NoError(t, s.spawn(p, began.Sub(s.epoch)))
		require.NoError(t, s.awaitReady(t.Context(), p))
		until(t, "requests go on", func() bool { return asked.Load() > before+20 })
	}
	stop.Store(true)
	clients.Wait()
}

// A restart on the timeline drains the process, ends it, and starts another:
// who may ask twice loses nothing.
func TestRestart(t *testing.T) {
	c := pairCase(scenarios.Fault{At: 200 * time.Millisecond, For: 800 * time.Millisecond, Grace: 600 * time.Millisecond,
		On: []topologies.Place{"api[0]"}})
	c.Variant.Topology.Node("lb").Retry.Tries = 3
	s := started(t, c)
	before := s.pids()
	s.Begin()
	address, _ := s.Entry()
	asked := int64(0)
	until(t, "it is another process", func() bool {
		for range 20 {
			status, err := get(t, address, client(s))
			require.NoError(t, err)
			require.Equal(t, 200, status)
			asked++
		}
		after := s.pids()
		return after[1] != before[1] && s.processes[1].isUp()
	})
	require.NoError(t, s.awaitReady(t.Context(), s.processes[1]))
	assert.Equal(t, "exit status 0", s.processes[1].howEnded(), "nothing was broken off")
	uses, err := s.Use()
	require.NoError(t, err)
	assert.Equal(t, []int{before[0], before[2]}, []int{s.pids()[0], s.pids()[2]}, "nobody else is")
	assert.InDelta(t, asked, uses[1].Requests+uses[2].Requests, 20, "both lives are counted, but for the last moment of the first")
	select {
	case err := <-s.Died():
		t.Errorf("a restart on the timeline is no surprise: %v", err)
	default:
	}
}

// The entry itself answers what is in flight and takes nobody new.
func TestDrainOfTheEntry(t *testing.T) {
	c := pairCase()
	c.Variant.Topology.Node("api").ServiceTime.Mean = 500 * time.Millisecond
	s := started(t, c)
	s.Begin()
	address, _ := s.Entry()
	var clients sync.WaitGroup
	for range 6 {
		clients.Go(func() {
			status, err := get(t, address, client(s))
			assert.NoError(t, err)
			assert.Equal(t, 200, status)
		})
	}
	until(t, "all are under way", func() bool {
		uses, err := s.Use()
		return err == nil && uses[0].Requests == 6
	})
	lb := s.processes[0]
	lb.expectEnd()
	require.NoError(t, s.guard.signal(lb.place, unix.SIGTERM))
	until(t, "nobody new is let in", func() bool {
		_, err := get(t, address, client(s))
		return err != nil && strings.Contains(err.Error(), syscall.ECONNREFUSED.Error())
	})
	clients.Wait()
	<-lb.ended()
	assert.Equal(t, "exit status 0", lb.howEnded())
}
