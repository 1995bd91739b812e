package sim

import (
	"errors"
	"math"
	"strings"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// host is the name that clients ask for.
const host = "trafficlab.test"

// clients is everybody who sends requests, and what befell these.
type clients struct {
	pools     []*pool               // to the places of the entry, which take turns
	cohorts   []*cohort             // by kind of request; nil: they use pools
	toll      toll                  // of sending
	samples   ring[measure.Sample]  // from the first that was not handed over
	waiting   ring[*call]           // by sample; nil once it has its outcome
	tell      func(*measure.Sample) // is handed the samples
	told      int                   // samples handed over
	batch     []measure.Sample      // of them, to be ordered first
	asked     int                   // requests after the warm-up that waited for another, and have their outcome
	open      int
	oldest    int                   // the first sample that waits
	watching  bool                  // an event is on its way for the oldest's patience
	headers   [][]components.Header // by kind of request and client
	loops     []loop                // of clients who wait for outcomes
	idleLoops []int                 // places of those that are over
	looped    bool                  // there are or were some
	timings   *components.Timings   // nil: nobody tells

	seen    *components.Field // where the last header lies that was read
	seenLen int
	word    string // what it says of a cache
}

// openClients prepares for arrivals.
func (w *world) openClients() error {
	v := &w.c.Variant
	if v.Timeout <= 0 {
		return errors.New("the clients have no timeout: a run might never end")
	}
	w.clients = clients{
		toll: w.toll(w.costs.Client, w.costs.Work.Client),
		tell: func(*measure.Sample) {}, timings: components.NewTimings(v.Topology),
	}
	w.clients.pools = w.doors(scenarios.Habits{})
	w.openCohorts()
	return nil
}

// doorOf is the place of the entry, of so many, that a request goes to: in
// turns. The clients of closed streams and sessions, whom the upper half of
// their numbers tells apart, begin with different ones.
func doorOf(number uint64, doors int) int {
	return int((number>>32 + number&math.MaxUint32) % uint64(doors))
}

// arrive lets a client send its request. Which of loops it is says who goes on
// after the outcome.
func (w *world) arrive(a *scenarios.Arrival, loop int) {
	k := &w.clients
	pools := k.pools
	if a.Habits != nil {
		pools = k.cohorts[a.Kind].pools(w, a.Who)
	}
	c := w.newCall(pools[doorOf(a.Number, len(pools))])
	c.owner, c.loop = uint32(k.told+k.samples.len), int32(loop)
	k.write(&c.request, a)
	k.samples.push(measure.Sample{Number: a.Number, At: a.At, Class: a.Class})
	k.waiting.push(c)
	k.open++
	if w.tracer != nil {
		w.tracer.open(a)
	}
	w.watch()
	switch wait := w.machine.wait(a.At, k.toll.work); {
	case wait == 0 && k.toll.constant == 0:
		c.begin()
	case w.uneven:
		c.ticks++
		w.clock.at(a.At+wait+k.toll.constant, sent, int(c.slot))
	default:
		c.ticks++
		w.clock.after(k.toll.line, sent, int(c.slot))
	}
}

// depart lets a request out of the client.
func (c *call) depart() {
	if c.ticked() {
		c.begin()
	}
}

// write writes the head of an arrival.
func (k *clients) write(r *components.Request, a *scenarios.Arrival) {
	header, path, query := k.header(a), a.Path, ""
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i+1:]
	}
	*r = components.Request{
		Number: a.Number, Method: a.Method, Host: host,
		Path: path, Query: query, Header: header, Size: a.Body, Lasting: true,
	}
}

// header is made once for all requests of a kind and a client.
func (k *clients) header(a *scenarios.Arrival) components.Header {
	if a.Kind < len(k.headers) && a.Who < len(k.headers[a.Kind]) {
		if h := k.headers[a.Kind][a.Who]; h != nil {
			return h
		}
	}
	return k.newHeader(a)
}

func (k *clients) newHeader(a *scenarios.Arrival) components.Header {
	for len(k.headers) <= a.Kind {
		k.headers = append(k.headers, nil)
	}
	made := k.headers[a.Kind]
	if a.Who >= len(made) {
		made = append(made, make([]components.Header, a.Who+1-len(made))...)
		k.headers[a.Kind] = made
	}
	h := make(components.Header, 0, len(a.Header)+1)
	for _, f := range a.Header {
		h = append(h, components.Field{Name: f.Name, Value: f.Value})
	}
	made[a.Who] = append(h, components.Field{Name: "X-Forwarded-For", Value: a.Client.String()})
	return made[a.Who]
}

