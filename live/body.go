package live

import (
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"trafficlab/components"
	"trafficlab/live/http1"
)

// keptBody is how much of a request's body is kept for another attempt.
const keptBody = 64 << 10

var (
	errBodySpent   = errors.New("the body has been sent and was too long to be kept")
	errBodyTooLong = errors.New("the body is longer than it may be")
)

// requestBody is the body of an exchange's request. It is read only as
// attempts send it: an attempt that found no connection leaves it whole. What
// has been read is kept, up to keptBody, so that another attempt can send it
// again; one that comes later than that fails.
type requestBody struct {
	size int64 // -1: not known
	from incoming

	begun   atomic.Bool // some has been asked for
	tooLong atomic.Bool // to be kept: lost, for those who do not hold mu
	broke   atomic.Bool // it has not come whole

	mu   sync.Mutex
	kept []byte
	lost bool  // more has passed than is kept
	end  error // of from; nil before
}

func newRequestBody(from incoming, size int64) *requestBody {
	if size == 0 {
		return nil
	}
	return &requestBody{size: size, from: from}
}

// rewritten is a body in the place of one that has been read. It is kept
// however long it is; behind it stands what stood behind the other.
func rewritten(text []byte, from incoming) *requestBody {
	b := &requestBody{size: int64(len(text)), from: from, kept: text, end: io.EOF}
	b.begun.Store(true)
	return b
}

// unread tells whether nobody has asked for any of it.
func (b *requestBody) unread() bool { return !b.begun.Load() }

// reader reads the body for an attempt that begins now, by the node's clock.
func (b *requestBody) reader(most int64, at *Node) *bodyReader {
	r := &bodyReader{body: b, most: int(most), node: at, progress: new(progress)}
	r.since.Store(int64(at.now()))
	return r
}

// progress is how the body of an attempt fares, for all readings of it.
type progress struct {
	over  atomic.Bool  // it would have been more than it may be
	since atomic.Int64 // of the run, when the latest piece came, or awaited
}

// awaited stands for a piece that the caller is to send.
const awaited = math.MinInt64

// bodyReader is one attempt's reading of a body.
type bodyReader struct {
	*progress
	body *requestBody
	node *Node // whose clock tells the time
	at   int
	lead bool // it alone reads on, past what is kept
	most int  // bytes that it may read; 0: all
}

func (r *bodyReader) Read(p []byte) (int, error) {
	r.since.Store(awaited)
	n, err := r.read(p)
	r.since.Store(int64(r.node.now()))
	if r.most > 0 && r.at > r.most {
		r.over.Store(true)
		return 0, errBodyTooLong
	}
	return n, err
}

func (r *bodyReader) read(p []byte) (int, error) {
	b := r.body
	b.begun.Store(true)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.at < len(b.kept) && !r.lead {
		n := copy(p, b.kept[r.at:])
		r.at += n
		return n, nil
	}
	switch {
	case b.lost && !r.lead:
		return 0, errBodySpent
	case b.end != nil:
		return 0, b.end
	}
	n, err := b.from.Read(p)
	b.keep(p[:n])
	r.lead = b.lost
	r.at += n
	b.end = err
	b.broke.Store(err != nil && err != io.EOF)
	return n, err
}

func (b *requestBody) keep(p []byte) {
	if b.lost = b.lost || len(b.kept)+len(p) > keptBody; b.lost {
		b.tooLong.Store(true)
		b.kept = nil
		return
	}
	b.kept = append(b.kept, p...)
}

// Ready tells whether some of it can be read at once.
func (r *bodyReader) Ready() bool { return r.body.begun.Load() || r.body.from.Ready() }

// Rewind is the body read from its beginning, if that is kept. What r still
// reads is kept for it, too.
func (r *bodyReader) Rewind() (http1.Source, bool) {
	if r.body.tooLong.Load() || r.body.broke.Load() {
		return nil, false
	}
	return &bodyReader{progress: r.progress, body: r.body, node: r.node, most: r.most}, true
}

// Trailer is the fields behind the body, once it has ended.
func (r *bodyReader) Trailer() components.Header { return r.body.from.Trailer() }
