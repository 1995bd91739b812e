package components

import (
	"slices"
	"strings"
	"time"
)

// absent is the value of a field that is not there, which differs from an
// empty one.
const absent = "\x00"

// varying is the fields of a request that an answer depends on by its Vary, as
// they were in the request that it answers (RFC 9111 section 4.1). One that is
// coded depends on who takes that, even if its origin has forgotten to say so.
func (s *store) varying(t *telling, v *visit) []Field {
	var fields []Field
	if t.coded {
		fields = append(fields, Field{"Accept-Encoding", v.ask.codings})
	}
	if t.vary == "" {
		return fields
	}
	for name := range strings.SplitSeq(t.vary, ",") {
		name = strings.TrimSpace(name)
		if name == "" || equalName(name, "Accept-Encoding") && (t.coded || s.plain) {
			continue // who compresses asks upstreams for none
		}
		fields = append(fields, Field{Canonical(name), selecting(name, v)})
	}
	return fields
}

// suits tells whether an answer may be selected for a visit. What another
// route led to is another's answer: routes can depend on more than the target.
func (e *stored) suits(v *visit) bool { return e.matches(v, new(selected)) }

func (e *stored) matches(v *visit, s *selected) bool {
	if e.route.meaning != v.route.meaning {
		return false
	}
	for i := range e.vary {
		if f := &e.vary[i]; s.of(f.Name, v) != f.Value {
			return false
		}
	}
	return true
}

// selected remembers a few fields of a request as they select answers:
// variants mostly depend on the same ones.
type selected struct {
	names, values [4]string
	n             int
}

func (s *selected) of(name string, v *visit) string {
	for i := range s.n {
		if s.names[i] == name {
			return s.values[i]
		}
	}
	value := selecting(name, v)
	if s.n < len(s.names) {
		s.names[s.n], s.values[s.n] = name, value
		s.n++
	}
	return value
}

// selecting is a request's field as far as answers are told apart by it: white
// space makes no difference, nor does in Accept-Language case or order, and
// Accept-Encoding is what goes upstream of it, and X-Consumer what is known.
func selecting(name string, v *visit) string {
	switch {
	case equalName(name, "Accept-Encoding"):
		return v.ask.codings
	case equalName(name, consumerField) && v.consumer == "":
		return absent
	case equalName(name, consumerField):
		return v.consumer
	}
	h, value, named := v.req.Header, absent, ""
	for i := range h {
		switch {
		case equalName(h[i].Name, "Connection"):
			named = joined(named, h[i].Value)
		case !equalName(h[i].Name, name):
		case value == absent:
			value = h[i].Value
		default:
			value += "," + h[i].Value
		}
	}
	if named != "" && !goesOn(name, named) {
		return absent // the origin did not see it
	}
	if equalName(name, "Accept-Language") {
		return languages(value)
	}
	return tight(value)
}

// tight is a list without white space around its commas.
func tight(list string) string {
	if !strings.ContainsAny(list, " \t") {
		return list
	}
	items := strings.Split(list, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return strings.Join(items, ",")
}

func languages(list string) string {
	items := strings.Split(strings.ToLower(tight(list)), ",")
	slices.Sort(items)
	return strings.Join(items, ",")
}

// mostVariants bounds how many answers are kept for one target.
const mostVariants = 32

// resource is all that is stored for one target: its variants, the latest
// first, or a mark that its answers are not for sharing.
type resource struct {
	key, path, query string
	variants         []*stored
	until            time.Duration // of the mark
}

// marked tells whether the answers are known not to be for sharing.
func (r *resource) marked(now time.Duration) bool { return r != nil && now < r.until }

// pick selects the answer for a visit, or none.
func (r *resource) pick(v *visit) *stored {
	if r == nil {
		return nil
	}
	var s selected
	for _, e := range r.variants {
		if e.matches(v, &s) {
			return e
		}
	}
	return nil
}

// add puts an answer in the place of those that it stands for.
func (r *resource) add(e *stored, v *visit, capacity int64) {
	r.drop(v)
	r.variants = slices.Insert(r.variants, 0, e)
	for len(r.variants) > mostVariants || len(r.variants) > 1 && r.weight() > capacity {
		r.variants = slices.Delete(r.variants, len(r.variants)-1, len(r.variants))
	}
}

// drop forgets what would be selected for a visit.
func (r *resource) drop(v *visit) {
	var s selected
	r.variants = slices.DeleteFunc(r.variants, func(e *stored) bool { return e.matches(v, &s) })
}

// weight is what the resource takes of the capacity.
func (r *resource) weight() int64 {
	w := int64(0)
	for _, e := range r.variants {
		w += weigh(r.key, &e.response)
	}
	return max(w, storedOverhead+int64(len(r.key)))
}
