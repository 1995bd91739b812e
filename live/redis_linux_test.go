package live

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// redisServer is a real Redis of the test's own.
type redisServer struct {
	t       testing.TB
	address string
	process *os.Process
}

func startRedis(t testing.TB) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		const missing = "no redis-server on this machine: shared limits were not tested against a real Redis (make deps installs it)"
		if os.Getenv("TRAFFICLAB_ALL") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	ports, err := freePorts(1)
	require.NoError(t, err)
	r := &redisServer{t: t, address: ports[0]}
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.address)
	require.NoError(r.t, err)
	command := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", r.t.TempDir())
	require.NoError(r.t, command.Start())
	r.process = command.Process
	require.Eventually(r.t, func() bool {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond, "redis-server does not listen")
}

func (r *redisServer) kill() {
	if r.process != nil {
		r.process.Kill()
		r.process.Wait()
		r.process = nil
	}
}

func (r *redisServer) shared(open bool) *topologies.Shared {
	return &topologies.Shared{Redis: r.address, Open: open, Timeout: 500 * time.Millisecond}
}

// instant is an exchange that only knows what time it is.
type instant struct {
	components.Exchange
	now time.Duration
}

func (i *instant) Now() time.Duration { return i.now }

// TestRedisDecidesAsMemoryDoes: the script and the laws of package policy give
// the same answers to the same questions, waits and what is left to the
// nanosecond: alone and several at once, with stragglers among them.
func TestRedisDecidesAsMemoryDoes(t *testing.T) {
	server := startRedis(t)
	tallies := newRedisTallies("test", nil)
	defer func() { require.NoError(t, tallies.Close()) }()
	random := rand.New(rand.NewPCG(1, 2))
	agree := func(name string, from time.Duration, limiters []policy.Choice) {
		memory := new(components.Memories).Tally(name, nil, limiters, true)
		redis := tallies.Tally(name, server.shared(true), limiters, true)
		x := &instant{now: from + time.Duration(random.Int64N(int64(time.Hour))) - time.Minute}
		admitted, refused := 0, 0
		date := dawn
		for range 300 {
			asks := make([]policy.Ask, len(limiters))
			for i := range asks {
				asks[i] = policy.Ask{Key: fmt.Sprint("k", random.IntN(2)), Cost: float64(random.IntN(4))}
				if limiters[i].Name == policy.Quota {
					asks[i].Date = date + x.now
				}
			}
			got := redis.Take(x, asks)
			require.Equal(t, memory.Take(x, asks), got, "%s at %v", name, x.now)
			require.True(t, got.Told)
			switch {
			case got.OK:
				admitted++
				x.now += time.Duration(random.ExpFloat64() * 8e6)
			case got.Wait > time.Minute: // for a period to end
				refused++
				date += got.Wait - time.Duration(random.IntN(2))*time.Second
			case random.IntN(2) == 0:
				refused++
				x.now += got.Wait // the very instant
			default:
				refused++
				x.now += time.Duration(random.ExpFloat64()*8e6) - time.Millisecond
			}
		}
		require.Positive(t, admitted, name)
		require.Positive(t, refused, name)
	}
	any := func(name string) policy.Choice {
		return policy.Choice{Name: name, Params: policy.Params{
			"rate": {Number: 15 + 45*random.Float64()}, "burst": {Number: 1 + 6*random.Float64()},
			"delay": {Number: 2 * random.Float64()}, "window": {Number: float64(50*time.Millisecond) + float64(random.IntN(2e8))}}}
	}
	var all []policy.Choice
	for _, name := range slices.Sorted(maps.Keys(policy.Limiters)) {
		agree(name, 0, []policy.Choice{any(name)})
		agree(name+" again", 0, []policy.Choice{any(name)})
		agree(name+" after a day", 24*time.Hour, []policy.Choice{any(name)})
		agree(name+" after months", 2000*time.Hour, []policy.Choice{any(name)})
		all = append(all, any(name))
	}
	for _, per := range []string{"hour", "day", "month"} {
		// Little before a period ends, so that the next begins as well.
		quota := policy.Choice{Name: policy.Quota, Params: policy.Params{"quota": {Number: float64(9 + random.IntN(40))}, "per": {Word: per}}}
		agree("a quota per "+per, 0, []policy.Choice{quota})
		agree("a quota and a rate, per "+per, 0, []policy.Choice{quota, any("gcra")})
		all = append(all, quota)
	}
	for i := range 5 {
		agree(fmt.Sprint("all at once ", i), time.Duration(i)*24*time.Hour, all)
	}
}

