package topologies

import (
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"trafficlab/topologies/strict"
)

var defaultService = Distribution{Law: "constant", Mean: time.Millisecond}

func (r *reader) backend(n *Node, v strict.Value) {
	n.Workers = v.Get("workers").Int(4, 1, 10_000)
	n.Queue = v.Get("queue").Int(64, 0, 1_000_000)
	n.ServiceTime = distribution(v.Get("service-time"))
	n.Response = v.Get("response").Size(1<<10, 0, 1<<30)
	n.Errors = v.Get("errors").Share(0, 0, 1)
	if !v.Get("cache-control").Present() {
		return
	}
	for _, e := range v.Get("cache-control").Entries(`{/products/*: "public, max-age=60"}`) {
		if p := e.Key; len(p) == 0 || p[0] != '/' {
			e.Value.WrongKey(fmt.Sprintf("%q is no path of a request", p), "such as /products/*")
		}
		n.CacheControl = append(n.CacheControl, PathValue{e.Key, e.Value.Text("")})
	}
}

// laws are the forms of a distribution. A duration alone is a constant.
var laws = []string{"constant", "exponential", "lognormal", "uniform"}

const lawExample = "5ms, {exponential: 5ms}, {lognormal: {median: 5ms, p99: 30ms}} or {uniform: {from: 1ms, to: 9ms}}"

func distribution(v strict.Value) Distribution {
	switch {
	case !v.Present():
		return defaultService
	case v.IsText():
		return Distribution{Law: "constant", Mean: v.Duration(time.Millisecond, 0, longestTime)}
	case !v.IsMap():
		v.Wrong("is no duration and no law", lawExample)
		return defaultService
	case !v.Fields(laws...):
		return defaultService
	}
	entries := v.Entries("")
	if len(entries) != 1 {
		v.Wrong("is to be one law", lawExample)
		return defaultService
	}
	return law(entries[0].Key, entries[0].Value)
}

func law(name string, v strict.Value) Distribution {
	d := Distribution{Law: name}
	switch name {
	case "lognormal":
		d.Median, d.P99 = pair(v, "median", "p99")
		if d.P99 > 1000*d.Median {
			v.Wrong("the p99 is more than 1000 times the median", "a narrower law")
		}
	case "uniform":
		d.Low, d.High = pair(v, "from", "to")
	default:
		d.Mean = v.Duration(time.Millisecond, 0, longestTime)
	}
	return d
}

// pair reads two durations of which the second is not the smaller.
func pair(v strict.Value, low, high string) (a, b time.Duration) {
	if !v.Fields(low, high) {
		return time.Millisecond, time.Millisecond
	}
	for _, field := range []string{low, high} {
		v.Get(field).Need(field + ": 5ms")
	}
	a = v.Get(low).Duration(time.Millisecond, time.Microsecond, longestTime)
	b = v.Get(high).Duration(a, time.Microsecond, longestTime)
	if b < a {
		v.Get(high).Wrong(fmt.Sprintf("is below %s", low), "at least "+strict.Duration(a))
	}
	return a, b
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
	case err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
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
