package bench

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/scenarios"
)

// loops are the clients of closed streams, and those in their sessions, at work:
// what vegeta cannot do, for it never waits for an answer before it asks again.
type loops struct {
	sender
	stop    context.CancelCauseFunc
	clients sync.WaitGroup

	mu      sync.Mutex // guards the rest, and what clients of a stream share
	samples []measure.Sample
}

// startLoops lets every client of the case's closed streams begin who belongs to
// the sender's share. Trouble of
// our own machine ends the run by stop.
func startLoops(by sender, stop context.CancelCauseFunc, c *scenarios.Case) *loops {
	l := &loops{sender: by, stop: stop}
	for i, client := range c.Clients() {
		if !by.Share.has(uint64(i)) {
			continue
		}
		l.clients.Go(func() { l.play(client, client.First) })
	}
	return l
}

// wait returns the samples once every client has its last outcome.
func (l *loops) wait() []measure.Sample {
	l.clients.Wait()
	return l.samples
}

// goOn lets a session go on after the outcome of its first request.
func (l *loops) goOn(client *scenarios.Client, outcome time.Duration) {
	l.clients.Go(func() {
		l.play(client, func() (scenarios.Arrival, bool) { return client.Next(outcome) })
	})
}

// play is the life of one client from some request on.
func (l *loops) play(client *scenarios.Client, from func() (scenarios.Arrival, bool)) {
	l.mu.Lock()
	a, more := from()
	l.mu.Unlock()
	for more {
		if l.Sleep(l.ctx, l.Began.Add(a.At)) != nil {
			return
		}
		s, err := l.ask(&a)
		if err != nil {
			l.stop(err)
			return
		}
		l.mu.Lock()
		l.samples = append(l.samples, s)
		a, more = client.Next(s.At + s.Latency)
		l.mu.Unlock()
	}
}

// ask sends a request now, which is the instant that its latency counts from,
// and waits for its outcome.
func (l *loops) ask(a *scenarios.Arrival) (measure.Sample, error) {
	req, err := http.NewRequestWithContext(l.ctx, a.Method, l.URL+a.Path, nil)
	if err != nil {
		return measure.Sample{}, err
	}
	if a.Body > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(components.Filler(a.Body))), a.Body
	}
	a.At = time.Since(l.Began)
	var t trip
	r := vegeta.Result{}
	if res, err := l.send(req, a, &t); err == nil {
		n, _ := io.Copy(io.Discard, res.Body) // the trip knows how it ended
		res.Body.Close()
		r.Code, r.Headers, r.BytesIn = uint16(res.StatusCode), res.Header, uint64(n)
	}
	s := measure.Sample{Number: a.Number, At: a.At, Class: a.Class, Latency: time.Since(l.Began) - a.At}
	return s, l.note(&t, &s, &r)
}
