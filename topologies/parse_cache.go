package topologies

import (
	"time"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

const defaultCapacity = 64 << 20

func cache(v strict.Value, usual bool) *Cache {
	if !v.Present() && !usual || v.Off() {
		return nil
	}
	c := &Cache{Capacity: defaultCapacity, Collapse: true}
	if v.Present() && !v.Fields("capacity", "evict", "collapse", "stale", "negative", "cookies") {
		return c
	}
	c.Capacity = v.Get("capacity").Size(c.Capacity, 1<<10, maxBytes)
	c.Evict = choice(v.Get("evict"), "lru", policy.Evictions)
	c.Collapse = v.Get("collapse").Bool(c.Collapse)
	c.Stale = stale(v.Get("stale"))
	c.Negative = orOff(v.Get("negative"))
	c.Cookies = v.Get("cookies").Bool(false)
	return c
}

func stale(v strict.Value) Stale {
	if !v.Present() || v.Off() {
		return Stale{}
	}
	kind := policy.Caching["stale"]
	told := kind.Params(parameters(v, "stale", kind.Parameters))
	return Stale{WhileRevalidate: told.Duration("while-revalidate"), IfError: told.Duration("if-error")}
}

// orOff is a duration, and 0 if there is none.
func orOff(v strict.Value) time.Duration {
	if !v.Present() || v.Off() {
		return 0
	}
	return v.Duration(0, leastTime, longestTime)
}

// byPath reads values of a header field by the path of the request.
func byPath(v strict.Value, example string) []PathValue {
	if !v.Present() {
		return nil
	}
	var rules []PathValue
	for _, e := range v.Entries(example) {
		if err := strict.CheckPath(e.Key); err != nil {
			e.Value.WrongKey(err.Error(), "such as /products/*")
		}
		rules = append(rules, PathValue{e.Key, e.Value.HeaderValue("")})
	}
	return rules
}
