package topologies

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

func TestCache(t *testing.T) {
	lru := policy.Choice{Name: "lru"}
	for text, want := range map[string]*Cache{
		"{}":                                    {Capacity: 64 << 20, Evict: lru, Collapse: true},
		"{cookies: true}":                       {Capacity: 64 << 20, Evict: lru, Collapse: true, Cookies: true},
		"off":                                   nil,
		"{capacity: 2KiB, collapse: false}":     {Capacity: 2048, Evict: lru},
		"{evict: sieve, stale: off}":            {Capacity: 64 << 20, Evict: policy.Choice{Name: "sieve"}, Collapse: true},
		"{stale: {if-error: 1m}, negative: 5s}": {Capacity: 64 << 20, Evict: lru, Collapse: true, Stale: Stale{IfError: time.Minute}, Negative: 5 * time.Second},
		"{stale: {while-revalidate: 10s, if-error: off}, negative: off}": {Capacity: 64 << 20, Evict: lru, Collapse: true, Stale: Stale{WhileRevalidate: 10 * time.Second}},
		"{evict: {s3-fifo: {small: 20%}}}": {Capacity: 64 << 20, Collapse: true, Evict: policy.Choice{
			Name: "s3-fifo", Params: policy.Params{"small": {Number: .2}, "promote": {Number: 2}}}},
		"{evict: w-tinylfu}": {Capacity: 64 << 20, Collapse: true, Evict: policy.Choice{
			Name: "w-tinylfu", Params: policy.Params{"window": {Number: .01}, "protected": {Number: .8}}}},
	} {
		top, err := Parse("f", []byte("name: f\nentry: cdn\nnodes:\n  cdn: {kind: cdn, to: api, cache: "+text+"}\n  api: {kind: backend, cache-tag: {/a/*: x}}\n"))
		require.NoError(t, err, text)
		require.Equal(t, want, top.Node("cdn").Cache, text)
		require.Equal(t, []PathValue{{"/a/*", "x"}}, top.Node("api").CacheTag)
	}
}

func TestCodings(t *testing.T) {
	for text, want := range map[string][]string{
		"off": nil, "gzip": {"gzip"}, "[zstd, br, gzip]": {"zstd", "br", "gzip"}, "[br, gzip, br]": {"br", "gzip"},
	} {
		top, err := Parse("f", []byte("name: f\nentry: p\nnodes:\n  p: {kind: reverse-proxy, compress: "+text+", to: api}\n  api: {kind: backend}\n"))
		require.NoError(t, err, text)
		require.Equal(t, want, top.Node("p").Compress, text)
	}
}
