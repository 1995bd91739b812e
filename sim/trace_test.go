package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// TestStories holds what is told of requests that meet a crash: word for word.
func TestStories(t *testing.T) {
	c := balanced(2, 400)
	lb := c.Variant.Topology.Nodes[0]
	lb.Retry.Tries, lb.Pick.Name = 2, "round-robin"
	api := c.Variant.Topology.Nodes[1]
	api.ServiceTime = topologies.Distribution{Law: "constant", Mean: ms}
	c.Variant.Warmup = at(c, 100)
	c.Variant.Faults = []scenarios.Fault{{At: c.Variant.Warmup, For: time.Second, On: []topologies.Place{"api[1]"}, Crash: true}}
	var told strings.Builder
	require.NoError(t, Trace(context.Background(), c, quick, c.Variant.Warmup, 2, &told))
	require.Equal(t, `request 100: GET / at 68.397422ms
        +110µs  lb      asks api[1]
        +110µs  lb      dials api[1]
        +170µs  lb      hears nothing of api[1]: refused
        +170µs  lb      asks api[0], another try
        +170µs  lb      dials api[0]
        +275µs  api[0]  waits for a worker
   +6.626636ms  api[0]  works for 1ms
   +7.626636ms  api[0]  answers 200, 1024 bytes
   +7.626636ms  lb      answers 200, 1024 bytes
   +7.626636ms  client  has 200 after 7.626636ms
request 101: GET / at 70.48642ms
        +110µs  lb      asks api[1]
        +110µs  lb      dials api[1]
        +170µs  lb      hears nothing of api[1]: refused
        +170µs  lb      asks api[0], another try
        +215µs  api[0]  waits for a worker
   +5.537638ms  api[0]  works for 1ms
   +6.537638ms  api[0]  answers 200, 1024 bytes
   +6.537638ms  lb      answers 200, 1024 bytes
   +6.537638ms  client  has 200 after 6.537638ms
`, told.String())
}

// quick are costs that differ from kind to kind and from nothing else.
var quick = Costs{
	Visit:  map[topologies.Kind]time.Duration{topologies.LoadBalancer: 90 * time.Microsecond, topologies.Backend: 45 * time.Microsecond},
	Client: 20 * time.Microsecond, Dial: 60 * time.Microsecond,
}
