package topologies

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

func (r *reader) backend(n *Node, v strict.Value) {
	n.Workers = v.Get("workers").Int(4, 1, 10_000)
	n.Queue, n.Order = queue(v.Get("queue"))
	n.Sharing = v.Get("sharing").Bool(false)
	n.DropExpired = v.Get("drop-expired").Bool(false)
	if order := v.Get("queue").Get("order"); n.Sharing && order.Present() {
		order.WrongKey("there is no line where all work is shared", "a bound alone")
	}
	if expired := v.Get("drop-expired"); n.Sharing && n.DropExpired {
		expired.WrongKey("there is no line where all work is shared, all is begun at once", "one of the two")
	}
	n.ServiceTime = ReadDistribution(v.Get("service-time"))
	n.Response = v.Get("response").Size(1<<10, 0, 1<<30)
	n.Errors = v.Get("errors").Share(0, 0, 1)
	n.CacheControl = byPath(v.Get("cache-control"), `{/products/*: "public, max-age=60"}`)
	n.CacheTag = byPath(v.Get("cache-tag"), "{/products/*: products}")
	n.Content = content(v.Get("content"))
	n.Echo = v.Get("echo").Bool(false)
}

// content reads what is answered by path, in full.
func content(v strict.Value) (texts []PathValue) {
	if !v.Present() {
		return nil
	}
	for _, e := range v.Entries(`{/jwks.json: '{"keys": []}'}`) {
		if err := strict.CheckPath(e.Key); err != nil || strings.Contains(e.Key, "*") {
			e.Value.WrongKey(fmt.Sprintf("%q is no path of a request", e.Key), "such as /jwks.json")
		}
		texts = append(texts, PathValue{e.Key, e.Value.Text("")})
	}
	return texts
}

// queue is a bound alone, or with an order.
func queue(v strict.Value) (bound int, order policy.Choice) {
	kind := policy.Working["queue"]
	if !v.IsMap() {
		return int(parameter(v, kind.Parameters[0]).Number), policy.Choice{Name: policy.DefaultLine}
	}
	told := kind.Params(parameters(v, "queue", kind.Parameters))
	return told.Int("bound"), choice(v.Get("order"), policy.DefaultLine, policy.Lines)
}

func (r *reader) external(n *Node, v strict.Value) {
	to := v.Get("to")
	if !to.Need("to: http://127.0.0.1:8080") {
		return
	}
	n.URL = to.Text("")
	u, err := url.Parse(n.URL)
	switch {
	case n.URL == "":
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		to.Wrong(fmt.Sprintf("%q is no address of an HTTP server", n.URL), "http://127.0.0.1:8080")
	case u.Path != "" && u.Path != "/":
		to.Wrong("holds a path", "scheme, address and port alone; paths come from the load")
	case !loopback(u.Hostname()):
		to.Wrong(fmt.Sprintf("%s is not this machine", u.Hostname()), "load is sent to loopback only: 127.0.0.1, ::1 or localhost")
	}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
