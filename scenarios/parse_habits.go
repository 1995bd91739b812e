package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/topologies/strict"
)

const habitsExample = "{count: 100, keep-alive: 10, http: 2, connections: own}"

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
	if !v.Fields("count", "connections", "keep-alive", "http") {
		return usual, nil
	}
	habits := Habits{
		Own:      v.Get("connections").Word("shared", "shared", "own") == "own",
		Requests: uses(v.Get("keep-alive")),
		HTTP2:    v.Get("http").Word("1.1", "1.1", "2") == "2",
	}
	if habits.HTTP2 && r.topology != nil {
		if why := r.topology.SpeakHTTP2(r.topology.Entry); why != "" {
			v.Get("http").Wrong(why, "tls: {http2: …} there, or 1.1")
		}
	}
	if habits != (Habits{}) {
		h = &habits
	}
	return v.Get("count").Int(usual, 1, clientsPerClass), h
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
