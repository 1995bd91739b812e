package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// sender makes the round trips of a load, open or closed.
type sender struct {
	Aim
	ctx     context.Context
	timeout time.Duration
	timings *components.Timings // nil: nobody tells
	cohorts cohorts
}

// trip is what vegeta's results do not tell of one request.
type trip struct {
	sent    time.Time
	err     error
	corrupt bool // the answer is whole, and not what its digest says
}

// send makes one try of an arrival, with its header and nothing else, until its
// client's patience ends. The body of the answer is to be closed.
func (s *sender) send(req *http.Request, a *scenarios.Arrival, t *trip) (*http.Response, error) {
	ctx, cancel := context.WithDeadline(s.ctx, s.Began.Add(a.At+s.timeout))
	once := &oneTry{cancel: cancel}
	h, by, trace := header(a), s.Transport, once.trace()
	if a.Habits != nil {
		k := s.cohorts[a.Kind]
		by, trace.GotConn = k.transport, k.got(h)
		req.URL = k.url(req.URL, a)
	}
	out := req.WithContext(httptrace.WithClientTrace(ctx, trace))
	out.Host, out.Header = host, h
	if a.Habits != nil && a.Habits.Sends > 0 && out.Body != nil {
		out.Body = s.paced(ctx, out.Body, a.Habits.Sends)
	}
	t.sent = time.Now()
	res, err := by.RoundTrip(out)
	if err != nil {
		t.err = once.cause(ctx, err)
		cancel()
		return nil, err
	}
	proof := components.NewProof(req.Method, res.StatusCode, res.Header.Get("Repr-Digest"), res.Header.Get("Content-Encoding"))
	if a.Habits != nil && a.Habits.Reads > 0 {
		res.Body = s.paced(ctx, res.Body, a.Habits.Reads)
	}
	res.Body = &answer{ReadCloser: res.Body, trip: t, ctx: ctx, cancel: cancel, proof: proof}
	return res, nil
}

func (s *sender) paced(ctx context.Context, body io.ReadCloser, rate int64) io.ReadCloser {
	return &paced{ReadCloser: body, ctx: ctx, sleep: s.Sleep, rate: rate}
}

// note enters what came of a trip into its sample, whose latency is known. Its
// error is trouble of our own machine.
func (s *sender) note(t *trip, to *measure.Sample, r *vegeta.Result) error {
	to.Spans = s.timings.Spans(strings.Join(r.Headers["Server-Timing"], ", "), t.err == nil, to.Late, to.Latency)
	if t.err != nil {
		to.Reason = broken(t.err)
		return ownTrouble(to.Number, t.err)
	}
	to.Status = int(r.Code)
	to.Reason = components.ReasonOf(to.Status, components.Header{
		{Name: "Proxy-Status", Value: r.Headers.Get("Proxy-Status")},
	})
	if t.corrupt && to.Reason == policy.OK {
		to.Reason = policy.Corrupt
	}
	to.Bytes = int64(r.BytesIn)
	to.Cache = r.Headers.Get("X-Cache")
	return nil
}

// broken is the reason of a request without a whole answer.
func broken(err error) policy.Reason {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return policy.Timeout
	case errors.Is(err, context.Canceled):
		return policy.Canceled
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, new(*tls.CertificateVerificationError)):
		return policy.Refused
	}
	return policy.Reset
}

// ownTrouble is err if the generator's machine has run out of something.
func ownTrouble(number uint64, err error) error {
	for _, lack := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS} {
		if errors.Is(err, lack) {
			return fmt.Errorf("request %d could not be sent from this machine: %w; offer less load, or raise the limit%s", number, err, filesLimit())
		}
	}
	return nil
}

// oneTry keeps net/http from sending a request again by itself after its
// connection broke: a client would see the break, and so does the simulator's.
// Taking another connection before anything was written is no second try.
type oneTry struct {
	cancel context.CancelFunc
	wrote  atomic.Bool
	again  atomic.Bool
}

func (o *oneTry) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				o.wrote.Store(true)
			}
		},
		GetConn: func(string) {
			if o.wrote.Load() {
				o.again.Store(true)
				o.cancel()
			}
		},
	}
}

// cause is why a request failed, whatever the transport calls it.
func (o *oneTry) cause(ctx context.Context, err error) error {
	if o.again.Load() {
		return syscall.ECONNRESET
	}
	return ended(ctx, err)
}

// ended tells the end of the client's patience from other failures: reading on
// when the context has ended gives errors of many names.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// answer is a body that notes how it ended.
type answer struct {
	io.ReadCloser
	trip   *trip
	ctx    context.Context
	cancel context.CancelFunc
	proof  *components.Proof
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	a.proof.Write(p[:n])
	switch {
	case err == io.EOF:
		a.trip.corrupt = a.proof.Fails()
	case err != nil:
		a.trip.err = ended(a.ctx, err)
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.ReadCloser.Close()
	a.cancel()
	return err
}
