package policy

import "time"

// Memberships is the registry of what decides who is in the pool that a picker
// picks from, and who is picked without it: fields of a node. Those that have
// parameters are read by them.
var Memberships = map[string]Kind{
	"health": {About: "asks each upstream place again and again; one under the fault drain: true refuses checks and serves all else",
		Parameters: []Parameter{
			{Name: "every", About: "pause between checks", Form: Span, Default: float64(500 * time.Millisecond), Low: float64(10 * time.Millisecond), High: float64(time.Hour)},
			{Name: "jitter", About: "by a random part of this share of it each check is later", Form: Share, High: 1},
			{Name: "timeout", About: "for an answer, no longer than every", Form: Span, Default: float64(250 * time.Millisecond), Low: float64(time.Millisecond), High: float64(time.Hour)},
			{Name: "path", About: "that is asked for", Form: Else, Usually: HealthPath, Words: []string{HealthPath}},
			{Name: "down-after", About: "failures in a row", Form: Count, Default: 2, Low: 1, High: 1000},
			{Name: "up-after", About: "successes in a row", Form: Count, Default: 2, Low: 1, High: 1000},
		}},
	"sticky": {About: "sticky: {cookie: lab} keeps a client with the place that a cookie of the first answer names, while it may be picked"},
	"subset": {About: "subset: 20 lets each replica of a proxy ask that many places of a pool, shared out evenly (SRE's deterministic subsetting)"},
	"ejection": {About: "takes backends out that fail in a row or more than the others (Envoy's outlier detection)",
		Parameters: []Parameter{
			{Name: "failures", About: "failures in a row that eject", Form: Count, Default: 5, Low: 1, High: 1e6, Off: true},
			{Name: "interval", About: "how often shares of success are compared and the ejected return", Form: Span,
				Default: float64(10 * time.Second), Low: float64(10 * time.Millisecond), High: float64(time.Hour)},
			{Name: "base", About: "length of a first ejection; the k-th lasts k times as long", Form: Span,
				Default: float64(30 * time.Second), Low: float64(10 * time.Millisecond), High: float64(time.Hour)},
			{Name: "longest", About: "length of any ejection at most", Form: Span,
				Default: float64(300 * time.Second), Low: float64(10 * time.Millisecond), High: float64(24 * time.Hour)},
			{Name: "share", About: "of the pool that may be ejected at once, rounded down, though always one (Envoy since 1.31, with always_eject_one_host)", Form: Share, Default: .1, High: 1},
			{Name: "deviations", About: "standard deviations below the mean share of success that eject", Form: Number,
				Default: 1.9, Low: 0.1, High: 10, Off: true},
			{Name: "hosts", About: "backends with enough requests that it takes for a mean", Form: Count, Default: 5, Low: 2, High: 1e6},
			{Name: "requests", About: "of an interval that it takes for a backend to be compared", Form: Count, Default: 100, Low: 1, High: 1e6},
		}},
	"slow-start": {About: "gives a backend that comes up a growing share of its weight",
		Parameters: []Parameter{
			{Name: "window", About: "until it has all of it", Form: Span, Default: float64(30 * time.Second), Low: float64(time.Millisecond), High: float64(time.Hour)},
			{Name: "least", About: "share at the beginning", Form: Share, Default: .1, Low: .01, High: 1},
			{Name: "aggression", About: "1 is linear, above is faster at first", Form: Number, Default: 1, Low: .1, High: 10},
		}},
	"zone-aware": {About: "keeps requests in the proxy's zone (zones: [a, b] on nodes) as far as that has its share of backends, and spills the rest (Envoy)",
		Parameters: []Parameter{
			{Name: "hosts", About: "backends up that it takes; with fewer all zones are one", Form: Count, Default: 6, Low: 1, High: 1e6},
		}},
	"panic": {About: "counts every backend as up while fewer than a share are",
		Parameters: []Parameter{
			{Name: "below", About: "share of the pool", Form: Share, Default: .5, Low: .01, High: 1},
		}},
}

// NewOutlierLimits reads the parameters of ejection.
func NewOutlierLimits(p Params) OutlierLimits {
	return OutlierLimits{
		Failures: p.Int("failures"), Interval: p.Duration("interval"),
		Base: p.Duration("base"), Most: p.Duration("longest"), Share: p.Number("share"),
		Deviations: p.Number("deviations"), Hosts: p.Int("hosts"), Requests: p.Int("requests"),
	}
}

// NewSlowStart reads the parameters of slow-start.
func NewSlowStart(p Params) SlowStart {
	return SlowStart{p.Duration("window"), p.Number("least"), p.Number("aggression")}
}
