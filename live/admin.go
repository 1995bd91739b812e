package live

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"trafficlab/scenarios"
)

// admin answers those who watch a node, on a port of its own.
type admin struct {
	node  *Node
	epoch time.Time // when the machine's monotonic clock was zero
	ready atomic.Bool
}

func (a *admin) handler() http.Handler {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(useMetrics{a.node.Use}, a.node.refused, a.node.meters, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", a.readiness)
	mux.HandleFunc("GET /stats", a.stats)
	mux.HandleFunc("POST /begin", a.begin)
	mux.HandleFunc("POST /purge", a.purge)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
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
// CLOCK_MONOTONIC, which all processes of the machine share.
func (a *admin) begin(w http.ResponseWriter, r *http.Request) {
	at, err := strconv.ParseInt(r.FormValue("at"), 10, 64)
	if err != nil {
		http.Error(w, fmt.Sprintf("read the instant: %v", err), http.StatusBadRequest)
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
