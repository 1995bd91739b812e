package components

import (
	"cmp"
	"strings"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// backend does the work that everything else is about: a number of workers, a
// bounded line before them, and a time of service.
type backend struct {
	node    *topologies.Node
	answers *answers
	work    uint64 // what times of service are drawn from
	mu      lock
	exposed bool // to weather
	station policy.Station[Signal]
	sharing *policy.Sharing[*visit] // in the station's place; nil: one worker for each request at work

	weather  scenarios.Forecast
	failures uint64   // what failures are drawn from
	_        [32]byte // to whole cache lines, of which most visits look at the first two
}

// answers is what a node has to say, by path, as Cache-Tag and then
// Cache-Control differ. Its replicas share it.
type answers struct {
	pathTable[*pathTable[Response]]
	only *Response // to every path; nil: there are several
}

func newBackend(seed uint64, node *topologies.Node, weather scenarios.Forecast, says *answers) *backend {
	b := &backend{
		node:    node,
		weather: weather,
		exposed: len(weather) > 0,
		answers: says,
		station: *policy.NewStation[Signal](node.Workers, node.Queue),
		// By node, not by place: which replica serves a request does not
		// change the work that it is.
		work:     scenarios.Mix(seed, scenarios.Hash("work of "+node.Name)),
		failures: scenarios.Mix(seed, scenarios.Hash("failures of "+node.Name)),
	}
	if kind, known := policy.Lines[node.Order.Name]; known {
		b.station.Order(kind.Rule(kind.Params(node.Order.Params)))
	}
	if node.Sharing {
		b.sharing = policy.NewSharing[*visit](node.Workers, node.Queue)
	}
	return b
}

func newAnswers(node *topologies.Node) *answers {
	a := new(answers)
	plain := Response{
		Status: 200,
		Header: Header{{"Content-Type", "application/json"}},
		Body:   Body{Size: node.Response},
	}
	for _, rule := range node.CacheTag {
		a.add(rule.Path, controlled(withField(plain, "Cache-Tag", rule.Value), node.CacheControl))
	}
	a.add("*", controlled(plain, node.CacheControl))
	for _, text := range node.Content {
		said := plain
		said.Body = Body{Size: int64(len(text.Value)), Bytes: []byte(text.Value)}
		if !strings.HasPrefix(text.Value, "{") && !strings.HasPrefix(text.Value, "[") {
			said.Header = Header{{"Content-Type", "text/plain; charset=utf-8"}}
		}
		*a.add(text.Path, nil) = controlled(said, node.CacheControl)
	}
	if len(a.values) == 1 && len(a.values[0].values) == 1 {
		a.only = a.to("")
	}
	return a
}

// to is the answer to a request for a path. It is not to be written to.
func (a *answers) to(path string) *Response {
	if a.only != nil {
		return a.only
	}
	return (*a.find(path)).find(path)
}

// controlled is the answer by path, with its Cache-Control.
func controlled(r Response, rules []topologies.PathValue) *pathTable[Response] {
	var t pathTable[Response]
	for _, rule := range rules {
		t.add(rule.Path, withField(r, "Cache-Control", rule.Value))
	}
	t.add("*", r)
	return &t
}

func (*backend) start(Exchange) {}
func (*backend) greet(*visit)   {}

func (*backend) use(*measure.NodeUse) {}

func (b *backend) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.station.Waiting()
}

// step goes on with a visit: into the line or to a worker, and from there to
// the answer.
func (b *backend) step(v *visit, woken int) (p Pause, over bool) {
	switch v.stage {
	case arriving:
		v.deadline = b.deadline(v)
		if b.sharing != nil {
			return b.join(v)
		}
		return b.enter(v)
	case inLine:
		if woken != 0 && b.leave(v.turn) {
			if woken < 0 {
				v.reply(waitedTooLong)
			}
			return Pause{}, true
		}
		v.x.Recycle(v.turn)
		return b.begin(v)
	case sharing:
		if p, over = b.share(v); !over {
			return p, false
		}
		return b.reply(v)
	case passing:
		return Pause{}, true
	}
	b.finish(v.x.Now())
	return b.reply(v)
}

