package topologies

import (
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

func list(words []string) string { return strings.Join(words, ", ") }

// The defaults of proxying nodes. A zero duration in a file is refused, as it
// would mean both none and at once.
var defaultTrust = []string{"127.0.0.0/8", "::1/128"}

const (
	defaultConnections = 128 // more than a backend has workers and queue by default: it is the backend that sheds
	leastTime          = time.Millisecond
	longestTime        = time.Hour
	maxBytes           = 1 << 40
)

func (r *reader) proxy(n *Node, v strict.Value) {
	n.To = r.upstreams(n, v.Get("to"))
	n.Upstream = r.upstream(v.Get("upstream"))
	n.Cache = cache(v.Get("cache"), n.Kind == CDN)
	n.Compress = codings(v.Get("compress"))
	n.Keys = keys(v.Get("keys"))
	n.Auth = r.auth(n, v.Get("auth"))
	n.Limits = limits(v.Get("limit"), n.Knows())
	n.Plans = plans(v.Get("plans"), n)
	n.LimitFields = limitFields(v.Get("limit-fields"), n)
	n.CORS = cors(v.Get("cors"))
	n.Problems = v.Get("refusals").Word("text", "text", "problem") == "problem"
	n.Forwarded = v.Get("forwarded").Bool(false)
	n.Via = v.Get("via").Word("requests", "requests", "both") == "both"
	n.Pick = choice(v.Get("pick"), policy.DefaultPicker, policy.Pickers)
	n.Subset = subset(v.Get("subset"))
	n.Sticky = sticky(v.Get("sticky"))
	n.Ejection = membership(v, "ejection")
	n.Panic = membership(v, "panic")
	n.SlowStart = slowStart(v, n.Pick)
	n.ZoneAware = zoneAware(v, n)
	n.Health = health(v, n.Kind == LoadBalancer)
	n.Retry = retry(v.Get("retry"), n.Kind == LoadBalancer)
	n.Breaker = breaker(v.Get("breaker"))
	n.Hedge = hedge(v.Get("hedge"))
	n.Concurrency = concurrency(v.Get("concurrency"), n.Knows())
	n.Fallback = fallback(v.Get("fallback"))
	n.Timeout = timeouts(v.Get("timeout"))
	n.Connections, n.Idle = connections(v.Get("connections"))
	n.Callers = callers(v.Get("callers"))
	n.Answers = answers(v.Get("answers"))
	n.Tunnels = tunnels(v.Get("tunnels"))
	n.Trust = trust(v.Get("trust"))
	n.MaxURL = maxURL(v.Get("max-url"), 0)
	n.MaxBody = maxBody(v.Get("max-body"), 0)
	r.routes(n, v.Get("routes"))
	if len(n.To) == 0 && !v.Get("to").Present() {
		r.needsTo(n, v)
	}
}

// needsTo notes a proxy, or a route of it, that leads nowhere.
func (r *reader) needsTo(n *Node, v strict.Value) {
	if len(n.Routes) == 0 {
		v.Get("to").Need("to: the node it hands requests to, or routes")
		return
	}
	for i, item := range v.Get("routes").List("") {
		if i < len(n.Routes) && n.Routes[i].leadsNowhere() {
			item.Get("to").Need("the node it leads to, as " + n.Name + " itself names none")
		}
	}
}

// upstreams reads one name or a list of names.
func (r *reader) upstreams(n *Node, v strict.Value) []string {
	var names []string
	for _, item := range v.OneOrMore("to: api") {
		name := item.Text("")
		if name == "" {
			continue
		}
		if slices.Contains(names, name) {
			item.Wrong(fmt.Sprintf("names %s twice", name), "")
			continue
		}
		names = append(names, name)
		r.links = append(r.links, link{n, name, item})
	}
	if v.IsList() && len(names) == 0 {
		v.Wrong("names no node", "to: api")
	}
	return names
}

// file is a path as seen from the topology's folder.
func (r *reader) file(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.folder, path)
}

