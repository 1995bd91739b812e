package scenarios

import "time"

// Habits is how clients behave, where that is not as usual: over HTTP/1.1, on
// connections that all of them share and keep, as fast as bytes go.
type Habits struct {
	Own      bool  // each client has connections of its own; else those of a cohort share theirs
	Requests int   // that a connection is used for; 0: any number
	HTTP2    bool  // without TLS, known before (RFC 9113 section 3.3)
	Reads    int64 // bytes a second of an answer's body; 0: as they come
	Sends    int64 // bytes a second of a request's body; 0: at once. For the live world alone
}

// Takes is how long so many bytes take at so many a second.
func Takes(bytes, rate int64) time.Duration {
	return time.Duration(float64(bytes) / float64(rate) * 1e9)
}

// Cohort is clients of a class that behave alike. They share their connections
// among themselves, or each has its own, and with nobody else.
type Cohort struct {
	Class string
	Habits
}

// Cohort is whom requests of the kind come from. It is not ok if they behave as
// usual: all who do share their connections.
func (a *Ask) Cohort() (c Cohort, ok bool) {
	if a.Habits == nil {
		return Cohort{}, false
	}
	return Cohort{a.Class, *a.Habits}, true
}

// Kinds lists the kinds of request, as Arrival.Kind counts them.
func (l Load) Kinds() []*Ask {
	var kinds []*Ask
	for _, s := range l.Streams {
		for i := range s.Mix {
			kinds = append(kinds, &s.Mix[i])
		}
	}
	return kinds
}
