package topologies

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

const (
	limitExample = "limit: {rate: 500/s, burst: 50}"
	maxCost      = 1_000_000
	// longestHold bounds how long a limit may hold a request back, and
	// longestLog how many a log may remember for each key.
	longestHold = time.Minute
	longestLog  = 100_000
)

// limits reads one limit or a list of them.
func limits(v strict.Value, keyed bool) []Limit {
	if !v.Present() || v.Off() {
		return nil
	}
	var limits []Limit
	for _, item := range v.OneOrMore("[{rate: 500/s}]") {
		limits = append(limits, limit(item, keyed))
	}
	if v.IsList() && len(limits) == 0 {
		v.Wrong("holds no limit", limitExample)
	}
	return limits
}

func limit(v strict.Value, keyed bool) Limit {
	l := Limit{Algorithm: policy.Choice{Name: policy.DefaultLimiter}}
	if !v.Fields(slices.Concat([]string{"name", "by", "algorithm", "quota", "per", "cost", "shared"}, limitParameters())...) {
		return l
	}
	l.By = limitBy(v.Get("by"), keyed)
	if name := v.Get("name"); name.Present() {
		l.Name = name.Name("")
	}
	most := 0.0
	if v.Get("quota").Present() {
		l.Algorithm, most = quota(v)
	} else {
		l.Algorithm = algorithm(v)
		most = policy.Limiters[l.Algorithm.Name].Most(l.Algorithm.Params)
		if per := v.Get("per"); per.Present() {
			per.WrongKey("is the period of a quota", "quota: 10000 beside it")
		}
	}
	l.Costs = costs(v.Get("cost"), most)
	l.Shared = shared(v.Get("shared"), l.Algorithm.Name == policy.Quota)
	return l
}

// quota reads a limit by the calendar.
func quota(v strict.Value) (c policy.Choice, most float64) {
	kind := policy.Limiting[policy.Quota]
	given := policy.Params{}
	for _, p := range kind.Parameters {
		if value := v.Get(p.Name); value.Present() {
			given[p.Name] = parameter(value, p)
		}
	}
	for _, other := range append(limitParameters(), "algorithm") {
		if value := v.Get(other); value.Present() {
			value.WrongKey("is not for a quota, which counts by the calendar", "quota: 10000, per: day")
		}
	}
	c = policy.Choice{Name: policy.Quota, Params: kind.Params(given)}
	return c, c.Params.Number("quota")
}

// plans reads what consumers may take beside a node's own limits.
func plans(v strict.Value, n *Node) (all []Plan) {
	const example = "plans: {gold: {consumers: [alice], limit: {rate: 100/s}}, free: {limit: {quota: 1000, per: day}}}"
	if !v.Present() || v.Off() {
		return nil
	}
	if !n.Knows() {
		v.WrongKey("consumers are not known here, as this node has no keys", "keys: {alice: k-alice-1}, or auth")
	}
	a := n.Auth
	if a == nil {
		a = new(Auth)
	}
	others := ""
	for _, e := range v.Entries(example) {
		if !e.Value.Fields("consumers", "groups", "limit") {
			continue
		}
		plan := Plan{Name: e.Key}
		if names := e.Value.Get("consumers"); names.Present() {
			plan.Consumers = a.consumers(n, names)
		}
		for _, item := range e.Value.Get("groups").OneOrMore("[staff]") {
			plan.Groups = append(plan.Groups, a.group(item))
		}
		if len(plan.Consumers)+len(plan.Groups) == 0 {
			if others != "" {
				e.Value.Wrong("is for everybody else, as is "+others, "consumers or groups")
			}
			others = e.Key
		}
		if e.Value.Get("limit").Need("limit: {rate: 100/s}") {
			plan.Limits = limits(e.Value.Get("limit"), n.Knows())
		}
		if !strict.IsLabel(e.Key) {
			e.Value.WrongKey("is no name for a plan", strict.LabelForm)
		}
		all = append(all, plan)
	}
	return all
}

func limitFields(v strict.Value, n *Node) (fields []string) {
	if !v.Present() || v.Off() {
		return nil
	}
	for _, item := range v.OneOrMore("[ratelimit, x-ratelimit]") {
		if word := item.Word("", RateLimitFields, XRateLimitFields); word != "" {
			fields = append(fields, word)
		}
	}
	if len(n.Limits)+len(n.Plans) == 0 {
		v.WrongKey("there is no limit to tell of", "limit: {rate: 500/s}")
	}
	return fields
}

