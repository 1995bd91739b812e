package policy

import (
	"strings"
	"time"
)

// budgetParameter is a field of what makes extra attempts.
var budgetParameter = Parameter{Name: "budget", About: "bounds what it adds: a share, or all that budget below takes", Form: Else,
	Usually: "off", Words: []string{"20%", "{share: 20%, reserve: 10, window: 10s}"}}

// Guards is the registry of what keeps a proxy and its upstreams from harm,
// by the word that stands for it in a topology.
var Guards = map[string]Kind{
	"retry": {
		About: "tries a failed request again, elsewhere if it can, if it is safe or was not sent",
		Parameters: []Parameter{
			{Name: "tries", About: "attempts in all", Form: Count, Default: 1, Low: 1, High: 10, Usually: "1, and 2 at a load-balancer"},
			{Name: "on", About: "what is tried again", Form: Else, Usually: "[" + strings.Join(usualWords, ", ") + "]",
				Words: ConditionForms},
			{Name: "backoff", About: "pauses before a retry: all that backoff below takes", Form: Else, Usually: "off",
				Words: []string{"{base: 25ms, cap: 250ms}", "off"}},
			budgetParameter,
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
			{Name: "consecutive", About: "failures in a row that open it; off where only ratio is given", Form: Count, Default: 5, Low: 1, High: 1e6, Off: true},
			{Name: "ratio", About: "share of failures that opens it", Form: Share, Low: .001, High: 1, Off: true},
			{Name: "window", About: "that ratio looks back", Form: Span, Default: 10e9, Low: 1e7, High: float64(time.Hour)},
			{Name: "least", About: "attempts in the window before ratio says anything", Form: Count, Default: 20, Low: 1, High: 1e6},
			{Name: "open-for", About: "until it is half open", Form: Span, Default: 5e9, Low: 1e6, High: float64(time.Hour)},
			{Name: "probes", About: "attempts let through when half open, all of which must succeed to close it", Form: Count, Default: 1, Low: 1, High: 1000},
		},
	},
	"hedge": {
		About: "sends a second attempt beside one that takes long, by after or by quantile; the first good answer wins, the other is canceled; safe methods only",
		Parameters: []Parameter{
			{Name: "after", About: "how long is long", Form: Span, Low: 1e5, High: float64(time.Hour), Off: true},
			{Name: "quantile", About: "or longer than this share of the attempts of the last 10s to 20s, such as 95%", Form: Share, Low: .01, High: .9999, Off: true},
			budgetParameter,
		},
	},
	"concurrency": {
		About: "bounds what a proxy has upstream at once, and sheds what is beyond",
		Parameters: []Parameter{
			{Name: "limit", About: "a number, or one of those that begin with concurrency: below", Form: Else, Usually: "has to be given",
				Words: []string{"100", "aimd", "{aimd: {max: 50}}"}},
			{Name: "queue", About: "requests that may wait to be let in", Form: Count, High: 1e6},
			{Name: "by", About: "what makes classes, which needs a queue", Form: Else, Usually: "nothing, all are alike",
				Words: []string{"header NAME", "consumer", "route"}},
			{Name: "order", About: "of classes, the most important first, of which the last gives way", Form: Else, Usually: "goes with by",
				Words: []string{"[gold, silver]"}},
		},
	},
	"fallback": {
		About: "an answer in the place of a failure, which Proxy-Status still names",
		Parameters: []Parameter{
			{Name: "status", About: "of the answer", Form: Count, Default: 200, Low: 200, High: 599},
			{Name: "body", About: "of the answer", Form: Else, Usually: "sorry", Words: []string{"any text"}},
		},
	},
	"timeout": {
		About: "bounds attempts, and all of them together",
		Parameters: []Parameter{
			{Name: "connect", About: "until a connection is there", Form: Span, Default: 1e9, Low: 1e6, High: float64(time.Hour), Off: true},
			{Name: "response", About: "until an attempt's answer begins: from its start, or from the latest piece of the request's body; the wait for a caller to send on does not count", Form: Span, Default: 5e9, Low: 1e6, High: float64(time.Hour), Off: true},
			{Name: "total", About: "until the answer that stands begins: all attempts, pauses and the wait to be let in", Form: Span, Low: 1e6, High: float64(time.Hour), Off: true},
			{Name: "propagate", About: "tells upstreams the time left (grpc-timeout), and keeps to what callers tell", Form: Flag},
		},
	},
}