func codings(v strict.Value) []string {
	if !v.Present() || v.Off() {
		return nil
	}
	var codings []string
	for _, item := range v.OneOrMore("[zstd, br, gzip]") {
		if c := item.Word("", "br", "gzip", "zstd"); c != "" && !slices.Contains(codings, c) {
			codings = append(codings, c)
		}
	}
	return codings
}

func keys(v strict.Value) map[string]string {
	if !v.Present() || v.Off() {
		return nil
	}
	keys, owner := map[string]string{}, map[string]string{}
	for _, e := range v.Entries("keys: {alice: k-alice-1}") {
		key := e.Value.Text("")
		if !strict.IsLabel(e.Key) {
			e.Value.WrongKey("is no name for a consumer", strict.LabelForm)
		}
		switch {
		case key == "":
		case strings.HasPrefix(key, HashedKey):
			keyDigest(e.Value, key)
		case !visible(key):
			e.Value.Wrong("cannot stand in a header", "visible ASCII characters")
		case owner[key] != "":
			e.Value.Wrong(fmt.Sprintf("is also the key of %s", owner[key]), "a key of its own for each consumer")
		}
		keys[e.Key], owner[key] = key, e.Key
	}
	if v.IsMap() && len(keys) == 0 {
		v.Wrong("names no consumer, so that nobody could pass", "keys: off, or {alice: k-alice-1}")
	}
	return keys
}

// visible tells whether text is made of what a token in a header may hold.
func visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func health(node strict.Value, usual bool) *Health {
	v := node.Get("health")
	if !v.Present() && !usual || v.Off() {
		return nil
	}
	told := policy.Memberships["health"].Params(nil)
	if v.Present() {
		told = membership(node, "health")
	}
	h := &Health{
		Every: told.Duration("every"), Jitter: told.Number("jitter"), Timeout: told.Duration("timeout"),
		Path:      requestPath(v.Get("path"), policy.HealthPath),
		DownAfter: told.Int("down-after"), UpAfter: told.Int("up-after"),
	}
	switch timeout := v.Get("timeout"); {
	case !timeout.Present():
		h.Timeout = min(h.Timeout, h.Every)
	case h.Timeout > h.Every && !v.Get("every").Noted():
		timeout.Wrong("is longer than the pause between checks", "at most "+strict.Duration(h.Every))
	}
	return h
}

func requestPath(v strict.Value, or string) string {
	path := v.Text(or)
	if err := strict.CheckPath(path); err != nil {
		v.Wrong(err.Error(), "such as /healthz")
		return or
	}
	return path
}

func trust(v strict.Value) []string {
	if !v.Present() {
		return slices.Clone(defaultTrust)
	}
	if v.Off() {
		return nil
	}
	var trusted []string
	for _, item := range v.OneOrMore("[127.0.0.0/8]") {
		text := item.Text("")
		if addr, err := netip.ParseAddr(text); err == nil {
			text = netip.PrefixFrom(addr, addr.BitLen()).String()
		}
		if _, err := netip.ParsePrefix(text); err != nil && text != "" {
			item.Wrong(fmt.Sprintf("%q is no range of addresses", text), "such as 127.0.0.0/8")
			continue
		}
		trusted = append(trusted, text)
	}
	return trusted
}

// ours are header fields that nodes need for themselves, and that would break
// a message if a route edited them.
var ours = []string{"Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "Host", "Te", "Trailer", "Trafficlab-Request"}

func headerName(v strict.Value, name string) bool {
	switch {
	case name == "":
		return false
	case strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(token, r) }):
		v.Wrong(fmt.Sprintf("%q is no name of a header field", name), "such as X-Shop")
		return false
	case slices.Contains(ours, http.CanonicalHeaderKey(name)):
		v.Wrong(fmt.Sprintf("%s is not for routes to edit", name), "it belongs to the connection")
		return false
	}
	return true
}

const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
