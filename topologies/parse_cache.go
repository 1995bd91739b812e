package topologies

import (
	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

func cache(v strict.Value, usual bool) *Cache {
	if !v.Present() && !usual || v.Off() {
		return nil
	}
	kind := policy.Caching["cache"]
	told := kind.Params(nil)
	if v.Present() {
		told = kind.Params(parameters(v, "cache", kind.Parameters))
	}
	return &Cache{
		Capacity: int64(told.Number("capacity")),
		Evict:    choice(v.Get("evict"), policy.DefaultEviction, policy.Evictions),
		Collapse: told.True("collapse"),
		Stale:    stale(v.Get("stale")),
		Negative: told.Duration("negative"),
		Cookies:  told.True("cookies"),
	}
}

func stale(v strict.Value) Stale {
	if !v.Present() || v.Off() {
		return Stale{}
	}
	kind := policy.Caching["stale"]
	told := kind.Params(parameters(v, "stale", kind.Parameters))
	return Stale{WhileRevalidate: told.Duration("while-revalidate"), IfError: told.Duration("if-error")}
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
