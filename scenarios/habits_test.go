package scenarios

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHabitsOfClients(t *testing.T) {
	for text, want := range map[string]struct {
		clients int
		habits  *Habits
	}{
		"7":                                  {7, nil},
		"{}":                                 {100, nil},
		"{count: 7, keep-alive: always}":     {7, nil},
		"{keep-alive: never}":                {100, &Habits{Requests: 1}},
		"{keep-alive: 10, connections: own}": {100, &Habits{Requests: 10, Own: true}},
		"{count: 3, http: 2}":                {3, &Habits{HTTP2: true}},
		"{connections: shared, http: 1.1}":   {100, nil},
	} {
		top := read(t, strings.Replace(base, "products/1", "products/1, clients: "+text, 1), Options{}).Variants[0]
		a := top.Load.Streams[0].Mix[0]
		require.Equal(t, want.clients, a.Clients, text)
		require.Equal(t, want.habits, a.Habits, text)
		require.Equal(t, want.habits != nil && want.habits.HTTP2, top.Topology.Node("lb").H2C != nil, text)
	}
	closed := strings.Replace(base, "poisson: 100/s", "closed: {clients: {count: 9, keep-alive: 2}, think: 1s}", 1)
	s := read(t, closed, Options{}).Variants[0].Load.Streams[0]
	require.Equal(t, 9, s.Closed.Clients)
	require.Equal(t, &Habits{Requests: 2}, s.Mix[0].Habits)
}

func TestGenerators(t *testing.T) {
	require.Zero(t, read(t, base+"generators: 1\n", Options{}).Generators)
	require.Equal(t, 3, read(t, base, Options{Set: []Change{{"generators", "3"}}}).Generators)
	for text, want := range map[string]string{
		"generators: 0\n":                 "generators: 0 is out of range (from 1 to 64)",
		"generators: 2\nworlds: [sim]\n":  "generators: is for the live world: nobody is late to send in the simulator (worlds: [live, sim], or leave it out)",
		"compare: {generators: [1, 2]}\n": "generators: is the same for all variants",
	} {
		_, err := parse("f", "", []byte(base+text), Options{})
		require.ErrorContains(t, err, want)
	}
}

func TestHabitsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"{keep-alive: sometimes}": `"sometimes" is no number of requests (always, never, or 10: the requests of a connection)`,
		"{keep-alive: 0}":         "keep-alive: 0 is out of range (from 1 to 60000)",
		"{http: 3}":               `unknown value "3"`,
		"{connections: 6}":        `unknown value "6"`,
		"{count: 0}":              "count: 0 is out of range",
		"{habits: bad}":           "unknown field",
		"[1]":                     "does not say who asks (100, or {count: 100, keep-alive: 10, http: 2, connections: own})",
	} {
		_, err := parse("f", "", []byte(strings.Replace(base, "products/1", "products/1, clients: "+text, 1)), Options{})
		require.ErrorContains(t, err, want, text)
	}
	tls := strings.Replace(base, "products/1", "products/1, clients: {http: 2}", 1) + "set: {lb.tls: {self-signed: lb, http2: off}}\n"
	_, err := parse("f", "", []byte(tls), Options{})
	require.ErrorContains(t, err, "http: is not what lb speaks (tls: {http2: …} there, or 1.1)")
}
