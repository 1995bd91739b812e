package topologies

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

const retryForms = "{tries: 3, on: [refused, reset, timeout, 503], backoff: {base: 25ms, cap: 250ms}, budget: 20%}"

func retry(v strict.Value, usual bool) Retry {
	r := Retry{Tries: 1}
	if usual {
		r.Tries = 2
	}
	switch {
	case v.Off():
		return Retry{Tries: 1}
	case !v.Present():
		return r
	}
	told := guard(v, "retry")
	if v.Get("tries").Present() {
		r.Tries = told.Int("tries")
	}
	r.On = conditions(v.Get("on"))
	if backoff := v.Get("backoff"); backoff.Present() && !backoff.Off() {
		told := guard(backoff, "backoff")
		r.Base, r.Cap = told.Duration("base"), told.Duration("cap")
		if r.Cap < r.Base {
			backoff.Get("cap").Wrong("is below base", "at least "+strict.Duration(r.Base))
		}
	}
	r.Budget = budget(v.Get("budget"))
	return r
}

// guard reads what a policy of policy.Guards is told.
func guard(v strict.Value, name string) policy.Params {
	kind := policy.Guards[name]
	return kind.Params(parameters(v, name, kind.Parameters))
}

func conditions(v strict.Value) []string {
	if !v.Present() {
		return nil
	}
	on := []string{}
	for _, item := range v.OneOrMore("[refused, reset, timeout, 503]") {
		word := item.Text("5xx")
		if _, err := policy.ParseConditions([]string{word}); err != nil {
			item.Wrong(err.Error(), "one of "+list(policy.ConditionForms))
			continue
		}
		on = append(on, word)
	}
	if v.IsList() && len(on) == 0 {
		v.Wrong("names nothing to retry on", retryForms)
	}
	return on
}

// budget is a share alone, or in full.
func budget(v strict.Value) *Budget {
	if !v.Present() || v.Off() {
		return nil
	}
	var told policy.Params
	if kind := policy.Guards["budget"]; v.IsText() {
		share := kind.Parameters[slices.IndexFunc(kind.Parameters, named("share"))]
		told = kind.Params(policy.Params{"share": parameter(v, share)})
	} else {
		told = guard(v, "budget")
	}
	return &Budget{Share: told.Number("share"), Reserve: told.Number("reserve"), Window: told.Duration("window")}
}

// breaker opens by failures in a row, unless only a ratio is given.
func breaker(v strict.Value) *Breaker {
	if !v.Present() || v.Off() {
		return nil
	}
	told := guard(v, "breaker")
	b := &Breaker{
		Consecutive: told.Int("consecutive"), Ratio: told.Number("ratio"),
		Window: told.Duration("window"), Least: told.Int("least"),
		OpenFor: told.Duration("open-for"), Probes: told.Int("probes"),
	}
	if b.Ratio > 0 && !v.Get("consecutive").Present() {
		b.Consecutive = 0
	}
	if b.Ratio == 0 && b.Consecutive == 0 {
		v.Wrong("nothing opens it", "{consecutive: 5} or {ratio: 50%, window: 10s, least: 20}")
	}
	for _, field := range []string{"window", "least"} {
		if b.Ratio == 0 && v.Get(field).Present() {
			v.Get(field).WrongKey("is for a ratio, and there is none", "{ratio: 50%, window: 10s, least: 20}")
		}
	}
	return b
}

func hedge(v strict.Value) *Hedge {
	if !v.Present() || v.Off() {
		return nil
	}
	told := guard(v, "hedge")
	h := &Hedge{After: told.Duration("after"), Quantile: told.Number("quantile"), Budget: budget(v.Get("budget"))}
	given := func(field string) bool { return v.Get(field).Present() && !v.Get(field).Off() }
	if given("after") == given("quantile") {
		v.Wrong("is to be sent after a time or after a quantile of the times of late", "{after: 50ms} or {quantile: 95%}")
	}
	return h
}

func fallback(v strict.Value) *Fallback {
	if !v.Present() || v.Off() {
		return nil
	}
	return &Fallback{
		Status: guard(v, "fallback").Int("status"),
		Body:   strings.TrimSuffix(v.Get("body").Text("sorry"), "\n"),
	}
}

func timeouts(v strict.Value) Timeouts {
	usual := policy.Guards["timeout"].Params(nil)
	return timeoutsOr(v, Timeouts{Connect: usual.Duration("connect"), Response: usual.Duration("response"), Total: usual.Duration("total")})
}

// timeoutsOr is the given timeouts but for those that v names.
func timeoutsOr(v strict.Value, t Timeouts) Timeouts {
	if !v.Present() {
		return t
	}
	told := guard(v, "timeout")
	or := func(name string, usual time.Duration) time.Duration {
		if v.Get(name).Present() {
			return told.Duration(name)
		}
		return usual
	}
	t.Connect, t.Response, t.Total = or("connect", t.Connect), or("response", t.Response), or("total", t.Total)
	if v.Get("propagate").Present() {
		t.Propagate = told.True("propagate")
	}
	return t
}

// concurrency is a limit alone, or with a queue and classes.
func concurrency(v strict.Value, keyed bool) *Concurrency {
	const example = "{limit: aimd, queue: 64, by: header X-Class, order: [gold, silver]}"
	if !v.Present() || v.Off() {
		return nil
	}
	told := guard(v, "concurrency")
	if !v.IsMap() {
		return nil
	}
	c := &Concurrency{Limit: concurrencyLimit(v.Get("limit")), Queue: told.Int("queue")}
	by, order := v.Get("by"), v.Get("order")
	if by.Present() {
		c.By = classes(by, keyed)
	}
	if order.Present() {
		for _, item := range order.OneOrMore("[gold, silver]") {
			c.Order = append(c.Order, item.Text(""))
		}
	}
	if (c.By == "") != (len(c.Order) == 0) {
		v.Wrong("classes need both: what they are known by, and their order", example)
	}
	if c.By != "" && c.Queue == 0 {
		by.WrongKey("without a queue nobody is before others", "queue: 64")
	}
	return c
}

// concurrencyLimit is a number, or a policy.
func concurrencyLimit(v strict.Value) policy.Choice {
	if !v.Need("limit: 100, or one of " + list(slices.Sorted(maps.Keys(policy.Concurrencies)))) {
		return policy.Choice{Name: "fixed"}
	}
	if v.IsText() && strings.Trim(v.Text(""), "0123456789-") == "" {
		fixed := policy.Concurrencies["fixed"].Parameters[0]
		return policy.Choice{Name: "fixed", Params: policy.Params{fixed.Name: parameter(v, fixed)}}
	}
	c := choice(v, "gradient2", policy.Concurrencies)
	if low, high := c.Params.Int("min"), c.Params.Int("max"); low > high {
		v.Wrong("has its min above its max", "min: 20, max: 200")
	}
	return c
}

// classes is what of a request tells its class.
func classes(v strict.Value, keyed bool) string {
	text := v.Text("")
	name, header := strings.CutPrefix(text, "header ")
	switch {
	case header && headerName(v, name):
		return "header " + http.CanonicalHeaderKey(name)
	case header: // said already
	case text == "consumer" && !keyed:
		v.Wrong("consumers are not known here, as this node has no keys", "header NAME or route, or give the node keys")
	case text == "consumer", text == "route":
		return text
	default:
		v.Wrong(fmt.Sprintf("%q tells no class", text), "header NAME, consumer or route")
	}
	return "route"
}
