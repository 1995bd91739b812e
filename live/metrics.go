package live

import (
	"github.com/prometheus/client_golang/prometheus"

	"trafficlab/bench/measure"
)

// useMetrics shows what a place counts to Prometheus.
type useMetrics struct{ use func() measure.NodeUse }

var (
	requestsDesc = prometheus.NewDesc("trafficlab_requests_total", "Requests ended, by what befell them.", []string{"reason"}, nil)
	checksDesc   = prometheus.NewDesc("trafficlab_checks_total", "Health checks received.", nil, nil)
	probesDesc   = prometheus.NewDesc("trafficlab_probes_total", "Probes received: how busy is it?", nil, nil)
	cacheDesc    = prometheus.NewDesc("trafficlab_cache_total", "Requests by what the cache decided.", []string{"decision"}, nil)
	refusedDesc  = prometheus.NewDesc("trafficlab_refused_total", "Messages refused and connections cut off at a bound or for their form, by what was wrong.", []string{"reason"}, nil)
	askedDesc    = prometheus.NewDesc("trafficlab_upstream_attempts_total", "Attempts made, by upstream.", []string{"upstream"}, nil)

	usageLabels      = []string{"consumer", "route"}
	usageDesc        = prometheus.NewDesc("trafficlab_usage_requests_total", "Requests by consumer and route.", usageLabels, nil)
	usageErrorsDesc  = prometheus.NewDesc("trafficlab_usage_errors_total", "Answers of 500 and above by consumer and route.", usageLabels, nil)
	usageLimitedDesc = prometheus.NewDesc("trafficlab_usage_limited_total", "Requests refused by the rate limit, by consumer and route.", usageLabels, nil)
	usageTimeDesc    = prometheus.NewDesc("trafficlab_usage_limit_seconds_total", "Time in which the tightest limit lets in as much, by consumer and route: its rate is the share of the limit used.", usageLabels, nil)
	usageBytesDesc   = prometheus.NewDesc("trafficlab_usage_bytes_total", "Bytes of answers by consumer and route.", usageLabels, nil)
)

var reloadsOpts = prometheus.CounterOpts{
	Name: "trafficlab_reloads_total", Help: "Reloads of the configuration, by what became of them.",
}

func (m useMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsDesc, checksDesc, probesDesc, cacheDesc, refusedDesc, askedDesc,
		usageDesc, usageErrorsDesc, usageLimitedDesc, usageBytesDesc, usageTimeDesc} {
		to <- d
	}
}

func (m useMetrics) Collect(to chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	each := func(d *prometheus.Desc, counts map[string]int64) {
		for label, n := range counts {
			count(d, n, label)
		}
	}
	u := m.use()
	each(requestsDesc, u.Reasons)
	each(cacheDesc, u.Cache)
	each(refusedDesc, u.Refused)
	each(askedDesc, u.Asked)
	count(checksDesc, u.Checks)
	count(probesDesc, u.Probes)
	for _, one := range u.Usage {
		count(usageDesc, one.Requests, one.Consumer, one.Route)
		count(usageErrorsDesc, one.Errors, one.Consumer, one.Route)
		count(usageLimitedDesc, one.Limited, one.Consumer, one.Route)
		count(usageBytesDesc, one.Bytes, one.Consumer, one.Route)
		to <- prometheus.MustNewConstMetric(usageTimeDesc, prometheus.CounterValue, one.Used.Seconds(), one.Consumer, one.Route)
	}
}
