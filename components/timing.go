package components

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// Account is what became of a request that a component has done with: what
// metrics, logs and traces tell of it. It holds no header, query or body, and
// so no credential.
type Account struct {
	Route    string // as in usage; empty: none was found, or this is a backend
	Consumer string // empty: nobody known
	Cache    string // decision word; empty: of no cache
	Reason   policy.Reason
	Refused  string // the bound that it was beyond; empty: none
	Status   int    // 0: the caller went away unanswered
	Began    time.Duration
	Ended    time.Duration
	Tries    []Try // at upstreams, in order
}

// Try is an attempt at an upstream.
type Try struct {
	To     topologies.Place
	Began  time.Duration
	Ended  time.Duration
	Reason policy.Reason
	Status int // 0: no answer
}

// Upstream is the place that was tried last, or empty.
func (a *Account) Upstream() topologies.Place {
	if len(a.Tries) == 0 {
		return ""
	}
	return a.Tries[len(a.Tries)-1].To
}

// Watch has tell called at the end of every request but health checks and
// probes, with the exchange. The account is good until tell returns. Watch is
// not to be called once requests come.
func (c *Component) Watch(tell func(Exchange, *Account)) { c.tell, c.timed = tell, true }

// timing is how a visit spends its time.
type timing struct {
	spent   [sharing + 1]time.Duration // by what it waited for
	paused  time.Duration
	account Account
}

// time begins what is to be known of how long a visit takes: for who asks how
// busy the place is, and its account, in the storage of an earlier one's.
func (c *Component) time(v *visit) {
	v.began = v.x.Now()
	if c.gauge != nil && !v.check {
		if v.probe = v.req.Method == "GET" && v.req.Path == ProbePath; !v.probe {
			c.gauge.begin(v)
		}
	}
	if c.tell == nil && !c.node.ServerTiming || v.check || v.probe {
		v.timing = nil
		return
	}
	if v.timing == nil {
		v.timing = new(timing)
	}
	*v.timing = timing{account: Account{Began: v.began, Tries: v.timing.account.Tries[:0]}}
}

// resume ends a pause at a stage.
func (t *timing) resume(at stage, now time.Duration) { t.spent[at] += now - t.paused }

// close is the account of a visit that is over.
func (t *timing) close(v *visit) *Account {
	a := &t.account
	a.Consumer, a.Reason, a.Status, a.Ended = v.consumer, v.reason, v.status, v.x.Now()
	if v.route != nil {
		a.Route = v.route.label
	}
	a.Refused = v.bound.String()
	if v.word != noWord {
		a.Cache = v.word.String()
	}
	return a
}

// note begins the account of an attempt.
func (a *attempt) note(v *visit) {
	tries := &v.timing.account.Tries
	a.timing, a.number = v.timing, int32(len(*tries))
	*tries = append(*tries, Try{To: a.pool.places[a.i], Began: a.started})
}

// noteEnd ends it.
func (a *attempt) noteEnd(now time.Duration, reason policy.Reason) {
	t := &a.timing.account.Tries[a.number]
	t.Ended, t.Reason, t.Status = now, reason, a.status
}

// serverTiming is the field by which each hop tells how it spent its time.
const serverTiming = "Server-Timing"

// timed is an answer's header with what the time went by, if the node is to
// tell: after what those before it said, in storage of its own.
//
// Source: Server Timing, W3C working draft. Times are up to the head of the
// answer, in milliseconds.
func (v *visit) timed(h Header) Header {
	if !v.at.node.ServerTiming {
		return h
	}
	return append(slices.Clip(h), Field{serverTiming, v.timing.text(v, h.Has(serverTiming))})
}

// What a node tells of its time: the end of a metric's name.
const (
	toldDelay     = "delay"     // by a fault
	toldLimit     = "limit"     // held back, or asking for a count
	toldCollapsed = "collapsed" // waiting for another's fetch
	toldQueue     = "queue"     // before a gate, or for a worker
	toldService   = "service"
	toldRest      = "rest"     // between tries
	toldRetries   = "retries"  // tries before the one that counts
	toldUpstream  = "upstream" // the one that counts
	toldFailed    = "failed"   // likewise, if it failed and has no account of its own
	toldTotal     = "total"
)

// text is what the node tells. inner says that the upstream has told before.
func (t *timing) text(v *visit, inner bool) string {
	var room [320]byte
	s := stopwatch{room[:0], v.at.node.Name}
	now := v.x.Now()
	s.any(toldDelay, t.spent[delayed])
	if v.at.node.Kind.Proxies() {
		t.ofProxy(&s, v, inner)
	} else {
		s.add(toldQueue, t.spent[inLine], "")
		s.add(toldService, t.spent[atWork]+t.spent[sharing], string(v.at.place))
	}
	s.add(toldTotal, now-t.account.Began, "")
	return string(s.text)
}

// ofProxy tells what a proxy waited for, as far as it may have. The time of
// retries is what it waited for upstreams before the attempt that counts.
func (t *timing) ofProxy(s *stopwatch, v *visit, inner bool) {
	s.any(toldLimit, t.spent[counting]+t.spent[held])
	s.any(toldCollapsed, t.spent[following])
	if v.at.node.Concurrency != nil {
		s.add(toldQueue, t.spent[atGate], "")
	}
	tries := t.account.Tries
	if len(tries) == 0 {
		return
	}
	last := &tries[len(tries)-1]
	if v.attempt.timing != nil {
		last = &tries[v.attempt.number]
	}
	end, reason, word := v.x.Now(), v.attempt.reason, toldUpstream
	if last.Ended > 0 {
		end, reason = last.Ended, last.Reason
	}
	if reason.Fault() && !inner {
		word = toldFailed
	}
	s.any(toldRest, t.spent[resting])
	if len(tries) > 1 {
		waited := t.spent[asking] + t.spent[alone] + t.spent[racing]
		s.add(toldRetries, max(0, waited-(end-last.Began)), strconv.Itoa(len(tries)-1))
	}
	s.add(word, end-last.Began, string(last.To))
}

// stopwatch writes the metrics of a node.
type stopwatch struct {
	text []byte
	node string
}

// any is add for what took any time.
func (s *stopwatch) any(what string, took time.Duration) {
	if took > 0 {
		s.add(what, took, "")
	}
}

// add writes "lb-upstream;dur=12.5;desc=\"api[1]\"". A node's name is a token,
// a place's is not.
func (s *stopwatch) add(what string, took time.Duration, about string) {
	if len(s.text) > 0 {
		s.text = append(s.text, ", "...)
	}
	s.text = append(s.text, s.node...)
	s.text = append(s.text, '-')
	s.text = append(s.text, what...)
	s.text = append(s.text, ";dur="...)
	s.text = appendMillis(s.text, took)
	if about != "" {
		s.text = append(s.text, `;desc="`...)
		s.text = append(s.text, about...)
		s.text = append(s.text, '"')
	}
}

// appendMillis writes a time in milliseconds, to the microsecond below and
// without noughts at the end.
func appendMillis(text []byte, d time.Duration) []byte {
	micros := int64(d / time.Microsecond)
	text = strconv.AppendInt(text, micros/1000, 10)
	if micros %= 1000; micros == 0 {
		return text
	}
	text = append(text, '.', byte('0'+micros/100), byte('0'+micros/10%10), byte('0'+micros%10))
	return bytes.TrimRight(text, "0")
}
