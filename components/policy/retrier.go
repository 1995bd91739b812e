package policy

// Attempt is one try at a request as far as it bears on a further one.
type Attempt struct {
	Reason Reason
	Status int  // of the answer; 0 if none came
	Safe   bool // the method is safe: doing it twice does no harm
	Sent   bool // some of the request may have reached the backend
}

// Retrier decides whether a request may be tried once more.
//
// A broken attempt (refused, reset, timed out) may be repeated if nothing was
// sent or the method is safe; an answer of 502, 503 or 504 if the method is
// safe. All else is the backend's own word and stands.
//
// Source: RFC 9110 section 9.2.2; NGINX's proxy_next_upstream.
// Cost: O(1), no state.
// Weak spot: with every backend failing each request becomes Tries attempts,
// just when they are least welcome. There is no budget.
type Retrier struct {
	Tries int // attempts in all
}

// Again tells whether there may be one more, after tries attempts of which
// last was the latest.
func (r Retrier) Again(tries int, last Attempt) bool {
	if tries >= r.Tries {
		return false
	}
	if last.Status != 0 {
		return last.Safe && unavailable(last.Status)
	}
	return last.Reason.Broke() && (last.Safe || !last.Sent)
}

func unavailable(status int) bool { return status >= 502 && status <= 504 }
