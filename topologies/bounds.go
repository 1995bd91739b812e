package topologies

import "time"

// Callers bounds those who ask a node. 0 is no bound.
type Callers struct {
	Heads
	HeadWithin  time.Duration // from a head's first byte to its last
	Idle        time.Duration // between two requests of a connection
	Send, Take  Pace          // of requests' bodies, of answers
	Connections int           // at once
	PerAddress  int           // of them
	Wait        bool          // those beyond Connections wait in the backlog; else they are refused
	Requests    int           // on one connection
	Handshake   time.Duration // of TLS
	Handshakes  int           // worked on at once
}

// Answers bounds what upstreams answer. 0 is no bound.
type Answers struct {
	Heads
	Body       int64 // bytes
	Send, Take Pace  // of answers, of requests' bodies
}

// Heads bounds the heads of messages.
type Heads struct {
	Line, Head int // bytes
	Fields     int
}

// Pace is the least that must move of a body. 0 is no bound.
type Pace struct {
	Pause time.Duration // longest wait for the next piece
	Rate  int64         // bytes a second on average
	Grace time.Duration // that the average may be behind
}

// Idle is what is kept of connections to each upstream place between requests.
type Idle struct {
	Most int
	For  time.Duration // 0: for ever
}

// Tunnels is what connections may change to.
type Tunnels struct {
	Of   []string      // protocols, in lower case
	Idle time.Duration // without a byte either way; 0: any
}

// MayCall is what bounds the node's callers.
func (n *Node) MayCall() *Callers {
	if n.Callers != nil {
		return n.Callers
	}
	return usualCallers
}

// MayAnswer is what bounds the answers of the node's upstreams.
func (n *Node) MayAnswer() *Answers {
	if n.Answers != nil {
		return n.Answers
	}
	return usualAnswers
}

// MayTunnel is what connections to the node may change to.
func (n *Node) MayTunnel() *Tunnels {
	if n.Tunnels != nil {
		return n.Tunnels
	}
	return usualTunnels
}
