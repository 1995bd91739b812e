package policy

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Attempt is one try at a request as far as it bears on a further one.
type Attempt struct {
	Reason Reason
	Status int  // of the answer; 0 if none came
	Safe   bool // the method is safe: doing it twice does no harm
	Sent   bool // some of the request may have reached the backend
}

// Retrier decides whether a request may be tried once more, and after which
// pause.
//
// An attempt that ended in one of the conditions may be repeated if the method
// is safe, or if nothing was sent. All else is the backend's own word and
// stands. The pause before retry k is drawn evenly from 0 to
// min(Cap, Base·2^(k-1)): exponential back-off with full jitter, which spreads
// those who failed together.
//
// Source: RFC 9110 section 9.2.2; NGINX's proxy_next_upstream; AWS
// architecture blog, "Exponential backoff and jitter" (2015).
// Cost: O(1), no state.
// Weak spot: with every backend failing each request becomes Tries attempts,
// just when they are least welcome, unless there is a Budget.
type Retrier struct {
	Tries     int // attempts in all
	On        Conditions
	Base, Cap time.Duration // of the pauses; 0: none
}

// Again tells whether there may be one more, after tries attempts of which
// last was the latest.
func (r Retrier) Again(tries int, last Attempt) bool {
	if tries >= r.Tries || !last.Safe && (last.Sent || last.Status != 0) {
		return false
	}
	on := r.On
	if on == nil {
		on = usualConditions
	}
	return on.meets(last)
}

// Pause is how long to wait before the given retry, the first of which is 1.
// jitter is a number between 0 and 1.
func (r Retrier) Pause(retry int, jitter float64) time.Duration {
	longest := r.Base
	for k := 1; k < retry && longest < r.Cap; k++ {
		longest *= 2
	}
	return time.Duration(jitter * float64(min(longest, max(r.Cap, r.Base))))
}

// Conditions are the ends of an attempt that call for another one: a reason
// without an answer, or the status of an answer. Nil stands for the usual
// ones.
type Conditions []condition

// condition is a range of statuses, or a reason.
type condition struct {
	reason   Reason
	from, to int // statuses; 0 for a reason
}

// usualWords are the conditions that nobody has to name.
var usualWords = []string{"refused", "reset", "timeout", "502", "503", "504"}

var usualConditions = func() Conditions {
	usual, err := ParseConditions(usualWords)
	if err != nil {
		panic(err)
	}
	return usual
}()

// ConditionForms are what ParseConditions reads.
var ConditionForms = []string{"refused", "reset", "timeout", "5xx", "a status such as 503"}

// ParseConditions reads words.
func ParseConditions(words []string) (Conditions, error) {
	var all Conditions
	for _, word := range words {
		c, err := parseCondition(word)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func parseCondition(word string) (condition, error) {
	for _, reason := range []Reason{Refused, Reset, Timeout} {
		if word == reason.String() {
			return condition{reason: reason}, nil
		}
	}
	if word == "5xx" {
		return condition{from: 500, to: 599}, nil
	}
	status, err := strconv.Atoi(word)
	if err != nil || status < 400 || status > 599 {
		return condition{}, fmt.Errorf("%q is nothing to retry on", word)
	}
	return condition{from: status, to: status}, nil
}

func (all Conditions) meets(last Attempt) bool {
	return slices.ContainsFunc(all, func(c condition) bool {
		if last.Status != 0 {
			return c.from <= last.Status && last.Status <= c.to
		}
		return c.from == 0 && c.reason == last.Reason
	})
}
