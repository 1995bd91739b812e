package measure

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Spans is the latency of one request in parts, which add up to it to the
// nanosecond: "client:queue=1200 lb:network=81000 api:service=5000000". It is
// text so that samples compare and a run stores it as it is; "" means that
// nobody took account.
type Spans string

// Span is what a request spent at a node, by stage.
type Span struct {
	Node  string
	Stage Stage
}

// Stage is what time went by with.
type Stage string

// The stages. Those of the client name ClientNode as their node.
const (
	Late     Stage = "late"       // the generator was busy: sent after the intended instant
	Network  Stage = "network"    // on the way to the node and back, and all that nobody accounts for
	Itself   Stage = "itself"     // the node's own work
	Delayed  Stage = "delayed"    // by a fault, at the node
	Held     Stage = "held"       // back by a limit
	Shared   Stage = "shared"     // waiting for another request's fetch
	Gate     Stage = "gate"       // in a proxy's queue, to be let in
	Rest     Stage = "rest"       // between tries
	Tries    Stage = "tries"      // that came to nothing, or were overtaken by a hedge
	Queue    Stage = "queue"      // for a worker of a backend
	Service  Stage = "service"    // at a worker
	NoAnswer Stage = "unanswered" // waiting for an answer that never came
)

// ClientNode is the node of what the client itself accounts for.
const ClientNode = "client"

// Stages lists them as a request meets them.
var Stages = []Stage{Late, Network, Itself, Delayed, Held, Shared, Gate, Rest, Tries, Queue, Service, NoAnswer}

// Append adds a span to the text of Spans, if it took any time.
func (s Span) Append(text []byte, took time.Duration) []byte {
	if took <= 0 {
		return text
	}
	if len(text) > 0 {
		text = append(text, ' ')
	}
	text = append(append(append(text, s.Node...), ':'), s.Stage...)
	return strconv.AppendInt(append(text, '='), int64(took), 10)
}

// Each tells of every span, by its name "lb:network". It stops at the first
// that cannot be read.
func (s Spans) Each(tell func(name string, took time.Duration)) error {
	for rest := string(s); rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, " ")
		name, number, _ := strings.Cut(one, "=")
		took, err := strconv.ParseInt(number, 10, 64)
		if err != nil || took < 0 {
			return fmt.Errorf("part %q of a latency cannot be read", one)
		}
		tell(name, time.Duration(took))
	}
	return nil
}

var errParts = errors.New("the parts of a latency do not add up to it")

// spanNamed takes a name apart.
func spanNamed(name string) Span {
	node, stage, _ := strings.Cut(name, ":")
	return Span{node, Stage(stage)}
}