// wordOf is what a cache says in a header. Answers mostly have one of a few,
// which places never write to: the last is remembered by where it lies.
func (k *clients) wordOf(h components.Header) string {
	if len(h) == 0 {
		return ""
	}
	if &h[0] != k.seen || len(h) != k.seenLen {
		k.seen, k.seenLen, k.word = &h[0], len(h), h.Get("X-Cache")
	}
	return k.word
}

// outcome notes how a request ended.
func (w *world) outcome(c *call) {
	k := &w.clients
	i := int(c.owner - uint32(k.told))
	s := k.samples.at(i)
	s.Latency = w.clock.now - s.At
	if c.reason == policy.OK && c.cut {
		c.reason = policy.Reset
	}
	s.Reason = c.reason
	if c.reason == policy.OK {
		s.Status = int(c.status)
		s.Reason = components.ReasonOf(s.Status, c.header)
		if s.Reason == policy.OK && c.body.Bytes != nil && components.IsCorrupt(c.request.Method, components.Response{Status: s.Status, Header: c.header, Body: c.body}) {
			s.Reason = policy.Corrupt
		}
		s.Bytes = c.body.Size
		s.Cache = k.wordOf(c.header)
	}
	if k.timings != nil {
		answered := c.reason == policy.OK
		s.Spans = k.timings.Spans(c.header.Values("Server-Timing"), answered, s.Late, s.Latency)
	}
	if w.traced(c.request.Number) {
		w.noteEnd(c, s.Latency)
	}
	*k.waiting.at(i) = nil
	k.open--
	if k.looped && c.loop != nobody {
		if _, waited := scenarios.ClientOf(c.request.Number); waited && s.At >= w.c.Variant.Warmup {
			k.asked++
		}
		w.think(int(c.loop))
	}
	k.advance(w.clock.now)
	c.release(!c.cut)
	c.done()
}

// handful is how many samples are handed over at once, at least.
const handful = 1 << 8

// advance finds the first sample that waits, and hands over those before it
// when they are a handful.
func (k *clients) advance(now time.Duration) {
	for k.oldest < k.waiting.len && *k.waiting.at(k.oldest) == nil {
		k.oldest++
	}
	if k.oldest < handful {
		return
	}
	if k.oldest < k.samples.len {
		now = k.samples.at(k.oldest).At
	}
	k.handOver(now)
}

// handOver tells of the samples that have their outcome and began before an
// instant. Those of clients who wait may have come out of order within one, so
// that it has to be over.
func (k *clients) handOver(before time.Duration) {
	n := 0
	for n < k.oldest && k.samples.at(n).At < before {
		n++
	}
	if k.looped {
		k.order(n)
	}
	for range n {
		k.tell(k.samples.at(0))
		k.samples.drop()
		k.waiting.drop()
	}
	k.told += n
	k.oldest -= n
}

// order sorts the first n samples.
func (k *clients) order(n int) {
	k.batch = k.batch[:0]
	for i := range n {
		k.batch = append(k.batch, *k.samples.at(i))
	}
	measure.Order(k.batch)
	for i := range n {
		*k.samples.at(i) = k.batch[i]
	}
}

// watch sees to it that the patience of the oldest who waits is looked at in
// time. All clients are equally patient, so that one event is enough.
func (w *world) watch() {
	k := &w.clients
	if !k.watching && k.oldest < k.samples.len {
		k.watching = true
		w.clock.at(k.samples.at(k.oldest).At+w.patience(), expired, 0)
	}
}

// expire gives up the requests whose clients have waited long enough.
func (w *world) expire() {
	k := &w.clients
	k.watching = false
	for k.oldest < k.samples.len && k.samples.at(k.oldest).At+w.patience() <= w.clock.now {
		c := *k.waiting.at(k.oldest)
		c.Cancel()
		c.reason = policy.Timeout
		w.outcome(c)
	}
	w.watch()
}

func (w *world) patience() time.Duration { return w.c.Variant.Timeout }
