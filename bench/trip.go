package bench

import (
	"context"
	"io"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
)

// oneTry keeps net/http from sending a request again by itself after its
// connection broke: a client would see the break, and so does the simulator's.
// Taking another connection before anything was written is no second try.
type oneTry struct {
	cancel context.CancelFunc
	wrote  atomic.Bool
	again  atomic.Bool
}

func (o *oneTry) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
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
	})
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
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		a.trip.err = ended(a.ctx, err)
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.ReadCloser.Close()
	a.cancel()
	return err
}