// enter finds the visit a worker, or a place in the line.
func (b *backend) enter(v *visit) (p Pause, over bool) {
	b.mu.Lock()
	if b.station.Begin() {
		b.mu.Unlock()
		return b.begin(v)
	}
	v.turn = v.x.NewSignal()
	until, joined := b.station.Join(v.x.Now(), v.turn)
	b.mu.Unlock()
	if !joined {
		v.x.Recycle(v.turn)
		v.reply(queueFull)
		return Pause{}, true
	}
	return v.pause(inLine, until, v.turn, v.x.Canceled())
}

// deadline is when nobody waits for the answer any more, if that matters here.
func (b *backend) deadline(v *visit) time.Duration {
	if !b.node.DropExpired {
		return Forever
	}
	return deadline(v.req.Header, v.x.Now())
}

// leave gives up the place in the line. It is false if the visit has been
// given a worker meanwhile.
func (b *backend) leave(turn Signal) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.station.Leave(turn)
}

// begin lets a worker begin, unless it is too late. Once begun, work is done to
// its end, whoever may still want it.
func (b *backend) begin(v *visit) (p Pause, over bool) {
	now := v.x.Now()
	if now >= v.deadline {
		b.finish(now)
		v.reply(tooLate)
		return Pause{}, true
	}
	v.work = b.serviceTime(v)
	return v.pause(atWork, now+v.work)
}

func (b *backend) finish(now time.Duration) {
	b.mu.Lock()
	next, ok := b.station.Finish(now)
	b.mu.Unlock()
	if ok {
		next.Fire()
	}
}

// reply answers when the work is done, which is counted whoever still wants it.
func (b *backend) reply(v *visit) (p Pause, over bool) {
	v.at.counters.work(v.work, v.gone())
	switch {
	case b.node.Errors > 0 && draw(b.failures, v) < b.node.Errors:
		v.reply(brokenInside)
	case b.exposed && v.ill != nil && v.ill.answer != scenarios.Answer{}:
		v.reply(ailingAnswer(*b.answers.to(v.req.Path), &v.ill.answer))
		return v.linger()
	case b.node.Echo:
		v.reply(echo(v.req, *b.answers.to(v.req.Path)))
	default:
		v.reply(*b.answers.to(v.req.Path))
	}
	return Pause{}, true
}

// echoField says in answers what was asked for: GET /a?b.
const echoField = "Echo"

// echo makes an answer tell its request, so that one that is lost, cut short or
// somebody else's is found out at the other end: in a field of the header, and
// by its body, which is the request's, or if that has none the same words again
// and again, as many bytes as the answer would have had.
func echo(req *Request, r Response) Response {
	words := req.Method + " " + req.Path
	if req.Query != "" {
		words += "?" + req.Query
	}
	r = withField(r, echoField, words)
	if req.Size != 0 {
		r.Header = r.Header.Set("Content-Type", cmp.Or(req.Header.Get("Content-Type"), "application/octet-stream"))
		r.Body = Body{Size: max(req.Size, 0), Echo: true}
		return r
	}
	r.Header = r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	whole := strings.Repeat(words+"\n", int(r.Body.Size)/len(words)+1)
	r.Body.Bytes = []byte(whole[:r.Body.Size])
	return r
}

// serviceTime is the request's own work, made longer by the weather as it is
// when the work begins.
func (b *backend) serviceTime(v *visit) time.Duration {
	own := b.node.ServiceTime.Quantile(draw(b.work, v))
	if !b.exposed {
		return own
	}
	factor, added := b.weather.At(v.x.Now()).Slow, time.Duration(0)
	if v.ill != nil {
		factor, added = factor*v.ill.factor, v.ill.added
	}
	return time.Duration(float64(own)*factor) + added
}

// draw is a number between 0 and 1 that belongs to the attempt.
func draw(seed uint64, v *visit) float64 {
	return scenarios.Unit(scenarios.Mix(scenarios.Mix(seed, v.req.Number), v.req.Attempt))
}
