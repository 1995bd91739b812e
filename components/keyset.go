package components

import (
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// keyRounds has the key set fetched when the node starts, and again and again
// until it ends.
type keyRounds struct {
	proxy *proxy
	x     Exchange
	on    [1]Event
}

func (p *proxy) startKeys(x Exchange) {
	if p.issuers != nil {
		x.Background(func(x Exchange) Steps { return &keyRounds{proxy: p, x: x} })
	}
}

// Step implements Steps.
func (r *keyRounds) Step(woken int) (p Pause, over bool) {
	if r.on[0] != nil && woken == 0 { // the node ends
		return Pause{}, true
	}
	t := r.proxy.auth.tokens
	t.mu.Lock()
	begun := t.pending == nil
	if begun {
		t.begin(r.x, r.x.Now())
	}
	t.mu.Unlock()
	if begun {
		r.proxy.fetchKeys(r.x)
	}
	r.on[0] = r.x.Canceled()
	return Pause{r.x.Now() + t.told.Set.Every, r.on[:]}, false
}

// keyFetch fetches the key set once.
type keyFetch struct {
	proxy *proxy
	x     Exchange
	on    [2]Event
	call  Call // under way; nil: not begun
}

func (p *proxy) fetchKeys(x Exchange) {
	x.Background(func(x Exchange) Steps { return &keyFetch{proxy: p, x: x} })
}

// Step implements Steps.
func (f *keyFetch) Step(woken int) (p Pause, over bool) {
	if f.call == nil {
		return f.ask(), false
	}
	f.proxy.auth.tokens.end(f.heard(woken))
	return Pause{}, true
}

// ask asks the node that gives the set, its places in turn.
func (f *keyFetch) ask() Pause {
	p := f.proxy
	set := p.auth.tokens.told.Set
	_, turn := p.auth.tokens.set()
	number := scenarios.Mix(scenarios.Mix(p.seed, scenarios.Hash("key sets")), uint64(turn)) | checkBit
	h := f.x.Hop()
	*h = Hop{
		To: p.issuers[turn%len(p.issuers)],
		Request: Request{Number: number, Method: "GET", Host: set.From, Path: set.Path,
			Header: Header{{"Accept", "application/jwk-set+json, application/json"}}},
		Connect: setPatience,
	}
	f.call = f.x.Start(h)
	f.on = [2]Event{f.call, f.x.Canceled()}
	return Pause{f.x.Now() + setPatience, f.on[:]}
}

// heard is the set that the answer holds, or nil.
func (f *keyFetch) heard(woken int) (keys []topologies.PublicKey) {
	defer f.call.Cancel()
	if woken != 0 {
		return nil
	}
	head, reason := f.call.Head()
	if reason != policy.OK || head.Status != 200 {
		return nil
	}
	f.x.Forward(f.call, head.Response(), longestSet, func(b Body) {
		if set, err := topologies.ReadKeySet(b.Bytes); err == nil {
			keys = set
		}
	})
	return keys
}
