package components

import (
	"strconv"
	"time"
)

// timeoutField says how much time is left for a request, in gRPC's words: at
// most eight digits and a unit.
//
// Source: gRPC over HTTP/2, Timeout; SRE book chapter 22, deadline
// propagation.
// Weak spot: the time on the way is nobody's. And where a caller who gives up
// is heard of at once, as here, work that expires in a queue has mostly left
// it by then; what the deadline saves is work for callers who do not hang up.
const timeoutField = "Grpc-Timeout"

var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second,
	'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// deadline is when a request's caller stops waiting, as far as is known:
// Forever if it is not.
func deadline(h Header, now time.Duration) time.Duration {
	text := h.Get(timeoutField)
	if len(text) < 2 || len(text) > 9 {
		return Forever
	}
	last := len(text) - 1
	unit, known := timeoutUnits[text[last]]
	n, err := strconv.ParseUint(text[:last], 10, 32)
	if !known || err != nil {
		return Forever
	}
	if most := (Forever - max(now, 0)) / unit; time.Duration(n) > most {
		return Forever // eight digits of hours are more than there are
	}
	return now + time.Duration(n)*unit
}

// margin is how much sooner an upstream is to be ready than we must be, so that
// what it has to say comes in time.
const margin = time.Millisecond

// timeoutText writes what is left, rounded down.
func timeoutText(left time.Duration) string {
	if left < 100*time.Second {
		return strconv.FormatInt(max(left.Microseconds(), 0), 10) + "u"
	}
	return strconv.FormatInt(left.Milliseconds(), 10) + "m"
}

// deadlineOf is the end of all attempts at the request.
func (v *visit) deadlineOf(now time.Duration) time.Duration {
	end := Forever
	if total := v.route.timeout.Total; total > 0 {
		end = now + total
	}
	if v.route.timeout.Propagate {
		end = min(end, deadline(v.req.Header, now))
	}
	return end
}
