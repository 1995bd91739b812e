package components

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/bench/measure"
	"trafficlab/topologies"
)

// Timings reads what the hops of a system say of their time in Server-Timing,
// as a client of the entry does. It is safe for concurrent use.
type Timings struct {
	kinds map[string]topologies.Kind // of nodes that trafficlab plays
}

// NewTimings is nil if the entry tells nothing.
func NewTimings(t *topologies.Topology) *Timings {
	entry := t.Node(t.Entry)
	if entry == nil || !entry.ServerTiming {
		return nil
	}
	all := &Timings{map[string]topologies.Kind{}}
	for _, n := range t.Nodes {
		all.kinds[n.Name] = n.Kind
	}
	return all
}

// Spans takes a latency apart: field is the Server-Timing of the answer, ""
// if there is none, and late how long after the intended instant it was asked
// for. Nil takes no account.
//
// Each hop is told from the one within it: what a proxy waited for its
// upstream beyond what the upstream says it took is on the way between the
// two, and so is what the client waited beyond the entry. So the parts add up
// to the latency, whoever tells too little. Who tells too much is cut short: no
// hop takes longer than the one outside it waited for it. Times are told to the
// microsecond, by the head of an answer; what remains, and its body, count as
// on the way.
func (t *Timings) Spans(field string, answered bool, late, latency time.Duration) measure.Spans {
	if t == nil {
		return ""
	}
	var room [256]byte
	b := breakdown{room[:0], latency}
	b.spend(measure.ClientNode, measure.Late, late)
	if !answered {
		b.spend(measure.ClientNode, measure.NoAnswer, b.left)
	} else {
		var room [8]hop
		b.hops(t.read(field, room[:0]))
	}
	if len(b.text) == 0 {
		return noTime
	}
	return measure.Spans(b.text)
}

// noTime is the account of no time at all.
const noTime = measure.Spans(measure.ClientNode + ":" + string(measure.Late) + "=0")

// breakdown is Spans in the making.
type breakdown struct {
	text []byte
	left time.Duration
}

// spend takes a span off what is left, as far as that goes.
func (b *breakdown) spend(node string, stage measure.Stage, took time.Duration) {
	took = min(took, b.left)
	b.left -= max(took, 0)
	b.text = measure.Span{Node: node, Stage: stage}.Append(b.text, took)
}

// hops spends what is left by what they told, the outermost last.
func (b *breakdown) hops(all []hop) {
	for i := len(all) - 1; i >= 0; i-- {
		h := &all[i]
		b.spend(h.node, measure.Network, b.left-h.total)
		for stage, took := range h.spent {
			b.spend(h.node, measure.Stages[stage], took)
		}
		b.spend(h.node, measure.Itself, b.left-h.upstream)
	}
	// Of this nobody tells: what a validation took, or a field was lost.
	b.spend(measure.ClientNode, measure.Network, b.left)
}

// hop is what one node told.
type hop struct {
	node     string
	spent    [stages]time.Duration // by place in measure.Stages
	upstream time.Duration
	total    time.Duration
}

const stages = 12

// stageTold is the stage that the end of a metric's name stands for. Of a backend,
// a queue is another.
var stageTold = map[string]int{
	toldDelay: stageOf(measure.Delayed), toldLimit: stageOf(measure.Held), toldCollapsed: stageOf(measure.Shared),
	toldQueue: stageOf(measure.Gate), toldRest: stageOf(measure.Rest), toldRetries: stageOf(measure.Tries),
	toldFailed: stageOf(measure.Tries), toldService: stageOf(measure.Service),
}

var queued = stageOf(measure.Queue)

func stageOf(s measure.Stage) int { return slices.Index(measure.Stages, s) }

// read lists the hops that tell, the innermost first. A node's metrics stand
// together and end with its total. Those of others are passed over.
func (t *Timings) read(field string, room []hop) []hop {
	h := hop{}
	for rest := field; rest != ""; {
		var metric string
		metric, rest = cutMetric(rest)
		name, took, ok := timeOf(metric)
		dash := strings.LastIndexByte(name, '-')
		if !ok || dash < 0 {
			continue
		}
		node, what := name[:dash], name[dash+1:]
		kind, ours := t.kinds[node]
		if !ours {
			continue
		}
		if node != h.node {
			h = hop{node: node}
		}
		stage, known := stageTold[what]
		switch {
		case what == toldTotal:
			h.total = took
			room, h = append(room, h), hop{}
		case what == toldUpstream:
			h.upstream += took
		case what == toldQueue && !kind.Proxies():
			h.spent[queued] += took
		case known:
			h.spent[stage] += took
		}
	}
	return room
}

// cutMetric takes the first of a list. A comma within quotes ends none.
func cutMetric(list string) (metric, rest string) {
	quoted := false
	for i := range len(list) {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// timeOf is a metric's name and its duration.
func timeOf(metric string) (name string, took time.Duration, ok bool) {
	name, rest, _ := strings.Cut(strings.TrimSpace(metric), ";")
	number, ok := strings.CutPrefix(rest, "dur=")
	if !ok {
		return "", 0, false
	}
	number, _, _ = strings.Cut(number, ";")
	millis, err := strconv.ParseFloat(number, 64)
	if err != nil || !(millis >= 0 && millis < 1e9) {
		return "", 0, false
	}
	return name, time.Duration(math.Round(millis*1e3)) * time.Microsecond, true
}
