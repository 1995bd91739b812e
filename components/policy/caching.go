package policy

import "time"

// graceOf is a duration that is off unless set.
func graceOf(name, about string) Parameter {
	return Parameter{Name: name, About: about, Form: Span, Low: float64(time.Millisecond), High: float64(time.Hour), Off: true}
}

// Caching is the registry of what a cache is told beside its eviction, by the
// word that stands for it under `cache:` in a topology.
var Caching = map[string]Kind{
	"collapse": {About: "cache: one fetch for all who miss the same key at once (true unless set)"},
	"stale": {
		About: "cache: answers may be given after their lifetime, if they do not say otherwise (RFC 5861)",
		Parameters: []Parameter{
			graceOf("while-revalidate", "for so long at once, while one fetch in the background renews it"),
			graceOf("if-error", "for so long instead of a failure to renew it"),
		},
	},
	"negative": {
		About: "cache: 404 and 410 without a lifetime of their own are kept for so long, failures never (off unless set)",
	},
	"purge": {
		About: "cache: forgets by path or by tag (Cache-Tag, Surrogate-Key): POST /purge?path=/products/* or ?tag=products to a node's admin port, or the fault purge",
	},
}
