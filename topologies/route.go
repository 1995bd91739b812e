package topologies

import (
	"strings"
	"time"
)

// Route sends matching requests to an upstream, or elsewhere, edited on the
// way. Which of several has a request is told at components' routeTable: the
// most specific host, then path, then the most conditions, then the first.
type Route struct {
	Hosts   []string // "shop.example", or "*.example" for all below; empty: any
	Path    string   // exact, with {parameters} for segments, or a beginning that ends in "*"
	Methods []string // empty: all
	// Header and Query are conditions: a value, or the beginning of one that
	// ends in "*". All have to be met.
	Header []PathValue
	Query  []PathValue

	To       []string // upstream nodes; empty: the node's own To
	Split    []Share  // in the place of To: shares of the requests, which make 1
	Redirect *Redirect

	Strip   string // prefix taken off the path before it is sent on
	Rewrite string // the path sent on, with places for {parameters} and {*}

	// The node's own, where a route says nothing.
	Timeout *Timeouts
	Retry   *Retry
	MaxURL  *int   // 0: any
	MaxBody *int64 // 0: any

	Request  Edit
	Response Edit
	Status   []StatusChange // of upstreams' answers
}

// StatusChange answers To where an upstream said From. From below 10 is a
// class: 5 for all from 500 to 599.
type StatusChange struct{ From, To int }

// JSONEdit changes JSON bodies: first Remove, then Rename, then Set. Paths name
// members, one below another, with "[]" for each item of a list:
// "items[].secret".
type JSONEdit struct {
	Remove []string
	Rename []PathValue // path → new name
	Set    []PathValue // path → JSON text; a string has places for {parameters}
	Limit  int64       // bytes of a body; a longer one is refused
}

// CORS says which other origins' scripts may see a node's answers.
type CORS struct {
	Origins     []string // "https://shop.example", "https://*.example" or "*"
	Methods     []string
	Headers     []string // of requests
	Expose      []string // headers of answers
	Credentials bool
	MaxAge      time.Duration // browsers remember it for
}

// Share is the part of a route's requests that goes to a node.
type Share struct {
	Node  string
	Share float64
}

// Redirect answers with the address of another place. To has places for the
// route's {parameters} and {*}, {host}, {path} and {query}; the query goes
// along unless To has one.
type Redirect struct {
	Status int
	To     string
}

// Edit changes header fields: first Remove, then Rename, Set, Add.
type Edit struct {
	Remove []string
	Rename []PathValue // old name → new name
	Set    []PathValue // name → value, in file order
	Add    []PathValue // beside what is there
	Query  *Edit       // of requests: the same for the query, whose values have places for {parameters}
	JSON   *JSONEdit   // of bodies
}

// Empty tells whether no header field is changed.
func (e *Edit) Empty() bool { return len(e.Remove)+len(e.Rename)+len(e.Set)+len(e.Add) == 0 }

// IsParameter tells whether a segment of a pattern stands for any one.
func IsParameter(segment string) bool {
	return len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}'
}

// Parameters are the names of what a pattern leaves open: its parameters, and
// "*" if it ends in one.
func Parameters(pattern string) (names []string) {
	for segment := range strings.SplitSeq(pattern, "/") {
		switch {
		case IsParameter(segment):
			names = append(names, segment[1:len(segment)-1])
		case strings.HasSuffix(segment, "*"):
			names = append(names, "*")
		}
	}
	return names
}

// Places cuts a template where it has places to fill: one text more than there
// are places, which may be empty.
func Places(template string) (texts, places []string) {
	for {
		text, rest, open := strings.Cut(template, "{")
		place, after, closed := strings.Cut(rest, "}")
		if !open || !closed {
			return append(texts, template), places
		}
		texts, places = append(texts, text), append(places, place)
		template = after
	}
}