// dawn is the date at which those runs begin: a month, a day and an hour end
// within the hour after.
const dawn = 1730419200*time.Second - time.Hour // 2024-10-31 23:00:00 UTC

// TestQuotasOutliveTheirRun: one that is kept goes on with the next run that
// names it, and no other does.
func TestQuotasOutliveTheirRun(t *testing.T) {
	server := startRedis(t)
	quota := []policy.Choice{{Name: policy.Quota, Params: policy.Params{"quota": {Number: 3}, "per": {Word: "day"}}}}
	for keep, left := range map[string]int{"": 2, "shop": 0} {
		shared := server.shared(true)
		shared.Keep = keep
		for run := range 4 {
			tallies := newRedisTallies(fmt.Sprint("run ", run), nil)
			got := tallies.Tally("gate.0", shared, quota, true).Take(new(instant), []policy.Ask{{Key: "alice", Cost: 1, Date: dawn}})
			require.NoError(t, got.Lost)
			require.Equal(t, keep == "" || run < 3, got.OK)
			if run == 3 {
				require.Equal(t, left, got.Level.Whole())
				require.Equal(t, time.Hour, got.Level.Reset)
			}
			require.NoError(t, tallies.Close())
		}
	}
}

// sharingCase is two gateways behind a balancer, with one limit for both.
func sharingCase(shared *topologies.Shared) *scenarios.Case {
	lb := &topologies.Node{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"gate"},
		Pick: policy.Choice{Name: "round-robin"}, Retry: topologies.Retry{Tries: 1}, Connections: 16}
	gate := &topologies.Node{Name: "gate", Kind: topologies.Gateway, Replicas: 2, Numbered: true, To: []string{"api"},
		Pick: policy.Choice{Name: "round-robin"}, Retry: topologies.Retry{Tries: 1}, Connections: 16,
		Limits: []topologies.Limit{{By: "all", Shared: shared, Algorithm: policy.Choice{Name: "token-bucket",
			Params: policy.Params{"rate": {Number: 0.01}, "burst": {Number: 7}}}}}}
	api := &topologies.Node{Name: "api", Kind: topologies.Backend, Replicas: 1, Workers: 4, Queue: 16,
		ServiceTime: topologies.Distribution{Law: "constant", Mean: time.Millisecond}, Response: 256}
	return &scenarios.Case{Scenario: "sharing", Seed: 1, Variant: scenarios.Variant{Name: "only",
		Topology: &topologies.Topology{Name: "sharing", Entry: "lb", Nodes: []*topologies.Node{lb, gate, api}}}}
}

// TestGatewaysShareARedis: two gateways admit together what the limit says;
// and when Redis is frozen, gone and back again, each case goes on as its limit
// has chosen.
func TestGatewaysShareARedis(t *testing.T) {
	server := startRedis(t)
	for open, without := range map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable} {
		t.Run(fmt.Sprintf("open %v", open), func(t *testing.T) {
			s := started(t, sharingCase(server.shared(open)))
			s.Begin()
			address, _ := s.Entry()
			statuses := func(n int) map[int]int {
				count := map[int]int{}
				for range n {
					status, err := get(t, address+"/", client(s))
					require.NoError(t, err)
					count[status]++
				}
				return count
			}
			require.Equal(t, map[int]int{200: 7, 429: 13}, statuses(20), "seven between the two of them")

			require.NoError(t, server.process.Signal(syscall.SIGSTOP))
			require.Equal(t, map[int]int{without: 2}, statuses(2), "Redis is frozen")
			require.NoError(t, server.process.Signal(syscall.SIGCONT))
			require.Equal(t, map[int]int{429: 4}, statuses(4), "Redis has thawed")

			server.kill()
			require.Equal(t, map[int]int{without: 20}, statuses(20), "Redis is gone")
			server.start()
			require.Equal(t, map[int]int{200: 7, 429: 5}, statuses(12), "Redis is back, and remembers nothing")

			log, err := os.ReadFile(s.manifest.file("gate[0]", ".log"))
			require.NoError(t, err)
			require.Contains(t, string(log), "lost the limits of gate.0 in the Redis at "+server.address)
			require.Contains(t, string(log), "are back")
		})
	}
}

