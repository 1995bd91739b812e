package components

import (
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// lab is one component with scripted upstreams, in a bubble of virtual time.
type lab struct {
	t         *testing.T
	component *Component
	began     time.Time
	ended     *event // the node's life

	mu        sync.Mutex
	upstreams map[topologies.Place]upstream
	hops      []Hop // what upstreams were asked, checks aside
	checks    []Hop
	canceled  int    // calls given up before their head
	most      int    // calls of one exchange
	text      string // of requests' bodies
	sent      string // what was made of it
}

// upstream answers a hop.
type upstream func(h Hop) answer

// answer is a response on its way, or why there is none.
type answer struct {
	Response
	after  time.Duration // until the head, or the failure
	reason policy.Reason
	body   time.Duration // from head to last byte
	breaks bool          // in the middle of the body
}

// inLab runs a test of the named node of a topology in virtual time.
func inLab(t *testing.T, top *topologies.Topology, faults []scenarios.Fault, test func(l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &scenarios.Case{Seed: 11, Variant: scenarios.Variant{Topology: top, Faults: faults}}
		l := &lab{
			t:         t,
			component: New(c, top.Nodes[0].Places()[0]),
			began:     time.Now(),
			ended:     newEvent(),
			upstreams: map[topologies.Place]upstream{},
		}
		defer synctest.Wait()
		defer l.ended.Fire()
		test(l)
	})
}

// proxyLab is a proxy before three backends called api[0] to api[2], which
// answer "fine" at once unless told otherwise.
func proxyLab(t *testing.T, node topologies.Node, test func(l *lab)) {
	t.Helper()
	top := proxyTopology(node)
	inLab(t, top, nil, func(l *lab) {
		for _, place := range top.Pool([]string{"api"}) {
			l.upstreams[place] = always(fine())
		}
		test(l)
	})
}

func proxyTopology(node topologies.Node) *topologies.Topology {
	node.Name, node.Replicas = "edge", 1
	if node.Kind == "" {
		node.Kind = topologies.ReverseProxy
	}
	if node.To == nil {
		node.To = []string{"api"}
	}
	api := &topologies.Node{Name: "api", Kind: topologies.Backend, Replicas: 3, Numbered: true, Workers: 1}
	return &topologies.Topology{Name: "lab", Entry: "edge", Nodes: []*topologies.Node{&node, api}}
}

func always(a answer) upstream { return func(Hop) answer { return a } }

// script answers with each in turn, and with the last from then on.
func script(answers ...answer) upstream {
	return func(Hop) answer {
		a := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		return a
	}
}

// fine is an answer of 1000 bytes; fields are name, value, name, value.
func fine(fields ...string) answer { return status(200, fields...) }

func status(status int, fields ...string) answer {
	header := Header{{"Content-Type", "application/json"}}
	for i := 0; i < len(fields); i += 2 {
		header = header.Add(fields[i], fields[i+1])
	}
	return answer{Response: Response{Status: status, Header: header, Body: Body{Size: 1000}}}
}

func fails(reason policy.Reason, after time.Duration) answer {
	return answer{reason: reason, after: after}
}

func (a answer) in(after time.Duration) answer {
	a.after = after
	return a
}

// outcome is what the caller of an exchange saw.
type outcome struct {
	Response
	reason  policy.Reason // of the body
	at      time.Duration
	replies int
}

// do runs one request to its end. fields are name, value, name, value.
func (l *lab) do(method, path string, fields ...string) *outcome {
	return l.doUntil(newEvent(), method, path, fields...)
}

func (l *lab) get(path string, fields ...string) *outcome { return l.do("GET", path, fields...) }

// doUntil is do for a caller who goes away when gone fires.
func (l *lab) doUntil(gone *event, method, path string, fields ...string) *outcome {
	req := Request{Number: 7, Method: method, Host: "shop", Path: path, Peer: netip.MustParseAddr("127.0.0.1")}
	for i := 0; i < len(fields); i += 2 {
		req.Header = req.Header.Add(fields[i], fields[i+1])
	}
	return l.send(gone, req)
}

func (l *lab) send(gone *event, req Request) *outcome {
	x := &fakeExchange{lab: l, gone: gone, out: &outcome{}}
	before := req.Header.Clone()
	Play(x, l.component.Open(x, &req, nil))
	require.Equal(l.t, before, req.Header, "a handler must not edit what it was given")
	for _, c := range x.calls {
		if !c.forwarded {
			c.Cancel()
		}
	}
	if !gone.Fired() {
		require.Equal(l.t, 1, x.out.replies, "a handler answers exactly once")
	}
	return x.out
}

// during starts a request beside the test and hands its outcome to the
// channel.
func (l *lab) during(do func() *outcome) <-chan *outcome {
	done := make(chan *outcome, 1)
	go func() { done <- do() }()
	synctest.Wait()
	return done
}

func (l *lab) now() time.Duration { return time.Since(l.began) }

func (l *lab) asked() []topologies.Place {
	l.mu.Lock()
	defer l.mu.Unlock()
	var places []topologies.Place
	for _, h := range l.hops {
		places = append(places, h.To)
	}
	return places
}

