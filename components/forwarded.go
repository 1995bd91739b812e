package components

import (
	"strconv"
	"strings"
)

// element is the request's Forwarded field (RFC 7239), with what is known here:
// who asks, whom, and how. What stood there before is believed of those whose
// word counts.
func (p *proxy) element(v *visit, trusted bool) string {
	var b strings.Builder
	if before := v.req.Header.Values("Forwarded"); before != "" && trusted {
		b.WriteString(before + ", ")
	}
	b.WriteString("for=" + node(v.req))
	if v.req.Host != "" {
		b.WriteString(";host=" + word7230(v.req.Host))
	}
	b.WriteString(";proto=" + scheme(v.req.TLS))
	return b.String()
}

// node is the caller's address as RFC 7239 section 6 writes it.
func node(r *Request) string {
	peer := r.Peer.Unmap()
	switch {
	case !peer.IsValid():
		return "unknown"
	case peer.Is6():
		return `"[` + peer.WithZone("").String() + `]"`
	}
	return peer.String()
}

// word7230 is a token as it is, and anything else in quotes.
func word7230(text string) string {
	if strings.Trim(text, tokenLetters) == "" {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

const tokenLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"

// maxForwards is the field that bounds the way of OPTIONS and TRACE (RFC 9110
// section 7.6.2).
const maxForwards = "Max-Forwards"

// isLast answers a request that is not to go further, and tells whether it was
// one. TRACE goes nowhere anyway.
func (p *proxy) isLast(v *visit) bool {
	if v.req.Method != "OPTIONS" || v.req.Header.Get(maxForwards) != "0" {
		return false
	}
	v.reply(lastStop)
	return true
}

// countDown takes one from what is left of the way. What is no number stays.
func countDown(h Header) {
	for i := range h {
		if !equalName(h[i].Name, maxForwards) {
			continue
		}
		if left, err := strconv.ParseUint(h[i].Value, 10, 32); err == nil && left > 0 {
			h[i].Value = strconv.FormatUint(left-1, 10)
		}
	}
}