// TestARedisThatAFaultTakesAway: the real one is well, and each case goes on as
// its limit has chosen until the fault is over.
func TestARedisThatAFaultTakesAway(t *testing.T) {
	server := startRedis(t)
	for open, without := range map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable} {
		for _, fault := range []scenarios.Fault{{Crash: true}, {Freeze: true}} {
			t.Run(fmt.Sprintf("open %v, crash %v", open, fault.Crash), func(t *testing.T) {
				shared := server.shared(open)
				shared.Timeout = 10 * time.Millisecond
				c := sharingCase(shared)
				fault.On, fault.At, fault.For = []topologies.Place{topologies.Redis}, -time.Hour, time.Hour+500*time.Millisecond
				c.Variant.Faults = []scenarios.Fault{fault}
				s := started(t, c)
				s.Begin()
				address, _ := s.Entry()
				status := func() int {
					status, err := get(t, address+"/", client(s))
					require.NoError(t, err)
					return status
				}
				for range 10 {
					require.Equal(t, without, status(), "more than the limit admits")
				}
				require.Eventually(t, func() bool { return status() == http.StatusTooManyRequests }, 10*time.Second, time.Millisecond)
			})
		}
	}
}

// TestARedisMustListen: without one, figures would be those of no limit, or of
// refusals.
func TestARedisMustListen(t *testing.T) {
	ports, err := freePorts(1)
	require.NoError(t, err)
	_, err = Start(t.Context(), sharingCase(&topologies.Shared{Redis: ports[0], Timeout: time.Second}), SystemOptions{Dir: t.TempDir()})
	require.ErrorContains(t, err, "start sharing: find the Redis of its limits: nothing answers at "+ports[0]+"; start it first")
}

// TestGatewaysTellWhatTheyShare: whichever of the two answers, it tells what is
// left of both, and of the tightest limit.
func TestGatewaysTellWhatTheyShare(t *testing.T) {
	server := startRedis(t)
	c := sharingCase(server.shared(false))
	gate := c.Variant.Topology.Node("gate")
	gate.Limits[0].Name = "both"
	gate.Limits = append(gate.Limits, topologies.Limit{By: "all", Name: "day", Shared: server.shared(false),
		Algorithm: policy.Choice{Name: policy.Quota, Params: policy.Params{"quota": {Number: 9}, "per": {Word: "day"}}}})
	gate.LimitFields = []string{topologies.RateLimitFields, topologies.XRateLimitFields}
	s := started(t, c)
	s.Begin()
	address, _ := s.Entry()
	for i, want := range []string{"6", "5", "4", "3", "2", "1", "0", "0"} {
		answer, err := client(s).Get(address + "/")
		require.NoError(t, err)
		answer.Body.Close()
		h := answer.Header
		require.Equal(t, `"both";q=7;w=700, "day";q=9;w=86400`, h.Get("RateLimit-Policy"))
		require.Equal(t, want, h.Get("X-RateLimit-Remaining"))
		require.Equal(t, "7", h.Get("X-RateLimit-Limit"))
		require.Contains(t, h.Get("RateLimit"), `"both";r=`+want+`;t=`)
		if i == 7 {
			require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
			require.Regexp(t, `^(9\d|100)$`, h.Get("Retry-After"))
			continue
		}
		require.Equal(t, http.StatusOK, answer.StatusCode)
	}
}

// TestGatewaysWithoutARedisCountAlone: two gateways whose limit is not shared
// admit twice as much.
func TestGatewaysWithoutARedisCountAlone(t *testing.T) {
	s := started(t, sharingCase(nil))
	s.Begin()
	address, _ := s.Entry()
	admitted := 0
	for range 20 {
		status, err := get(t, address+"/", client(s))
		require.NoError(t, err)
		if status == 200 {
			admitted++
		}
	}
	require.Equal(t, 14, admitted)
}

// BenchmarkRedisTally is what one question costs: sim.Costs has it as Shared.
func BenchmarkRedisTally(b *testing.B) {
	server := startRedis(b)
	tallies := newRedisTallies("bench", nil)
	defer tallies.Close()
	tally := tallies.Tally("gate", server.shared(true), []policy.Choice{{Name: "gcra", Params: policy.Params{"rate": {Number: 1e6}, "burst": {Number: 10}}}}, false)
	x, asks := new(instant), []policy.Ask{{Key: "alice", Cost: 1}}
	b.ReportAllocs()
	for b.Loop() {
		x.now += time.Microsecond
		if lost := tally.Take(x, asks).Lost; lost != nil {
			b.Fatal(lost)
		}
	}
}
