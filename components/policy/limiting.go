package policy

import "time"

// Limiting is the registry of what a limit is told beside its algorithm, by
// the word that stands for it in a topology.
var Limiting = map[string]Kind{
	"limit": {
		About: "refuses with a 429 what comes beyond a rate, or delays it; one limit, or a list of which any refuses",
		Parameters: []Parameter{
			{Name: "algorithm", About: "one of those that begin with limit: below", Form: Else, Usually: DefaultLimiter, Words: []string{"sliding-log", "leaky-queue"}},
			{Name: "by", About: "who has a limit of their own; who is no consumer counts by address", Form: Else, Words: []string{"consumer", "address", "route", "all", "header NAME"}, Usually: "consumer if the node has keys, else address"},
			{Name: "cost", About: `of a request; or by path and method, as {/search*: 5, "POST /orders": 2}`, Form: Count, Default: 1, High: 1e6},
		},
	},
	"quota": {
		About: "of limit, in the place of a rate: so many in each hour, day or month of the calendar (UTC)",
		Parameters: []Parameter{
			{Name: "quota", About: "requests, or what they cost", Form: Count, Low: 1, High: 1e12, Usually: "has to be given"},
			{Name: "per", About: "period", Form: Word, Words: []string{"day", "hour", "month"}},
		},
	},
	"shared": {
		About: "of limit: replicas count together, live in a Redis (one atomic script), in the simulator in memory; the fault crash or freeze on redis takes it away in both; not set: each alone",
		Parameters: []Parameter{
			{Name: "redis", About: "where it listens, on this machine", Form: Word, Words: []string{"127.0.0.1:6379"}, Usually: "has to be given"},
			{Name: "fail", About: "without Redis, admit all or refuse all with a 503", Form: Word, Words: []string{"open", "closed"}},
			{Name: "timeout", About: "of one question to Redis", Form: Span, Default: 20e6, Low: 1e6, High: float64(10 * time.Second)},
			{Name: "keep", About: "a name under which a quota is kept when the run is over, for the next that names it", Form: Else, Usually: "it ends with the run", Words: []string{"shop"}},
		},
	},
}
