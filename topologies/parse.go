package topologies

import (
	"path/filepath"
	"regexp"
	"slices"

	"trafficlab/topologies/strict"
)

// Parse reads and checks a topology. file stands in front of its mistakes, and
// paths in it are relative to its folder. The error is strict.Problems: every
// mistake at once.
func Parse(file string, data []byte) (*Topology, error) {
	log := &strict.Log{}
	doc := strict.Parse(file, data, log)
	if doc == nil {
		return nil, log.Err()
	}
	t := Read(file, doc)
	if err := log.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

// Read reads and checks a topology from a document, whose log takes the
// mistakes. The result is sound if there are none.
func Read(file string, doc *strict.Document) *Topology {
	r := reader{t: &Topology{}, folder: filepath.Dir(file), places: map[string]strict.Value{}}
	r.topology(doc.Root())
	r.graph(doc.Root())
	return r.t
}

// reader carries what the parts of a file need to know of each other.
type reader struct {
	t      *Topology
	folder string
	places map[string]strict.Value // node name → where it stands
	links  []link
}

// link is a mention of one node by another.
type link struct {
	from  *Node
	to    string
	value strict.Value
}

var nodeName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func (r *reader) topology(v strict.Value) {
	if !v.Fields("name", "about", "entry", "nodes") {
		return
	}
	name, about, entry, nodes := v.Get("name"), v.Get("about"), v.Get("entry"), v.Get("nodes")
	if name.Need("name: my-topology") {
		r.t.Name = name.Name("")
	}
	r.t.About = about.Text("")
	if entry.Need("entry: the node that clients talk to") {
		r.t.Entry = entry.Text("")
	}
	if !nodes.Need("nodes: {api: {kind: backend}}") {
		return
	}
	entries := nodes.Entries("nodes: {api: {kind: backend}}")
	if len(entries) == 0 && nodes.IsMap() {
		nodes.Wrong("holds no node", "api: {kind: backend}")
	}
	if len(entries) > maxNodes {
		nodes.Wrong("holds too many nodes", "at most 64")
		return
	}
	for _, e := range entries {
		if !nodeName.MatchString(e.Key) {
			e.Value.WrongKey("is no name for a node", "lower-case letters, digits and hyphens, at most 32, a letter first")
		}
		r.places[e.Key] = e.Value
		r.t.Nodes = append(r.t.Nodes, r.node(e.Key, e.Value))
	}
}

// The bounds of a topology.
const (
	maxNodes    = 64
	maxReplicas = 10_000
)

// fields of nodes, by who takes them.
var (
	everyField   = []string{"kind", "replicas", "weights", "zones", "tls"}
	proxyField   = []string{"to", "upstream", "cache", "compress", "keys", "auth", "limit", "plans", "limit-fields", "cors", "refusals", "forwarded", "via", "max-url", "max-body", "routes", "pick", "subset", "sticky", "ejection", "panic", "slow-start", "zone-aware", "health", "retry", "breaker", "hedge", "concurrency", "fallback", "timeout", "connections", "callers", "answers", "tunnels", "trust"}
	backendField = []string{"workers", "queue", "sharing", "drop-expired", "service-time", "response", "errors", "cache-control", "cache-tag", "content", "echo"}
)

var kinds = []string{string(ReverseProxy), string(CDN), string(Gateway), string(LoadBalancer), string(Backend), string(External)}

func (r *reader) node(name string, v strict.Value) *Node {
	n := &Node{Name: name, Replicas: 1}
	if !v.Fields(slices.Concat(everyField, watchFields, proxyField, backendField)...) {
		return n
	}
	if v.Get("kind").Need("one of " + list(kinds)) {
		n.Kind = Kind(v.Get("kind").Word("", kinds...))
	}
	if kind := v.Get("kind"); n.Kind == "" && kind.IsText() { // go on as what is probably meant
		n.Kind = Kind(strict.Closest(kind.Text("-"), kinds))
	}
	if replicas := v.Get("replicas"); replicas.Present() {
		n.Replicas, n.Numbered = replicas.Int(1, 1, maxReplicas), true
	}
	n.Weights = weights(v.Get("weights"), n.Replicas)
	n.Zones = zones(v.Get("zones"), n.Replicas)
	if n.Kind != External {
		watch(n, v)
		n.TLS = r.tls(v.Get("tls"))
	}
	switch {
	case n.Kind == "": // said already
	case n.Kind == Backend:
		refuse(v, proxyField, "a backend hands nothing on: reverse-proxy, cdn, gateway and load-balancer take it")
		r.backend(n, v)
	case n.Kind == External:
		refuse(v, slices.DeleteFunc(slices.Concat(watchFields, proxyField, backendField, []string{"replicas", "tls"}), isTo),
			"an external takes only to, where it listens")
		r.external(n, v)
	default:
		refuse(v, backendField, "only a backend takes it")
		r.proxy(n, v)
	}
	return n
}

func isTo(field string) bool { return field == "to" }

// refuse notes fields that the node's kind has no use for.
func refuse(v strict.Value, fields []string, right string) {
	for _, field := range fields {
		if f := v.Get(field); f.Present() {
			f.WrongKey("not for a node of this kind", right)
		}
	}
}
