package topologies

import (
	"fmt"
	"slices"
	"strings"

	"trafficlab/components/policy"
	"trafficlab/topologies/strict"
)

// bounding reads what one of policy.Bounding is told.
func bounding(v strict.Value, name string) policy.Params {
	kind := policy.Bounding[name]
	if !v.Present() {
		return kind.Params(nil)
	}
	return kind.Params(parameters(v, name, kind.Parameters))
}

// headsOf takes a line that is not told to be as long as a head at most.
func headsOf(v strict.Value, told policy.Params) Heads {
	h := Heads{told.Int("line"), told.Int("head"), told.Int("fields")}
	if !v.Get("line").Present() {
		h.Line = min(h.Line, h.Head)
	}
	return h
}

// checkHeads notes a line that no head has room for.
func checkHeads(v strict.Value, h Heads) {
	if v.Get("line").Present() && !v.Noted() && h.Line > h.Head {
		v.Get("line").Wrong("is more than a whole head may have", "at most "+strict.Size(int64(h.Head)))
	}
}

func pace(v strict.Value, name string) Pace {
	if v.Off() {
		return Pace{}
	}
	told := bounding(v, name)
	return Pace{told.Duration("pause"), int64(told.Number("rate")), told.Duration("grace")}
}

func callers(v strict.Value) *Callers {
	if !v.Present() {
		return nil
	}
	c := callersOf(v)
	checkHeads(v, c.Heads)
	if v.Get("per-address").Present() && !v.Noted() && c.Connections > 0 && c.PerAddress > c.Connections {
		v.Get("per-address").Wrong("is more than there may be in all", fmt.Sprintf("at most %d", c.Connections))
	}
	if beyond := v.Get("beyond"); beyond.Present() && c.Connections == 0 {
		beyond.WrongKey("nothing is beyond, as there may be any number", "connections: 10000")
	}
	return c
}

// What holds where a node is told nothing.
var (
	usualCallers = callersOf(strict.Value{})
	usualAnswers = answersOf(strict.Value{})
	usualTunnels = &Tunnels{Of: []string{"websocket"}, Idle: bounding(strict.Value{}, "tunnels").Duration("idle")}
)

func callersOf(v strict.Value) *Callers {
	told := bounding(v, "callers")
	return &Callers{
		Heads: headsOf(v, told), HeadWithin: told.Duration("head-within"), Idle: told.Duration("idle"),
		Send: pace(v.Get("send"), "callers.send"), Take: pace(v.Get("take"), "callers.take"),
		Connections: told.Int("connections"), PerAddress: told.Int("per-address"), Wait: told.Word("beyond") == "wait",
		Requests: told.Int("requests"), Handshake: told.Duration("handshake"), Handshakes: told.Int("handshakes"),
	}
}

func answers(v strict.Value) *Answers {
	if !v.Present() {
		return nil
	}
	a := answersOf(v)
	checkHeads(v, a.Heads)
	return a
}

func answersOf(v strict.Value) *Answers {
	told := bounding(v, "answers")
	return &Answers{
		Heads: headsOf(v, told), Body: int64(told.Number("body")),
		Send: pace(v.Get("send"), "answers.send"), Take: pace(v.Get("take"), "answers.take"),
	}
}

// connections is a number alone, or in full.
func connections(v strict.Value) (most int, idle *Idle) {
	most = defaultConnections
	if !v.IsMap() {
		return v.Int(most, 1, 10_000), nil
	}
	told := bounding(v, "connections")
	idle = &Idle{Most: told.Int("most"), For: told.Duration("idle-for")}
	if given := v.Get("idle"); given.Present() {
		if idle.Most = told.Int("idle"); idle.Most > told.Int("most") && !v.Noted() {
			given.Wrong("is more than there may be", fmt.Sprintf("at most %d", told.Int("most")))
		}
	}
	return told.Int("most"), idle
}

// tunnels is a list of protocols, off, or in full.
func tunnels(v strict.Value) *Tunnels {
	if !v.Present() {
		return nil
	}
	if v.Off() {
		return &Tunnels{}
	}
	t, of := *usualTunnels, v
	if v.IsMap() {
		t.Idle, of = bounding(v, "tunnels").Duration("idle"), v.Get("of")
	}
	if of.Present() {
		t.Of = protocols(of)
	}
	return &t
}

func protocols(v strict.Value) (of []string) {
	for _, item := range v.OneOrMore("[websocket]") {
		word := strings.ToLower(item.Text(""))
		switch name, _, _ := strings.Cut(word, "/"); {
		case word == "":
		case !isToken(strings.Replace(word, "/", "", 1)) || name == "":
			item.Wrong(fmt.Sprintf("%q is no protocol", word), "such as websocket")
		case name == "h2c" || name == "http" || name == "tls":
			item.Wrong(word+" would carry requests past all that is checked here", "such as websocket")
		case !slices.Contains(of, word):
			of = append(of, word)
		}
	}
	if v.IsList() && len(v.List("")) == 0 {
		v.Wrong("names no protocol", "tunnels: off, or [websocket]")
	}
	return of
}
