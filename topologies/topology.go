// Package topologies says what a system is: which components there are, what
// each is set to do, and who asks whom. It parses and checks; it runs nothing.
package topologies

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"trafficlab/components/policy"
)

// Kind is what a node is for. A kind names a purpose and its defaults; any
// proxying kind may carry any proxying capability.
type Kind string

// The kinds.
const (
	ReverseProxy Kind = "reverse-proxy"
	CDN          Kind = "cdn"
	Gateway      Kind = "gateway"
	LoadBalancer Kind = "load-balancer"
	Backend      Kind = "backend"
	External     Kind = "external"
)

// Proxies tells whether nodes of this kind hand requests on.
func (k Kind) Proxies() bool { return k != Backend && k != External }

// Topology is a checked system: every name resolves, there is no cycle, and
// every node can be reached from Entry.
type Topology struct {
	Name  string
	About string // one line
	Entry string // the node that clients talk to
	Nodes []*Node
}

// Node is one component, or several alike if Replicas is above 1. Fields that
// its kind has no use for are zero; the checker refuses them in files.
type Node struct {
	Name     string
	Kind     Kind
	Replicas int // at least 1
	// Numbered says that the places of this node are called api[0], api[1]…
	// even if there is only one: replicas was given in the file.
	Numbered bool

	// Weights are how much work each replica is meant to take, by those who
	// ask it and whose picker heeds weights: one for each, or one for all.
	// nil: 1.
	Weights []int
	// Zones are where the replicas stand, one for each or one for all, for
	// those who ask them zone-aware. nil: nothing is said.
	Zones []string
	TLS   *TLS // nil: plain HTTP. Externals say it by their URL
	// H2C bounds callers who speak HTTP/2 without TLS, beside those who speak
	// HTTP/1.1 on the same port. nil: no node does.
	H2C *HTTP2

	AccessLog    string // "" for JSON, CombinedLog or "off"
	ServerTiming bool   // answers tell how long they took here, and by what
	Trace        *Trace // nil: contexts pass as they are

	// Proxying kinds.
	To          []string  // upstream nodes; all their replicas form one pool
	Upstream    *Upstream // nil: HTTP/1.1, and nothing but the run's own papers
	Cache       *Cache
	Compress    []string          // content codings offered, the first of those that a caller likes as well: "zstd", "br", "gzip"
	Keys        map[string]string // consumer → API key; nil: no key is asked for
	Auth        *Auth             // nil: nothing but keys
	Limits      []Limit           // nil: none
	Plans       []Plan            // what consumers may take beside
	CORS        *CORS             // nil: nothing is said to other origins
	Problems    bool              // refusals are told as application/problem+json (RFC 9457)
	Forwarded   bool              // requests carry Forwarded (RFC 7239) beside X-Forwarded-For
	Via         bool              // answers carry Via too
	LimitFields []string          // by which callers are told of limits; nil: they are not
	Routes      []Route           // nil: everything goes to To
	MaxURL      int               // bytes of path and query; 0: any
	MaxBody     int64             // bytes of a request's body; 0: any
	Pick        policy.Choice     // of policy.Pickers
	Subset      int               // most places of a pool that each replica asks; 0: all
	Sticky      string            // name of the cookie that keeps clients with a place; "": none
	Ejection    policy.Params     // of policy.Memberships; nil: nobody is ejected
	Panic       policy.Params     // of policy.Memberships; nil: never
	SlowStart   policy.Params     // of policy.Memberships; nil: none
	ZoneAware   policy.Params     // of policy.Memberships; nil: zones do not matter
	Health      *Health
	Retry       Retry
	Breaker     *Breaker
	Hedge       *Hedge
	Fallback    *Fallback
	Concurrency *Concurrency
	Timeout     Timeouts
	Connections int      // most connections to one upstream place
	Idle        *Idle    // of them; nil: all, for the usual time
	Callers     *Callers // nil: the usual bounds
	Answers     *Answers // nil: the usual bounds
	Tunnels     *Tunnels // nil: the usual ones
	Trust       []string // peers (CIDR) whose X-Forwarded-For is believed

	// Backends.
	Workers      int
	Queue        int           // requests that may wait for a worker; one more is shed
	Order        policy.Choice // of policy.Lines: who of the queue is next
	Sharing      bool          // the workers share all work evenly, instead of one request each
	DropExpired  bool          // begin no work whose deadline (grpc-timeout) has passed
	ServiceTime  Distribution
	Response     int64   // bytes of the answer's body
	Errors       float64 // share of requests answered 500
	CacheControl []PathValue
	CacheTag     []PathValue // names to purge answers by
	Content      []PathValue // path → the answer's body, in the place of Response bytes
	Echo         bool        // answers tell their requests: see components' backend

	// External.
	URL string
}

