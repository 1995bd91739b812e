package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// admin answers those who watch a node, on a port of its own.
type admin struct {
	node  *Node
	epoch time.Time // when the machine's monotonic clock was zero
	ready atomic.Bool
	begun atomic.Bool            // the node knows when its run begins
	tune  func(*topologies.Node) // the process for what the node is set to; nil: as it is
}

func (a *admin) handler() http.Handler {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(useMetrics{a.node.Use}, a.node.reloads, a.node.meters, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", a.readiness)
	mux.HandleFunc("GET /stats", a.stats)
	mux.HandleFunc("POST /begin", a.begin)
	mux.HandleFunc("POST /purge", a.purge)
	mux.HandleFunc("POST /reload", a.reload)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return pageless(mux)
}

// pageless keeps out what pages of others in a browser send: they cannot leave
// out Origin or Sec-Fetch-Site where these tell on them, and reach the port
// under a name of theirs (DNS rebinding) but not by its address.
func pageless(to http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := r.Header.Get("Sec-Fetch-Site")
		switch {
		case !isLocalName(r.Host):
			http.Error(w, "ask by address, or as localhost", http.StatusMisdirectedRequest)
		case len(r.Header.Values("Origin")) > 0 || from != "" && from != "none" && from != "same-origin":
			http.Error(w, "not for pages", http.StatusForbidden)
		default:
			to.ServeHTTP(w, r)
		}
	})
}

// isLocalName tells whether a host, perhaps with a port, is an address or
// localhost: names that nobody else can let lead here.
func isLocalName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

func (a *admin) readiness(w http.ResponseWriter, _ *http.Request) {
	if !a.ready.Load() {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ready\n")
}

// stats is what the node has counted, for the runner.
func (a *admin) stats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(a.node.Use())
}

// begin sets the instant at which the run began, in nanoseconds of
// CLOCK_MONOTONIC, which all processes of the machine share. That is told once.
func (a *admin) begin(w http.ResponseWriter, r *http.Request) {
	at, err := strconv.ParseInt(r.FormValue("at"), 10, 64)
	if err != nil {
		http.Error(w, fmt.Sprintf("read the instant: %v", err), http.StatusBadRequest)
		return
	}
	if !a.begun.CompareAndSwap(false, true) {
		http.Error(w, "the run has begun", http.StatusConflict)
		return
	}
	a.node.Begin(a.epoch.Add(time.Duration(at)))
}

// purge makes the node's cache forget the answers of a path, of all that begin
// so if it ends in "*", of one target if the path has its query, or those that
// carry a tag.
func (a *admin) purge(w http.ResponseWriter, r *http.Request) {
	what := scenarios.Purge{Path: r.FormValue("path"), Tag: r.FormValue("tag")}
	if err := what.Check(); err != nil {
		http.Error(w, fmt.Sprintf("purge: %v (/purge?path=/products/* or /purge?tag=products)", err), http.StatusBadRequest)
		return
	}
	n, ok := a.node.Purge(what)
	if !ok {
		http.Error(w, fmt.Sprintf("purge: %s has no cache", a.node.place), http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, "purged %d\n", n)
}

// yaml is how a topology has to be sent: no page in a browser can send that
// elsewhere unasked.
const yaml = "application/yaml"

// mostTopology bounds what is read, in bytes; topologies.Parse takes less.
const mostTopology = 2 << 20

// reload sets the node as the topology says that was sent. Its file, if it is
// named, is where paths in it begin and what its mistakes are told by.
func (a *admin) reload(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != yaml {
		http.Error(w, "reload: send a topology as "+yaml, http.StatusUnsupportedMediaType)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostTopology))
	if err != nil {
		http.Error(w, fmt.Sprintf("reload: %v", err), http.StatusBadRequest)
		return
	}
	t, err := topologies.Parse(cmp.Or(r.FormValue("file"), "topology.yaml"), text)
	try := r.FormValue("try") != ""
	if err == nil {
		err = a.node.Reload(t, try)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if a.tune != nil && !try {
		a.tune(t.Node(a.node.place.Node()))
	}
	fmt.Fprintf(w, "%s is set by %s\n", a.node.place, t.Name)
}