// limitParameters are the names of all that any algorithm may be told.
func limitParameters() []string {
	known := map[string]bool{}
	for _, kind := range policy.Limiters {
		for _, p := range kind.Parameters {
			known[p.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

const limitedBy = "consumer, address, route, all or header NAME"

func limitBy(v strict.Value, keyed bool) string {
	usual := "address"
	if keyed {
		usual = "consumer"
	}
	by := v.Text(usual)
	what, name, named := strings.Cut(by, " ")
	switch {
	case named && what == "header" && name != "":
		if !headerName(v, name) {
			return usual
		}
		return "header " + http.CanonicalHeaderKey(name)
	case by == "consumer" && !keyed:
		v.Wrong("consumers are not known here, as this node has no keys", "address, or give the node keys")
	case !slices.Contains([]string{"consumer", "address", "route", "all"}, by):
		v.Wrong(fmt.Sprintf("%q is nobody to count for", by), limitedBy)
		return usual
	}
	return by
}

// algorithm reads the algorithm and its parameters, which stand beside it.
func algorithm(v strict.Value) policy.Choice {
	name := v.Get("algorithm").Word(policy.DefaultLimiter, slices.Sorted(maps.Keys(policy.Limiters))...)
	kind := policy.Limiters[name]
	given := policy.Params{}
	for _, p := range kind.Parameters {
		if value := v.Get(p.Name); value.Present() {
			given[p.Name] = parameter(value, p)
		}
	}
	for _, other := range limitParameters() {
		if value := v.Get(other); value.Present() && !slices.ContainsFunc(kind.Parameters, named(other)) {
			value.WrongKey("not for "+name, "the algorithm takes "+list(namesOf(kind.Parameters)))
		}
	}
	if !v.Get("rate").Need("rate: 500/s") {
		given["rate"] = policy.Param{Number: 1}
	}
	if _, told := given["burst"]; !told && slices.ContainsFunc(kind.Parameters, usuallyRate) {
		given["burst"] = policy.Param{Number: math.Max(1, math.Ceil(given.Number("rate")))}
	}
	c := policy.Choice{Name: name, Params: kind.Params(given)}
	checkAlgorithm(v, c)
	return c
}

func named(name string) func(policy.Parameter) bool {
	return func(p policy.Parameter) bool { return p.Name == name }
}

// usuallyRate tells whether a parameter is a burst that follows the rate.
func usuallyRate(p policy.Parameter) bool { return p.Name == "burst" && p.Usually != "" }

func namesOf(parameters []policy.Parameter) (names []string) {
	for _, p := range parameters {
		names = append(names, p.Name)
	}
	return names
}

// checkAlgorithm notes parameters that do not fit each other.
func checkAlgorithm(v strict.Value, c policy.Choice) {
	most := policy.Limiters[c.Name].Most(c.Params)
	rate := c.Params.Number("rate")
	switch {
	case most < 1:
		v.Get("rate").Wrong("lets less than one request into a window", "a longer window, or a token-bucket")
	case c.Name == "sliding-log" && most > longestLog:
		v.Get("rate").Wrong("makes a log of too many requests",
			fmt.Sprintf("at most %d in a window, or a sliding-counter", longestLog))
	case c.Name == "leaky-queue" && c.Params.Number("burst")/rate > longestHold.Seconds():
		v.Get("burst").Wrong("would hold requests back for too long", "burst / rate of at most "+strict.Duration(longestHold))
	}
}

const costExample = `cost: 5, or {/search*: 5, "POST /orders": 2}`

// costs reads one cost for all, or costs by method and path.
func costs(v strict.Value, most float64) []Cost {
	switch {
	case !v.Present():
		return nil
	case v.IsText():
		return []Cost{{Path: "*", Cost: cost(v, most)}}
	}
	var costs []Cost
	for _, e := range v.Entries(costExample) {
		method, path, both := strings.Cut(e.Key, " ")
		if !both {
			method, path = "", e.Key
		}
		star := strings.Index(path, "*")
		switch {
		case both && !slices.Contains(Methods, method):
			e.Value.WrongKey(fmt.Sprintf("unknown method %q", method), strict.Suggest(method, "one of", Methods))
		case path != "*" && !strings.HasPrefix(path, "/"):
			e.Value.WrongKey(fmt.Sprintf("%q is no path of a request", path), "such as /search* or POST /orders")
		case star >= 0 && star < len(path)-1:
			e.Value.WrongKey(fmt.Sprintf("%q has a star before its end", path), "such as /search*")
		}
		costs = append(costs, Cost{method, path, cost(e.Value, most)})
	}
	return costs
}

func cost(v strict.Value, most float64) float64 {
	n := v.Int(1, 0, maxCost)
	if float64(n) > most {
		v.Wrong("is more than the limit can ever admit at once", "at most "+strconv.FormatFloat(math.Floor(most), 'f', -1, 64))
	}
	return float64(n)
}

const sharedExample = "shared: {redis: 127.0.0.1:6379}"

func shared(v strict.Value, dated bool) *Shared {
	if !v.Present() || v.Off() || !v.Fields("redis", "fail", "timeout", "keep") {
		return nil
	}
	told := policy.Params{}
	for _, p := range policy.Limiting["shared"].Parameters {
		if value := v.Get(p.Name); value.Present() && p.Name != "redis" && p.Name != "keep" {
			told[p.Name] = parameter(value, p)
		}
	}
	told = policy.Limiting["shared"].Params(told)
	s := Shared{Open: told.Word("fail") == "open", Timeout: told.Duration("timeout")}
	if keep := v.Get("keep"); keep.Present() {
		s.Keep = keep.Name("")
		if !dated {
			keep.WrongKey("is for quotas: a rate begins anew with every run", "quota: 10000, per: month")
		}
	}
	if !v.Get("redis").Need(sharedExample) {
		return &s
	}
	s.Redis = v.Get("redis").Text("")
	host, port, err := net.SplitHostPort(s.Redis)
	if _, bad := strconv.ParseUint(port, 10, 16); s.Redis != "" && (err != nil || bad != nil) {
		v.Get("redis").Wrong(fmt.Sprintf("%q is no address", s.Redis), sharedExample)
	} else if s.Redis != "" && !loopback(host) {
		v.Get("redis").Wrong(host+" is not this machine", "a Redis on loopback: 127.0.0.1:6379")
	}
	return &s
}
