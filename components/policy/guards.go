package policy

import "time"

// Guards is the registry of what keeps a proxy and its upstreams from harm,
// by the word that stands for it in a topology.
var Guards = map[string]Kind{
	"retry": {
		About: "tries a failed request again, elsewhere if it can, if it is safe or was not sent; on: refused, reset, timeout, 5xx or statuses",
		Parameters: []Parameter{
			{Name: "tries", About: "attempts in all", Form: Count, Default: 1, Low: 1, High: 10},
		},
	},
	"backoff": {
		About: "of retry: pauses drawn evenly from 0 to min(cap, base·2^(k-1)), full jitter",
		Parameters: []Parameter{
			{Name: "base", About: "longest first pause", Form: Span, Default: 25e6, Low: 1e6, High: float64(time.Minute)},
			{Name: "cap", About: "longest pause", Form: Span, Default: 250e6, Low: 1e6, High: float64(time.Minute)},
		},
	},
	"budget": {
		About: "of retry and hedge: extra attempts may be a share of the requests of late, and a few more",
		Parameters: []Parameter{
			{Name: "share", About: "of requests", Form: Share, Default: .2, High: 10},
			{Name: "reserve", About: "extra attempts a second beside it", Form: Number, Default: 10, High: 1e6},
			{Name: "window", About: "what counts as late", Form: Span, Default: 10e9, Low: 1e7, High: float64(time.Hour)},
		},
	},
	"breaker": {
		About: "leaves an upstream place alone that fails, and probes it after a while",
		Parameters: []Parameter{
			{Name: "consecutive", About: "failures in a row that open it", Form: Count, Default: 5, Low: 1, High: 1e6, Off: true},
			{Name: "ratio", About: "share of failures that opens it", Form: Share, Low: .001, High: 1, Off: true},
			{Name: "window", About: "that ratio looks back", Form: Span, Default: 10e9, Low: 1e7, High: float64(time.Hour)},
			{Name: "least", About: "attempts in the window before ratio says anything", Form: Count, Default: 20, Low: 1, High: 1e6},
			{Name: "open-for", About: "until it is half open", Form: Span, Default: 5e9, Low: 1e6, High: float64(time.Hour)},
			{Name: "probes", About: "attempts let through when half open, all of which must succeed to close it", Form: Count, Default: 1, Low: 1, High: 1000},
		},
	},
	"hedge": {
		About: "sends a second attempt beside one that takes long; the first good answer wins, the other is canceled; safe methods only",
		Parameters: []Parameter{
			{Name: "after", About: "how long is long", Form: Span, Low: 1e5, High: float64(time.Hour), Off: true},
			{Name: "quantile", About: "or longer than this share of the attempts of the last 10s to 20s", Form: Share, Default: .95, Low: .01, High: .9999},
		},
	},
	"concurrency": {
		About: "bounds what a proxy has upstream at once by one of the limits that begin with concurrency: below; by and order make classes: header NAME, consumer or route, the most important first, of which the last gives way",
		Parameters: []Parameter{
			{Name: "queue", About: "requests that may wait to be let in", Form: Count, High: 1e6},
		},
	},
	"sharing": {
		About: "sharing: true of a backend has its workers share all work evenly (processor sharing), instead of one request each and a line",
	},
	"fallback": {
		About: "an answer in the place of a failure, which Proxy-Status still names; body: its text",
		Parameters: []Parameter{
			{Name: "status", About: "of the answer", Form: Count, Default: 200, Low: 200, High: 599},
		},
	},
	"deadline": {
		About: "timeout: {total: 2s, propagate: true} bounds all attempts together and tells upstreams the time left (grpc-timeout); a backend with drop-expired: true does not begin work that nobody waits for",
	},
}
