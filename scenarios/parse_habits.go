package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/topologies/strict"
)

const habitsExample = "{count: 100, keep-alive: 10, http: 2, connections: own, reads: 64KiB/s}"

// mostUses bounds keep-alive: more is always.
const mostUses = 60_000

// clients reads how many clients there are, and how they behave: a number, or a
// map.
func (r loadReader) clients(v strict.Value, usual int) (count int, h *Habits) {
	if !v.Present() || v.IsText() {
		return v.Int(usual, 1, clientsPerClass), nil
	}
	if !v.IsMap() {
		v.Wrong("does not say who asks", "100, or "+habitsExample)
		return usual, nil
	}
	if !v.Fields("count", "connections", "keep-alive", "http", "reads", "sends") {
		return usual, nil
	}
	habits := Habits{
		Own:      v.Get("connections").Word("shared", "shared", "own") == "own",
		Requests: uses(v.Get("keep-alive")),
		HTTP2:    v.Get("http").Word("1.1", "1.1", "2") == "2",
		Reads:    bytesPerSecond(v.Get("reads"), "64KiB/s"),
		Sends:    bytesPerSecond(v.Get("sends"), "8KiB/s"),
	}
	if habits.HTTP2 && r.topology != nil {
		if why := r.topology.SpeakHTTP2(r.topology.Entry); why != "" {
			v.Get("http").Wrong(why, "tls: {http2: …} there, or 1.1")
		}
	}
	if r.sim {
		r.unplayed(v, habits)
	}
	if habits != (Habits{}) {
		h = &habits
	}
	return v.Get("count").Int(usual, 1, clientsPerClass), h
}

// mostAtOnce is an answer that leaves a node at once, however slowly its client
// reads: what the buffers of a socket take, and something to be safe.
const mostAtOnce = 1 << 20

// unplayed notes habits that the simulator cannot play.
func (r loadReader) unplayed(v strict.Value, h Habits) {
	if h.Sends > 0 {
		v.Get("sends").WrongKey("is not for the simulator, where the body of a request comes with its head", "worlds: [live]")
	}
	if h.Reads == 0 || r.topology == nil {
		return
	}
	for _, n := range r.topology.Nodes {
		if n.Response > mostAtOnce {
			v.Get("reads").WrongKey(fmt.Sprintf("keeps nodes busy with the long answers of %s, which the simulator does not play", n.Name),
				"a response of at most "+strict.Size(mostAtOnce)+", or worlds: [live]")
		}
	}
}

// uses is how many requests a connection is used for.
func uses(v strict.Value) int {
	words := []string{"always", "never"}
	switch {
	case !v.Present():
		return 0
	case v.IsText() && slices.Contains(words, v.Text("")):
		return slices.Index(words, v.Text(""))
	case v.IsText() && strings.Trim(v.Text(""), "0123456789") != "":
		v.Wrong(fmt.Sprintf("%q is no number of requests", v.Text("")), "always, never, or 10: the requests of a connection")
		return 0
	}
	return v.Int(1, 1, mostUses)
}

// bytesPerSecond is a pace; 0 if none is given.
func bytesPerSecond(v strict.Value, example string) int64 {
	if !v.Present() {
		return 0
	}
	size, perSecond := strings.CutSuffix(v.Text(""), "/s")
	n, err := strict.ParseSize(size)
	if !perSecond || err != nil || n < 1 {
		v.Wrong(fmt.Sprintf("%q is no number of bytes a second", v.Text("")), "such as "+example)
		return 0
	}
	return n
}
