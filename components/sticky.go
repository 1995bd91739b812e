package components

import (
	"fmt"
	"slices"
	"time"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// sticky keeps a client with the place that answered it first: the answer sets
// a cookie that names the place, by a hash that tells strangers nothing, and
// later requests bring it along. If the place may not be picked, the picker
// picks another, and the cookie follows.
//
// Source: HAProxy's cookie insert, NGINX Plus's sticky cookie.
// Cost: a look-up in a map.
// Weak spot: whoever came while a place was down or new stays away from it; a
// client that keeps no cookies, such as those of a load, is balanced like any
// other unless its request is given one.
type sticky struct {
	cookie string
	homes  map[string]int // by value of the cookie
	values []string       // by place
}

// nowhere is the home of a client that has none.
const nowhere = -1

// newSticky is nil if cookie is "".
func newSticky(cookie string, pool policy.Pool) *sticky {
	if cookie == "" {
		return nil
	}
	s := &sticky{cookie: cookie, homes: map[string]int{}}
	for i, name := range pool.Names {
		value := fmt.Sprintf("%016x", scenarios.Hash(cookie+" at "+name))
		s.homes[value] = i
		s.values = append(s.values, value)
	}
	return s
}

// home is the place that the request's cookie names, or nowhere.
func (s *sticky) home(req *Request) int {
	if s == nil {
		return nowhere
	}
	if i, known := s.homes[cookie(req.Header, s.cookie)]; known {
		return i
	}
	return nowhere
}

// settle lets the answer's cookie name the place that gave it, unless the
// request named it already.
func (s *sticky) settle(v *visit, h Header) Header {
	if s == nil || int(v.attempt.i) == s.home(v.req) {
		return h
	}
	return h.Clone().Add("Set-Cookie", s.cookie+"="+s.values[v.attempt.i]+"; Path=/; HttpOnly")
}

// choose takes the client's home if it may be picked, and else asks the picker.
func (p *pool) choose(now time.Duration, key uint64, home int, avoid []int) (int, bool) {
	if home != nowhere && p.usable(home) && !slices.Contains(avoid, home) {
		return home, true
	}
	return p.picker.Pick(now, key, avoid)
}
