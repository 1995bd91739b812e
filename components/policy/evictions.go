package policy

// EvictionKind is an entry of the registry of evictions.
type EvictionKind struct {
	Kind
	New func(capacity int64, params Params) Eviction // capacity in bytes
}

// DefaultEviction evicts where nothing is said.
const DefaultEviction = "lru"

// Evictions is the registry: the names that `evict:` of a cache takes in a
// topology.
var Evictions = map[string]EvictionKind{
	"lru": {
		Kind: Kind{About: "cache eviction: what was used longest ago"},
		New:  func(int64, Params) Eviction { return NewLRU() },
	},
	"lfu": {
		Kind: Kind{About: "cache eviction: what was used least often since it came; of several, what was used longest ago"},
		New:  func(int64, Params) Eviction { return NewLFU() },
	},
	"fifo": {
		Kind: Kind{About: "cache eviction: what came first"},
		New:  func(int64, Params) Eviction { return NewFIFO() },
	},
	"sieve": {
		Kind: Kind{About: "cache eviction: the first that was not used since its hand came by last (NSDI 2024)"},
		New:  func(int64, Params) Eviction { return NewSIEVE() },
	},
	"s3-fifo": {
		Kind: Kind{
			About: "cache eviction: new keys pass through a small queue, those used there go on to the main one (SOSP 2023)",
			Parameters: []Parameter{
				{Name: "small", About: "the small queue's share of the capacity", Form: Share, Default: .1, Low: .01, High: .9},
				{Name: "promote", About: "uses in the small queue that lead to the main one", Form: Count, Default: 2, Low: 1, High: maxUses},
			},
		},
		New: func(capacity int64, p Params) Eviction {
			return NewS3FIFO(capacity, p.Number("small"), p.Int("promote"))
		},
	},
	"w-tinylfu": {
		Kind: Kind{
			About: "cache eviction: lets in what was seen more often lately than what would have to go for it (as Caffeine)",
			Parameters: []Parameter{
				{Name: "window", About: "share of the capacity that new keys get", Form: Share, Default: .01, Low: 0, High: .99},
				{Name: "protected", About: "share of the rest for what was used again", Form: Share, Default: .8, Low: 0, High: .99},
			},
		},
		New: func(capacity int64, p Params) Eviction {
			return NewWTinyLFU(capacity, p.Number("window"), p.Number("protected"))
		},
	},
}
