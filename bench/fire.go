package bench

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/live"
	"trafficlab/scenarios"
)

// Aim is what a load is fired at, and by what means.
type Aim struct {
	URL       string            // of the entry, without a path
	Began     time.Time         // the instant from which arrivals count
	Transport http.RoundTripper // see NewTransport; one of its making if the load has cohorts
	// Sleep waits until an instant, or returns the context's error. Vegeta's
	// own sleeps overshoot by up to a millisecond: live.SleepUntil does not.
	Sleep func(ctx context.Context, until time.Time) error
	Clock live.Clock // of what faults do to the clients' link; nil: live.Precise

	Share    Share               // of the load that is fired
	Arrivals []scenarios.Arrival // Share.Arrivals, if they have been made before; they take their time
}

// host is the name that clients ask for.
const host = "trafficlab.test"

// maxWorkers bounds the requests under way at once. It is far beyond what one
// machine can hold open: a load that meets it is late, and said to be.
const maxWorkers = 20000

// Fire sends the load of a case, or a share of it, and returns when the last request has its
// outcome. Open streams are sent by vegeta, each request at its intended instant
// whether or not earlier ones were answered. Latency counts from the intended
// instant, and a client gives up at its case's Timeout after it. Clients of
// closed streams are our own, and so is what follows on the first request of a
// session: their latency counts from when they send. Samples are in order of
// instant and number.
//
// If the context ends, so does everything under way, and its error is
// returned. An error that the generator's own machine causes (no free port, no
// free file) ends the run too: it tells nothing of the system.
func Fire(ctx context.Context, c *scenarios.Case, aim Aim) ([]measure.Sample, error) {
	return fire(ctx, c, aim, maxWorkers)
}

// fire is Fire with at most so many requests of open streams under way at once.
// However few, what waits for one of them is late, and counted as that.
func fire(ctx context.Context, c *scenarios.Case, aim Aim, workers uint64) ([]measure.Sample, error) {
	if err := c.Recall(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	aim, links, err := overLink(c, aim)
	if err != nil {
		return nil, err
	}
	defer links.Close()
	cohorts, err := newCohorts(c, aim)
	if err != nil {
		return nil, err
	}
	defer cohorts.close()
	by := sender{aim, ctx, c.Variant.Timeout, components.NewTimings(c.Variant.Topology), cohorts}
	loops := startLoops(by, stop, c)
	v := newVolley(by, c, loops)
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{Transport: v, CheckRedirect: unfollowed}),
		vegeta.MaxWorkers(workers),
	)
	for result := range attacker.Attack(v.target, v, 0, "") {
		if err := v.note(result); err != nil {
			stop(err)
		}
	}
	later := loops.wait()
	samples := append(v.samples, later...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(later) > 0 {
		measure.Order(samples)
	}
	return samples, nil
}

// unfollowed leaves redirects to be measured as they are.
func unfollowed(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// volley is a load on its way. It is vegeta's pacer, targeter and transport in
// one: the number of a request travels between the three in the fragment of
// its URL, which is never sent.
type volley struct {
	sender
	arrivals []scenarios.Arrival
	next     atomic.Int64 // arrival to hand out
	paced    uint64       // hits at the last call of Pace
	trips    []trip       // by number; each written by the one worker that has it
	samples  []measure.Sample
	loops    *loops
}

func newVolley(by sender, c *scenarios.Case, loops *loops) *volley {
	arrivals := by.Arrivals
	if arrivals == nil {
		arrivals = by.Share.Arrivals(c)
	}
	v := &volley{
		sender: by, arrivals: arrivals, loops: loops,
		paced:   ^uint64(0),
		trips:   make([]trip, len(arrivals)),
		samples: make([]measure.Sample, len(arrivals)),
	}
	for i, a := range arrivals {
		v.samples[i] = measure.Sample{Number: a.Number, At: a.At, Class: a.Class}
	}
	return v
}

// Pace sleeps until the intended instant of the next request, and lets vegeta
// send it at once.
func (v *volley) Pace(_ time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if hits >= uint64(len(v.arrivals)) || v.ctx.Err() != nil {
		return 0, true
	}
	if hits == v.paced {
		// Vegeta has just started another worker for this hit: let it get
		// ready, or vegeta starts one more.
		runtime.Gosched()
	}
	v.paced = hits
	at := v.Began.Add(v.arrivals[hits].At)
	if time.Until(at) > 0 && v.Sleep(v.ctx, at) != nil {
		return 0, true
	}
	return 0, false
}

// Rate is of no use here: the instants are given.
func (v *volley) Rate(time.Duration) float64 { return 0 }

// target hands out the arrivals in order. It is called by many workers.
func (v *volley) target(t *vegeta.Target) error {
	n := v.next.Add(1) - 1
	if n >= int64(len(v.arrivals)) {
		return vegeta.ErrNoTargets
	}
	a := &v.arrivals[n]
	t.Method = a.Method
	t.URL = v.URL + a.Path + "#" + strconv.FormatInt(n, 10)
	if a.Body > 0 {
		t.Body = components.Filler(a.Body)
	}
	return nil
}

// note turns a result into a sample. Its error is trouble of our own machine.
func (v *volley) note(r *vegeta.Result) error {
	n, ok := numbered(r.URL)
	if !ok {
		return fmt.Errorf("request %s: %s", r.URL, r.Error)
	}
	trip, s := &v.trips[n], &v.samples[n]
	if trip.sent.IsZero() {
		return fmt.Errorf("request %d could not be made: %s", n, r.Error)
	}
	intended := v.Began.Add(s.At)
	s.Late = max(0, trip.sent.Sub(intended))
	s.Latency = r.Timestamp.Add(r.Latency).Sub(intended)
	if then := v.arrivals[n].Then; then != nil {
		v.loops.goOn(then, s.At+s.Latency)
	}
	return v.sender.note(trip, s, r)
}

func numbered(address string) (n int, ok bool) {
	_, fragment, _ := strings.Cut(address, "#")
	n, err := strconv.Atoi(fragment)
	return n, err == nil
}

// NewTransport makes connections as clients do: HTTP/1.1, kept alive, as many
// as it takes, and nothing compressed unless the load asks for it.
func NewTransport() *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: maxWorkers,
		DisableCompression:  true,
		Protocols:           onlyHTTP1(),
	}
}

func onlyHTTP1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// RoundTrip sends one request as its arrival says, and nothing that vegeta
// adds.
func (v *volley) RoundTrip(req *http.Request) (*http.Response, error) {
	n, err := strconv.Atoi(req.URL.Fragment)
	if err != nil {
		return nil, fmt.Errorf("request %s carries no number", req.URL)
	}
	return v.send(req, &v.arrivals[n], &v.trips[n])
}

// header is what a request carries, the same in the simulator.
func header(a *scenarios.Arrival) http.Header {
	h := http.Header{
		live.RequestHeader: {live.FormatRequest(a.Number, 0)},
		"User-Agent":       {""}, // keeps net/http from adding its own
	}
	for _, f := range a.Header {
		name := http.CanonicalHeaderKey(f.Name)
		h[name] = append(h[name], f.Value)
	}
	if a.Client.IsValid() {
		h["X-Forwarded-For"] = []string{a.Client.String()}
	}
	return h
}
