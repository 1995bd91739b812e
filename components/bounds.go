package components

import "net/http"

// bound is one of those of a message's size that both worlds know. Bounds of
// heads and of time are for sockets.
type bound uint8

const (
	noBound bound = iota
	longURL
	longBody
	longAnswer
	bounds
)

// boundNames are the words of package http1 where it has one.
var boundNames = [bounds]string{"", "URL too long", "body too long", "answer: body too long"}

func (b bound) String() string { return boundNames[b] }

// beyond notes and counts a bound that had no room for a message.
func (v *visit) beyond(b bound) {
	v.bound = b
	v.at.counters.one(&v.at.counters.bounds[b])
}

// tooLong tells whether an answer has more of a body than callers are to get.
func (a *attempt) tooLong(head Head) bool {
	return a.most > 0 && head.Size > a.most && head.Status != http.StatusNoContent && head.Status != http.StatusNotModified
}

// mostBody is how long the body of the answer to a request may be; 0: any
// length, or it has none.
func (p *proxy) mostBody(r *Request) int64 {
	if p.node.Answers == nil || r.Method == http.MethodHead {
		return 0
	}
	return p.node.Answers.Body
}

// Refusal is the answer to a request that a host refuses before any component
// hears of it, in the words of a proxy: a line of text, or a problem (RFC
// 9457).
func Refusal(status int, text string, asked bool) Response {
	err := httpRequestDenied
	switch status {
	case http.StatusInternalServerError:
		err = proxyInternalError
	case http.StatusServiceUnavailable:
		err = connectionLimitReached
	}
	r := local(status, err, text)
	if asked {
		asProblem(&r)
	}
	return r
}
