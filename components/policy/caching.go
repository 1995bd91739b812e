package policy

import "time"

// graceOf is a duration that is off unless set.
func graceOf(name, about string) Parameter {
	return Parameter{Name: name, About: about, Form: Span, Low: float64(time.Millisecond), High: float64(time.Hour), Off: true}
}

// Caching is the registry of what a cache is told, by the word that stands for
// it in a topology.
var Caching = map[string]Kind{
	"cache": {
		About: "keeps answers (RFC 9111); a cdn has one unless cache: off, others have none unless cache: {}",
		Parameters: []Parameter{
			{Name: "capacity", About: "of stored bodies and heads", Form: Size, Default: 64 << 20, Low: 1 << 10, High: 1 << 40},
			{Name: "evict", About: "one of those that begin with cache eviction: below", Form: Else, Usually: DefaultEviction,
				Words: []string{"sieve", "{s3-fifo: {small: 20%}}"}},
			{Name: "collapse", About: "one fetch for all who miss the same key at once", Form: Flag, Default: 1},
			{Name: "stale", About: "all that stale below takes", Form: Else, Usually: "off", Words: []string{"{while-revalidate: 5s, if-error: 1m}"}},
			graceOf("negative", "404 and 410 without a lifetime of their own are kept for so long, failures never"),
			{Name: "cookies", About: "answers that set cookies are kept too, and give them to all", Form: Flag},
		},
	},
	"stale": {
		About: "of cache: answers may be given after their lifetime, if they do not say otherwise (RFC 5861)",
		Parameters: []Parameter{
			graceOf("while-revalidate", "for so long at once, while one fetch in the background renews it"),
			graceOf("if-error", "for so long instead of a failure to renew it"),
		},
	},
	"purge": {
		About: "of cache: forgets by path or by tag (Cache-Tag, Surrogate-Key): POST /purge?path=/products/* or ?tag=products to a node's admin port, or the fault purge",
	},
}