// PathValue is one entry of an ordered map.
type PathValue struct{ Path, Value string }

// Health is an active check of each upstream place.
type Health struct {
	Every     time.Duration
	Jitter    float64 // each check is later by a random part of this share of Every
	Timeout   time.Duration
	Path      string
	DownAfter int // failures in a row
	UpAfter   int // successes in a row
}

// mostProcesses is how many replicas of a node one machine is asked to run.
const mostProcesses = 64

// TooMuchLive says what of the topology only the simulator can play, or is
// empty.
func (t *Topology) TooMuchLive() string {
	for _, n := range t.Nodes {
		switch {
		case n.Name == t.Entry && n.Replicas > 1:
			return "the entry " + n.Name + " is several places, and live clients talk to one"
		case n.Replicas > mostProcesses:
			return fmt.Sprintf("%s has %d replicas, and a machine runs %d at most", n.Name, n.Replicas, mostProcesses)
		}
	}
	return ""
}

// Place is one replica of a node: "lb", or "api[2]" where replicas were given.
type Place string

// Node is the name of the node that the place belongs to.
func (p Place) Node() string {
	name, _, _ := strings.Cut(string(p), "[")
	return name
}

// Replica is the place's index among its node's replicas.
func (p Place) Replica() int {
	_, digits, _ := strings.Cut(string(p), "[")
	i := 0
	for k := 0; k < len(digits) && digits[k] != ']'; k++ {
		i = 10*i + int(digits[k]-'0')
	}
	return i
}

// Places lists the node's replicas.
func (n *Node) Places() []Place {
	if !n.Numbered {
		return []Place{Place(n.Name)}
	}
	places := make([]Place, n.Replicas)
	for i := range places {
		places[i] = Place(fmt.Sprintf("%s[%d]", n.Name, i))
	}
	return places
}

// Node returns the named node, or nil.
func (t *Topology) Node(name string) *Node {
	for _, n := range t.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Places lists every place, in file order.
func (t *Topology) Places() []Place {
	var places []Place
	for _, n := range t.Nodes {
		places = append(places, n.Places()...)
	}
	return places
}

// Pool lists the places of the named nodes, in order: what a picker picks
// from.
func (t *Topology) Pool(nodes []string) []Place {
	var pool []Place
	for _, name := range nodes {
		pool = append(pool, t.Node(name).Places()...)
	}
	return pool
}

// pools are the nodes that each picker of n picks from together.
func (n *Node) pools() (pools [][]string) {
	if len(n.To) > 0 {
		pools = append(pools, n.To)
	}
	for _, r := range n.Routes {
		if len(r.To) > 0 {
			pools = append(pools, r.To)
		}
		for _, share := range r.Split {
			pools = append(pools, []string{share.Node})
		}
	}
	return pools
}

// Behind lists every node that requests may come to from n on, in file order.
func (t *Topology) Behind(n *Node) []*Node {
	found := map[string]bool{}
	var walk func(n *Node)
	walk = func(n *Node) {
		for _, name := range n.Upstreams() {
			if !found[name] {
				found[name] = true
				walk(t.Node(name))
			}
		}
	}
	walk(n)
	return slices.DeleteFunc(slices.Clone(t.Nodes), func(n *Node) bool { return !found[n.Name] })
}

// Upstreams lists every node that n may ask, without repetition.
func (n *Node) Upstreams() []string {
	var names []string
	seen := map[string]bool{}
	add := func(list []string) {
		for _, name := range list {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	add(n.To)
	if n.Auth != nil && n.Auth.Tokens != nil && n.Auth.Tokens.Set != nil {
		add([]string{n.Auth.Tokens.Set.From})
	}
	for _, r := range n.Routes {
		add(r.To)
		for _, share := range r.Split {
			add([]string{share.Node})
		}
	}
	return names
}