func (l *lab) note(calls int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = max(l.most, calls)
}

// checked is the checks, probes and the like that upstreams have met by now.
func (l *lab) checked() []Hop {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checks
}

// serve lets an upstream answer so from now on.
func (l *lab) serve(place topologies.Place, u upstream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.upstreams[place] = u
}

func (l *lab) lastHop() Hop {
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NotEmpty(l.t, l.hops)
	return l.hops[len(l.hops)-1]
}

func (l *lab) answerOf(h Hop) answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.Request.Number&checkBit != 0 {
		l.checks = append(l.checks, h)
	} else {
		l.hops = append(l.hops, h)
	}
	return l.upstreams[h.To](h)
}

// event is an Event and a Signal.
type event struct {
	once sync.Once
	c    chan struct{}
}

func newEvent() *event { return &event{c: make(chan struct{})} }

func (e *event) Fire() { e.once.Do(func() { close(e.c) }) }

func (e *event) Fired() bool {
	select {
	case <-e.c:
		return true
	default:
		return false
	}
}

func (e *event) done() <-chan struct{} { return e.c }

type fakeExchange struct {
	lab   *lab
	gone  *event
	out   *outcome
	calls []*fakeCall
}

func (x *fakeExchange) Now() time.Duration { return x.lab.now() }
func (x *fakeExchange) Date() time.Time    { return time.Now() }
func (x *fakeExchange) Canceled() Event    { return x.gone }
func (x *fakeExchange) NewSignal() Signal  { return newEvent() }

func (x *fakeExchange) Background(open func(Exchange) Steps) {
	beside := &fakeExchange{lab: x.lab, gone: x.lab.ended, out: &outcome{}}
	go Play(beside, open(beside))
}

func (x *fakeExchange) Recycle(Signal) {}

func (x *fakeExchange) Hop() *Hop { return new(Hop) }

func (x *fakeExchange) Start(h *Hop) Call {
	c := &fakeCall{event: newEvent(), lab: x.lab, answer: x.lab.answerOf(*h)}
	x.calls = append(x.calls, c)
	x.lab.note(len(x.calls))
	if c.answer.after == 0 {
		c.Fire()
		return c
	}
	time.AfterFunc(c.answer.after, c.Fire)
	return c
}

func (x *fakeExchange) Wait(until time.Duration, on ...Event) int {
	var cases []reflect.SelectCase
	for i, e := range on {
		if e.Fired() {
			return i
		}
		done := e.(interface{ done() <-chan struct{} }).done()
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(done)})
	}
	if until != Forever {
		alarm := time.NewTimer(until - x.Now())
		defer alarm.Stop()
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(alarm.C)})
	}
	reflect.Select(cases)
	for i, e := range on {
		if e.Fired() {
			return i
		}
	}
	return -1
}

func (x *fakeExchange) Forward(c Call, head Response, limit int64, keep func(Body)) policy.Reason {
	call := c.(*fakeCall)
	require.True(x.lab.t, call.Fired() && !call.canceled, "forwards a call that has no answer")
	call.forwarded = true
	head.Body = call.answer.Body
	reason := policy.OK
	switch {
	case x.Wait(x.Now()+call.answer.body, x.gone) == 0:
		reason = policy.Canceled
	case call.answer.breaks:
		reason = policy.Reset
	case keep != nil && head.Body.Size <= limit:
		keep(call.answer.Body)
	}
	x.answered(head, reason)
	return reason
}

func (x *fakeExchange) Take(c Call, limit int64) (Body, policy.Reason) {
	call := c.(*fakeCall)
	call.forwarded = true
	body := call.answer.Body
	switch {
	case x.Wait(x.Now()+call.answer.body, x.gone) == 0:
		return Body{}, policy.Canceled
	case call.answer.breaks:
		return Body{}, policy.Reset
	case body.Size > limit:
		return Body{}, policy.Denied
	}
	return body, policy.OK
}

func (x *fakeExchange) Rewrite(limit int64, edit func([]byte) ([]byte, bool)) policy.Reason {
	if int64(len(x.lab.text)) > limit {
		return policy.Denied
	}
	out, ok := edit([]byte(x.lab.text))
	if !ok {
		return policy.Failed
	}
	x.lab.sent = string(out)
	return policy.OK
}

func (x *fakeExchange) Reply(r Response) { x.answered(r, policy.OK) }

func (x *fakeExchange) answered(r Response, reason policy.Reason) {
	r.Header = r.Header.Clone()
	x.out.Response, x.out.reason, x.out.at = r, reason, x.Now()
	x.out.replies++
}

type fakeCall struct {
	*event
	lab                 *lab
	answer              answer
	canceled, forwarded bool
}

func (c *fakeCall) Head() (Head, policy.Reason) {
	if c.answer.reason != policy.OK {
		return Head{}, c.answer.reason
	}
	said := &c.answer.Response
	return Head{said.Status, said.Header, said.Body.Size}, policy.OK
}

func (c *fakeCall) Cancel() {
	if !c.Fired() {
		c.lab.mu.Lock()
		c.lab.canceled++
		c.lab.mu.Unlock()
	}
	c.canceled = true
	c.Fire()
}
