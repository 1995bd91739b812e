package live

import (
	"cmp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// meters are a node's requests, errors and durations by route, by consumer and
// by upstream, for Prometheus. They are safe for concurrent use.
//
// Durations are native histograms, for scrapers that take them, and classic
// ones for all: the same figures.
type meters struct {
	routes, consumers, upstreams *family
}

func newMeters() *meters {
	return &meters{
		routes:    newFamily("route", "Requests", "from the coming of the request to the end of its answer"),
		consumers: newFamily("consumer", "Requests", "from the coming of the request to the end of its answer"),
		upstreams: newFamily("upstream", "Attempts at upstreams on behalf of a request", "to the end of the answer"),
	}
}

// note takes the account of a request.
func (m *meters) note(a *components.Account) {
	took := a.Ended - a.Began
	m.routes.note(cmp.Or(a.Route, noRoute), a.Reason, took)
	if a.Consumer != "" {
		m.consumers.note(a.Consumer, a.Reason, took)
	}
	for i := range a.Tries {
		t := &a.Tries[i]
		m.upstreams.note(string(t.To), t.Reason, t.Ended-t.Began)
	}
}

func (m *meters) families() []*family {
	return []*family{m.routes, m.consumers, m.upstreams}
}

// Describe implements prometheus.Collector.
func (m *meters) Describe(to chan<- *prometheus.Desc) {
	for _, f := range m.families() {
		f.each(func(c prometheus.Collector) { c.Describe(to) })
	}
}

// Collect implements prometheus.Collector.
func (m *meters) Collect(to chan<- prometheus.Metric) {
	for _, f := range m.families() {
		f.each(func(c prometheus.Collector) { c.Collect(to) })
	}
}

// family is what is counted by one label. Its values are bounded: those that
// come when there are mostValues already are counted together, as others.
type family struct {
	requests, errors *prometheus.CounterVec
	durations        *prometheus.HistogramVec

	mu     sync.RWMutex
	series map[string]*series
}

const (
	mostValues = 100
	others     = "other"
	noRoute    = "none" // was found, or this is a backend
)

// series is one value of the label, looked up once.
type series struct {
	value    string
	requests prometheus.Counter
	duration prometheus.Observer
}

func newFamily(by, of, took string) *family {
	name := "trafficlab_" + by
	return &family{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name + "_requests_total", Help: of + " ended, by " + by + "."}, []string{by}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name + "_errors_total", Help: of + " that came to anything but success, by " + by + " and reason."}, []string{by, "reason"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name + "_duration_seconds", Help: "Time " + took + ", by " + by + ".",
			Buckets:                        prometheus.ExponentialBucketsRange(.0005, 16, 16), // each twice the last
			NativeHistogramBucketFactor:    1.1,
			NativeHistogramMaxBucketNumber: 160,
		}, []string{by}),
		series: map[string]*series{},
	}
}

func (f *family) each(do func(prometheus.Collector)) {
	do(f.requests)
	do(f.errors)
	do(f.durations)
}

func (f *family) note(value string, reason policy.Reason, took time.Duration) {
	s := f.of(value)
	s.requests.Inc()
	if reason != policy.OK {
		f.errors.WithLabelValues(s.value, reason.String()).Inc()
	}
	s.duration.Observe(took.Seconds())
}

func (f *family) of(value string) *series {
	f.mu.RLock()
	s := f.series[value]
	f.mu.RUnlock()
	if s != nil {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.series[value] == nil && len(f.series) >= mostValues {
		value = others
	}
	if s = f.series[value]; s == nil {
		s = &series{value, f.requests.WithLabelValues(value), f.durations.WithLabelValues(value)}
		f.series[value] = s
	}
	return s
}
