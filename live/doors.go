package live

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"trafficlab/components"
	"trafficlab/live/http1"
)

// doors are the servers of a node, for what its callers may speak.
type doors struct {
	node  *Node
	usual *http1.Server
	h2    *http.Server  // nil: not spoken
	bare  *http1.Server // sends elsewhere who comes without TLS; nil: refused
}

func newDoors(n *Node, o Options) *doors {
	d := &doors{node: n, usual: newServer(n, o)}
	want := n.node.TLS
	if want == nil {
		if n.node.H2C != nil {
			d.h2 = newH2Server(n, *n.node.H2C)
		} else { // else the front counts
			d.usual.Crowd = crowdOf(n.node.MayCall())
		}
		return d
	}
	if want.HTTP2 != nil {
		d.h2 = newH2Server(n, *want.HTTP2)
	}
	if want.Redirect {
		d.bare = newServer(n, o)
		d.bare.Handler = redirector{n}
	}
	return d
}

// serve answers what comes to the listener. Its error is http1.ErrClosed if the
// doors were closed.
func (d *doors) serve(l net.Listener) error {
	var config *tls.Config
	if d.node.door != nil {
		config = d.node.expiring(d.node.door.config())
	}
	if config == nil && d.h2 == nil {
		return d.usual.Serve(l)
	}
	f := newFront(l, config, d.bare != nil, d.node)
	var others sync.WaitGroup
	defer others.Wait()
	if d.h2 != nil {
		others.Go(func() { d.h2.Serve(&f.h2) }) // it ends with the front
	}
	if d.bare != nil {
		others.Go(func() { d.bare.Serve(&f.bare) })
	}
	others.Go(f.run)
	return d.usual.Serve(&f.usual)
}

// drain stops listening and lets requests end until the context does, which is
// the error then. Idle connections live on for the time of parting.
func (d *doors) drain(ctx context.Context, parting time.Duration) error {
	var all sync.WaitGroup
	if d.h2 != nil {
		all.Go(func() { d.h2.Shutdown(ctx) })
	}
	if d.bare != nil {
		all.Go(func() { d.bare.Shutdown(ctx) })
	}
	d.usual.Drain(ctx, parting)
	all.Wait()
	return ctx.Err()
}

func (d *doors) close() error {
	err := d.usual.Close()
	if d.h2 != nil {
		err = errors.Join(err, d.h2.Close())
	}
	if d.bare != nil {
		err = errors.Join(err, d.bare.Close())
	}
	return err
}

// redirector sends who asks for a host of the node to the same place over TLS,
// with the method kept (RFC 9110 section 15.4.9). To others it would be a way
// to lead people anywhere.
type redirector struct{ of *Node }

// Answer implements http1.Handler.
func (r redirector) Answer(a *http1.Answer, q *http1.Request) {
	switch {
	case q.Host == "" || q.Path == "*":
		r.of.deny(a, errNowhere)
		return
	case !r.of.door.stands(nameIn(q.Host)):
		r.of.deny(a, errMisdirected)
		return
	}
	to := "https://" + q.Host + q.Path
	if q.Asked {
		to += "?" + q.Query
	}
	a.Begin(http.StatusPermanentRedirect, components.Header{{Name: "Location", Value: to}}, 0)
	a.End(nil)
}

var errNowhere = &http1.Error{Status: http.StatusBadRequest, Reason: "no place to redirect to"}

// secured is an answer's header with what the node says of TLS: nobody else may
// say it in its place (RFC 6797 section 7.1).
func (s *setup) secured(h components.Header) components.Header {
	if s.node.TLS == nil || s.node.TLS.HSTS == "" {
		return h
	}
	return components.Secured(h, s.node.TLS.HSTS)
}
