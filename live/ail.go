package live

import (
	"time"

	"trafficlab/components"
)

// beat is how often a body that trickles gets on, if it is not slower than a
// byte in such a time.
const beat = 10 * time.Millisecond

// ail writes an answer whose body is ill. One that is not whole breaks the
// connection when this returns; one that hangs keeps it until the caller goes
// away, or the node ends.
func (x *exchange) ail(r components.Response, text []byte) {
	course := r.Ill.Course(int64(len(text)))
	to := x.begin(r, course.Said)
	defer func() { x.sent += to.written }()
	if to.flush(true) != nil {
		return
	}
	began := x.Now()
	for at := int64(0); at < course.Sent; {
		n := course.Sent - at
		if course.Rate > 0 {
			n = min(n, max(1, course.Rate*int64(beat)/int64(time.Second)))
			if !x.rest(began + time.Duration(float64(at+n)/float64(course.Rate)*float64(time.Second))) {
				return
			}
		}
		if x.drip(to, text, at, n) != nil {
			return
		}
		at += n
	}
	switch {
	case course.Hung:
		x.rest(components.Forever)
	case !course.Cut:
		to.close(nil) // who does not get it all has gone away
	}
}

// drip sends n bytes of a text that begins again where it ends.
func (x *exchange) drip(to *sink, text []byte, at, n int64) error {
	if len(text) == 0 {
		text = components.Filler(1)
	}
	for n > 0 {
		from := at % int64(len(text))
		piece := text[from:min(int64(len(text)), from+n)]
		if _, err := to.Write(piece); err != nil {
			return err
		}
		at, n = at+int64(len(piece)), n-int64(len(piece))
	}
	return to.flush(true)
}

// rest waits until an instant; it is false if the caller went away before, or
// the node ended.
func (x *exchange) rest(until time.Duration) bool {
	var ring <-chan time.Time
	if until != components.Forever {
		if until <= x.Now() {
			return !isClosed(x.gone)
		}
		alarm, stop := x.node.alarm(until)
		defer stop()
		ring = alarm
	}
	select {
	case <-ring:
		return true
	case <-x.gone:
	case <-x.node.ctx.Done():
	}
	return false
}
