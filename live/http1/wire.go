package http1

import (
	"crypto/tls"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Pace is the least that a peer must do to keep its connection while a body is
// on its way. Only time that we wait for the peer counts.
type Pace struct {
	Idle  time.Duration // longest wait for the next piece; 0: any
	Rate  int64         // bytes a second on average; 0: any
	Grace time.Duration // that the average may be behind
}

// Progress is how a peer keeps up with a pace.
type Progress struct {
	bytes  int64
	waited time.Duration
}

// Moved counts bytes that we waited for.
func (p *Progress) Moved(bytes int64, waited time.Duration) {
	p.bytes += bytes
	p.waited += waited
}

// Patience is how long the peer may take for the next piece; 0 is for ever,
// less than 0 is that it has been too slow.
func (p Pace) Patience(so Progress) time.Duration {
	longest := p.Idle
	if p.Rate > 0 {
		earned := time.Duration(float64(so.bytes) / float64(p.Rate) * float64(time.Second))
		left := p.Grace + earned - so.waited
		if left <= 0 {
			return -1
		}
		if longest == 0 || left < longest {
			longest = left
		}
	}
	return longest
}

// wire is a connection whose reads and writes are bounded in time. It reads in
// one goroutine and writes in one at a time.
type wire struct {
	net.Conn
	pace   Pace // of bodies that are read
	taking Pace // of what is written
	secure bool // it is TLS

	paced    bool // reads are of a body
	incoming Progress
	outgoing Progress
	sent     int64       // bytes, since the connection was made
	stopped  atomic.Bool // no reads any more

	readable, writable time.Time // the connection's deadlines; zero: none
}

// join makes the wire that of a connection.
func (w *wire) join(raw net.Conn, reads, writes Pace) {
	w.Conn, w.pace, w.taking = Direct(raw), reads, writes
	_, w.secure = raw.(*tls.Conn)
}

// long is a time in the past, as a deadline.
var long = time.Unix(1, 0)

// begin starts counting anew, for the next message.
func (w *wire) begin() { w.incoming, w.outgoing = Progress{}, Progress{} }

// readWithin bounds what is read from now on. It may be early by a quarter:
// deadlines cost, and one serves several short waits.
func (w *wire) readWithin(patience time.Duration) {
	if patience <= 0 {
		w.readForever()
		return
	}
	if left := time.Until(w.readable); left < patience*3/4 || left > patience {
		w.readable = time.Now().Add(patience)
		w.SetReadDeadline(w.readable)
	}
}

func (w *wire) readForever() {
	if !w.readable.IsZero() {
		w.readable = time.Time{}
		w.SetReadDeadline(time.Time{})
	}
}

// writeForever ends the bound on what is written.
func (w *wire) writeForever() {
	w.taking = Pace{}
	if !w.writable.IsZero() {
		w.writable = time.Time{}
		w.SetWriteDeadline(time.Time{})
	}
}

// stop ends the reading under way, and all to come.
func (w *wire) stop() {
	w.stopped.Store(true)
	w.SetReadDeadline(long)
}

// resume takes stop back, when nobody reads.
func (w *wire) resume() {
	w.stopped.Store(false)
	w.readable = long
	w.readForever()
}

// Read reads, if paced at the body's pace.
func (w *wire) Read(p []byte) (int, error) {
	if !w.paced || w.pace == (Pace{}) {
		return w.Conn.Read(p)
	}
	patience := w.pace.Patience(w.incoming)
	if patience < 0 {
		return 0, os.ErrDeadlineExceeded
	}
	began := time.Now()
	w.readable = began.Add(patience)
	w.SetReadDeadline(w.readable)
	if w.stopped.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := w.Conn.Read(p)
	w.incoming.Moved(int64(n), time.Since(began))
	return n, err
}

// small is a piece of which it does not matter how long it took.
const small = 8 << 10

// write sends a piece.
func (w *wire) write(p []byte) error {
	began, err := w.writing(len(p))
	if err != nil {
		return err
	}
	n, err := w.Conn.Write(p)
	w.wrote(int64(n), began)
	return err
}

// writeBoth sends two pieces at once.
func (w *wire) writeBoth(p, q []byte) error {
	began, err := w.writing(len(p) + len(q))
	if err != nil {
		return err
	}
	n, err := w.sendBoth(p, q)
	w.wrote(n, began)
	return err
}

func (w *wire) sendBoth(p, q []byte) (int64, error) {
	if d, ok := w.Conn.(interface {
		writeBoth(p, q []byte) (int64, error)
	}); ok {
		return d.writeBoth(p, q)
	}
	both := net.Buffers{p, q}
	return both.WriteTo(w.Conn)
}

// writing bounds the writing of n bytes, and tells when it began if that
// matters.
func (w *wire) writing(n int) (began time.Time, err error) {
	patience := w.taking.Patience(w.outgoing)
	switch {
	case patience < 0:
		return began, os.ErrDeadlineExceeded
	case patience == 0:
		return began, nil
	}
	if left := time.Until(w.writable); left < patience*3/4 || left > patience {
		w.writable = time.Now().Add(patience)
		w.SetWriteDeadline(w.writable)
	}
	if n > small {
		began = time.Now()
	}
	return began, nil
}

func (w *wire) wrote(n int64, began time.Time) {
	w.sent += n
	if !began.IsZero() {
		w.outgoing.Moved(n, time.Since(began))
	}
}
