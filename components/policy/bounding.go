package policy

import "time"

// boundOf is a number that bounds, and may be off.
func boundOf(name, about string, usual, high float64) Parameter {
	return Parameter{Name: name, About: about, Form: Count, Default: usual, Low: 1, High: high, Off: true}
}

func sizeOf(name, about string, usual, low, high float64) Parameter {
	return Parameter{Name: name, About: about, Form: Size, Default: usual, Low: low, High: high}
}

func patienceOf(name, about string, usual time.Duration) Parameter {
	return Parameter{Name: name, About: about, Form: Span, Default: float64(usual), Low: 1e6, High: 24 * float64(time.Hour), Off: true}
}

// paceOf is how slowly the body of a message may move.
func paceOf(pause time.Duration, rate float64) []Parameter {
	return []Parameter{
		patienceOf("pause", "longest wait for the next piece", pause),
		{Name: "rate", About: "bytes a second, on average of the time that we wait", Form: Size, Default: rate, Low: 1, High: 1 << 30, Off: true},
		{Name: "grace", About: "that the average may be behind", Form: Span, Default: 20e9, Low: 1e6, High: float64(time.Hour)},
	}
}

func headOf(line, head, fields string) []Parameter {
	return []Parameter{
		sizeOf("line", line, 16<<10, 64, 1<<20),
		sizeOf("head", head, 64<<10, 256, 16<<20),
		{Name: "fields", About: fields, Form: Count, Default: 128, Low: 1, High: 10_000},
	}
}

var pacing = []string{"{pause: 10s, rate: 4KiB, grace: 5s}"}

// Bounding is the registry of what bounds those at the other ends of a proxy's
// connections, by the word that stands for it in a topology. What is beyond is
// refused or cut off, and counted by its reason.
var Bounding = map[string]Kind{
	"callers": {
		About: "bounds those who ask the proxy",
		Parameters: append(headOf(
			"bytes of a line of a request's head; a longer first one is answered 414, another 431",
			"bytes of a request's head; else 431", "of a request; else 431"),
			patienceOf("head-within", "from a head's first byte to its last, or from the connection to the first; else 408", 10*time.Second),
			patienceOf("idle", "between two requests of a connection, which then closes; more than upstream pools of callers have", 90*time.Second),
			Parameter{Name: "send", About: "how slowly a body may come, else 408: all that callers.send below takes", Form: Else, Usually: "as below", Words: pacing},
			Parameter{Name: "take", About: "how slowly an answer may be taken, else it breaks off: all that callers.take below takes", Form: Else, Usually: "as below", Words: pacing},
			boundOf("connections", "in all", 10_000, 1e6),
			boundOf("per-address", "connections from one address; others are answered 503", 0, 1e6),
			Parameter{Name: "beyond", About: "what becomes of connections beyond all that may be: a 503 (over TLS they are closed), or they wait in the system's backlog",
				Form: Word, Words: []string{"refuse", "wait"}},
			boundOf("requests", "on one connection, which then closes", 0, 1e9),
			patienceOf("handshake", "for a TLS handshake, its wait in line included; else the connection is closed", 10*time.Second),
			boundOf("handshakes", "worked on at once; others wait in line", 64, 1e5),
		),
	},
	"callers.send": {About: "how slowly callers may send the body of a request", Parameters: paceOf(30*time.Second, 512)},
	"callers.take": {About: "how slowly callers may take an answer", Parameters: paceOf(30*time.Second, 512)},
	"answers": {
		About: "how much and how slowly upstreams may answer; what is beyond becomes a 502, or breaks off what has begun (a fault of the same name makes backends answer so: list faults)",
		Parameters: append(headOf("bytes of a line of an answer's head", "bytes of an answer's head", "of an answer"),
			Parameter{Name: "body", About: "bytes of an answer's body", Form: Size, Low: 1, High: 1 << 40, Off: true},
			Parameter{Name: "send", About: "how slowly a body may come: all that answers.send below takes", Form: Else, Usually: "as below", Words: pacing},
			Parameter{Name: "take", About: "how slowly the body of a request may be taken: all that answers.take below takes", Form: Else, Usually: "as below", Words: pacing},
		),
	},
	"answers.send": {About: "how slowly upstreams may send the body of an answer; events may be far apart", Parameters: paceOf(5*time.Minute, 0)},
	"answers.take": {About: "how slowly upstreams may take the body of a request", Parameters: paceOf(30*time.Second, 0)},
	"connections": {
		About: "bounds connections to each upstream place: a number, or in full",
		Parameters: []Parameter{
			{Name: "most", About: "at once; who finds none waits in line", Form: Count, Default: 128, Low: 1, High: 10_000},
			{Name: "idle", About: "kept open between requests", Form: Count, Usually: "as most", High: 10_000},
			patienceOf("idle-for", "until one that is idle is closed", 60*time.Second),
		},
	},
	"tunnels": {
		About: "bounds what a connection may change to (Upgrade): a list of protocols, off, or in full",
		Parameters: []Parameter{
			{Name: "of", About: "protocols that are let through; other wishes are passed over, as RFC 9110 section 7.8 allows", Form: Else, Usually: "[websocket]",
				Words: []string{"[websocket, mqtt]"}},
			patienceOf("idle", "without a byte either way, until it is closed", 10*time.Minute),
		},
	},
	"max-url":  {About: "bytes of path and query, of a node or a route: 4KiB; else 414; any unless it is given (but see callers: line)"},
	"max-body": {About: "bytes of a request's body, of a node or a route: 1MiB; else 413; any unless it is given"},
}
