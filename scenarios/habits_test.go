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
		"{reads: 2KiB/s}":                    {100, &Habits{Reads: 2048}},
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
		"{reads: 20KiB}":          `reads: "20KiB" is no number of bytes a second (such as 64KiB/s)`,
		"{reads: 0/s}":            `"0/s" is no number of bytes a second`,
		"{reads: [1]}":            `is a list`,
		"{sends: 20KiB/s}":        "sends: is not for the simulator, where the body of a request comes with its head (worlds: [live])",
		"{habits: bad}":           "unknown field",
		"[1]":                     "does not say who asks (100, or {count: 100, keep-alive: 10, http: 2, connections: own, reads: 64KiB/s})",
	} {
		_, err := parse("f", "", []byte(strings.Replace(base, "products/1", "products/1, clients: "+text, 1)), Options{})
		require.ErrorContains(t, err, want, text)
	}
	long := strings.Replace(base, "products/1", "products/1, clients: {reads: 1KiB/s}", 1) + "set: {api.response: 2MiB}\n"
	_, err := parse("f", "", []byte(long), Options{})
	require.ErrorContains(t, err, "reads: keeps nodes busy with the long answers of api, which the simulator does not play (a response of at most 1MiB, or worlds: [live])")
	_, err = parse("f", "", []byte(long+"worlds: [live]\n"), Options{})
	require.NoError(t, err)
	idle := strings.Replace(base, "products/1", "products/1, clients: {sends: 1KiB/s}", 1) + "worlds: [live]\n"
	_, err = parse("f", "", []byte(idle), Options{})
	require.ErrorContains(t, err, "sends: has no body to send (body: 16KiB, or leave it out)")
	s := read(t, strings.Replace(idle, "get: /products/1", "post: /orders, body: 1KiB", 1), Options{})
	require.EqualValues(t, 1024, s.Variants[0].Load.Streams[0].Mix[0].Habits.Sends)
	tls := strings.Replace(base, "products/1", "products/1, clients: {http: 2}", 1) + "set: {lb.tls: {self-signed: lb, http2: off}}\n"
	_, err = parse("f", "", []byte(tls), Options{})
	require.ErrorContains(t, err, "http: is not what lb speaks (tls: {http2: …} there, or 1.1)")
}
