package live

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"trafficlab/live/http1"
)

var errFlood = &http1.Error{Reason: "flood of frames"}

// How much a peer of HTTP/2 may send in frames that bring neither a message nor a
// part of one (SETTINGS, PING, PRIORITY, WINDOW_UPDATE, RST_STREAM, empty
// DATA), in bytes: so much, as many again as it brings otherwise, so many more a
// second for pings of connections that live long, and a part of what it is sent,
// for the windows. The rule is NGINX's, which gives no time back. What answers to
// such frames may take of memory is net/http's to bound.
const (
	floodRoom  = 1 << 20
	floodRate  = 16 << 10
	floodShare = 16 // one for so many
)

// dike is a connection of HTTP/2 that breaks when it is flooded. TLS is below
// it, so that net/http sees what it takes for a plain one.
type dike struct {
	net.Conn
	since  time.Time
	refuse func(*http1.Error)    // nil: who reads on is told
	seen   func(http2.FrameType) // nil: nobody wants to know

	frames     frameHeads
	empty, use int64 // bytes that came
	sent       atomic.Int64
}

// newDike is one to a client.
func newDike(c net.Conn, refuse func(*http1.Error)) *dike {
	d := &dike{Conn: c, since: time.Now(), refuse: refuse}
	d.frames.rest = len(http2.ClientPreface)
	return d
}

// secure is the state of TLS, if that is below.
func (d *dike) secure() *tls.ConnectionState {
	c, ok := d.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	state := c.ConnectionState()
	return &state
}

// Read implements net.Conn, for one reader.
func (d *dike) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	for seen := p[:n]; len(seen) > 0; {
		var begun bool
		if seen, begun = d.frames.next(seen); begun {
			d.count(int64(d.frames.rest), http2.FrameType(d.frames.head[3]))
		}
	}
	if d.flooded() {
		if d.refuse != nil {
			d.refuse(errFlood)
		}
		d.Close()
		return 0, errFlood
	}
	return n, err
}

func (d *dike) count(length int64, kind http2.FrameType) {
	if d.seen != nil {
		d.seen(kind)
	}
	switch kind {
	case http2.FrameHeaders, http2.FrameContinuation, http2.FrameData:
		if length > 0 {
			d.use += length
			return
		}
	}
	d.empty += int64(len(d.frames.head)) + length
}

func (d *dike) flooded() bool {
	beyond := d.empty - floodRoom - d.use
	return beyond > 0 && beyond > d.sent.Load()/floodShare+int64(time.Since(d.since).Seconds()*floodRate)
}

func (d *dike) Write(p []byte) (int, error) {
	n, err := d.Conn.Write(p)
	d.sent.Add(int64(n))
	return n, err
}

// frameHeads reads along the heads of frames (RFC 9113 section 4.1).
type frameHeads struct {
	head [9]byte // of the frame under way
	have int     // of it
	rest int     // of the frame behind it
}

// next returns what stands behind the first head or the first payload of a
// piece, and whether it was a head that has come whole: rest is its payload then.
func (h *frameHeads) next(piece []byte) (behind []byte, begun bool) {
	if h.rest > 0 {
		skip := min(h.rest, len(piece))
		h.rest -= skip
		return piece[skip:], false
	}
	took := copy(h.head[h.have:], piece)
	if h.have += took; h.have == len(h.head) {
		h.have, h.rest = 0, int(h.head[0])<<16|int(h.head[1])<<8|int(h.head[2])
		return piece[took:], true
	}
	return piece[took:], false
}
