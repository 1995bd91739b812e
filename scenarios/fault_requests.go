package scenarios

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

// Rule is what befalls some of the requests that come to a place, as the fault
// filters of proxies do it (Envoy's envoy.filters.http.fault): who is meant,
// and what is done to them. The zero Rule does nothing.
type Rule struct {
	Of    Match
	Share float64 // of those meant
	First int     `json:",omitempty"` // only so many since the process began; 0: no end
	// Spares says that health checks are not meant: the place looks well.
	Spares bool `json:",omitempty"`

	Delay  time.Duration `json:",omitempty"` // held so long before anything is done
	Status int           `json:",omitempty"` // then answered so by the place; 0: served
	Factor float64       `json:",omitempty"` // its service takes so many times as long; 0: as long
	Added  time.Duration `json:",omitempty"` // and so much longer
	Answer Answer        `json:",omitzero"`  // what becomes of the answer then

	// Fault is the number of its fault in the case, filled in by the weather.
	Fault int    `json:"-"`
	salt  uint64 // of its draws, so that faults at one place fall independently
}

// Match says which requests are meant: all that agree with each part that is
// set.
type Match struct {
	Methods []string     `json:",omitempty"`
	Path    string       `json:",omitempty"` // ends in "*" for all that begin so
	Header  *HeaderField `json:",omitempty"`
}

// Fits tells whether a request is meant; header finds a field's value.
func (m *Match) Fits(method, path string, header func(name string) string) bool {
	before, open := strings.CutSuffix(m.Path, "*")
	switch {
	case m.Methods != nil && !slices.Contains(m.Methods, method):
		return false
	case m.Header != nil && header(m.Header.Name) != m.Header.Value:
		return false
	case m.Path == "":
		return true
	}
	return path == before || open && strings.HasPrefix(path, before)
}

// Falls decides whether a rule falls on one attempt at a request at a place,
// if it is meant.
func (r *Rule) Falls(number, attempt uint64) bool {
	return r.Share > 0 && Unit(Mix(Mix(r.salt, number), attempt)) < r.Share
}

// by is the rule in a part of its measure.
func (r Rule) by(measure float64) Rule {
	if r.Delay+r.Added > 0 || r.Factor > 0 {
		r.Delay, r.Added = scaled(r.Delay, measure), scaled(r.Added, measure)
		if r.Factor > 0 {
			r.Factor = 1 + (r.Factor-1)*measure
		}
		return r
	}
	r.Share *= measure
	return r
}

func scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// Erring is the rule of `errors: 30%`.
func Erring(share float64) Rule { return Rule{Share: share, Status: http.StatusInternalServerError} }

var slow = FaultKind{
	About:   "service takes longer: by a factor, by a time, for all requests or some",
	Example: "5x",
	graded:  true,
	read: func(v strict.Value, f *Fault) {
		if v.IsText() {
			f.Slow = v.Factor(1, 1, 1000)
			return
		}
		f.Rule = rule(v, "factor", "added")
		f.Rule.Factor = v.Get("factor").Factor(0, 1, 1000)
		f.Rule.Added = v.Get("added").Duration(0, time.Millisecond/1000, longest)
		if !v.Get("factor").Present() && !v.Get("added").Present() {
			v.Wrong("says not how slow", "slow: 5x, or {added: 20ms, share: 10%}")
		}
	},
	is: func(f *Fault) bool { return f.Slow > 0 || f.Rule.Factor > 0 || f.Rule.Added > 0 },
	fits: func(n *topologies.Node) (wrong, right string) {
		if n.Kind.Proxies() {
			return "does no work of its own that could be slow", "slow a backend, or freeze this"
		}
		return "", ""
	},
	lay: func(f *Fault, measure float64, e *Effect) {
		if f.Slow > 0 {
			e.Slow *= 1 + (f.Slow-1)*measure
			return
		}
		e.Rules = append(e.Rules, f.Rule.by(measure))
	},
	word: func(f *Fault) string {
		var words []string
		if factor := max(f.Slow, f.Rule.Factor); factor > 0 {
			words = append(words, fmt.Sprintf("%g×", factor))
		}
		if f.Rule.Added > 0 {
			words = append(words, "+"+strict.Duration(f.Rule.Added))
		}
		return strings.Join(append(words, "slow"), " ") + f.Rule.some()
	},
}

var erring = FaultKind{
	About:   "a share of requests is answered with an error at once",
	Example: "30%",
	graded:  true,
	read: func(v strict.Value, f *Fault) {
		if v.IsText() {
			f.Rule = Erring(v.Share(0, 0.0001, 1))
			return
		}
		f.Rule = rule(v, "status")
		f.Rule.Status = v.Get("status").Int(http.StatusInternalServerError, 400, 599)
	},
	is:   func(f *Fault) bool { return f.Rule.Status > 0 },
	lay:  layRule,
	word: func(f *Fault) string { return strict.Share(f.Rule.Share) + " errors" + f.Rule.except() },
}

var delay = FaultKind{
	About:   "requests are held before anything is done with them",
	Example: "100ms",
	graded:  true,
	read: func(v strict.Value, f *Fault) {
		if v.IsText() {
			f.Rule = Rule{Share: 1, Delay: v.Duration(0, time.Microsecond, longest)}
			return
		}
		f.Rule = rule(v, "by")
		if v.Get("by").Need("by: 100ms") {
			f.Rule.Delay = v.Get("by").Duration(0, time.Microsecond, longest)
		}
	},
	is:   func(f *Fault) bool { return f.Rule.Delay > 0 },
	lay:  layRule,
	word: func(f *Fault) string { return "+" + strict.Duration(f.Rule.Delay) + " delay" + f.Rule.some() },
}

func layRule(f *Fault, measure float64, e *Effect) { e.Rules = append(e.Rules, f.Rule.by(measure)) }

// rule reads who is meant, beside fields that the caller reads.
func rule(v strict.Value, beside ...string) Rule {
	r := Rule{Share: 1}
	if !v.Fields(append(beside, "share", "first", "checks", "methods", "path", "header")...) {
		return r
	}
	r.Share = v.Get("share").Share(1, 0.0001, 1)
	r.First = v.Get("first").Int(0, 1, 1_000_000_000)
	r.Spares = v.Get("checks").Word("ailing", "ailing", "fine") == "fine"
	r.Of = match(v)
	return r
}

func match(v strict.Value) Match {
	m := Match{Path: v.Get("path").Text("")}
	if at := v.Get("path"); m.Path != "" {
		if err := (Purge{Path: m.Path}).Check(); err != nil {
			at.Wrong(err.Error(), `such as "/products/*"`)
		}
	}
	if at := v.Get("methods"); at.Present() {
		for _, item := range at.OneOrMore("methods: [GET]") {
			m.Methods = append(m.Methods, item.Word("GET", topologies.Methods...))
		}
	}
	if at := v.Get("header"); at.Present() {
		entries := at.Entries("{X-Canary: yes}")
		if len(entries) != 1 {
			at.Wrong("names not one header field", "{X-Canary: yes}")
			return m
		}
		m.Header = &HeaderField{entries[0].Key, entries[0].Value.HeaderValue("")}
	}
	return m
}

// some says of how many requests a rule speaks, if not of all.
func (r *Rule) some() string {
	if r.Share == 0 || r.Share == 1 {
		return r.except()
	}
	return " for " + strict.Share(r.Share) + r.except()
}

// except says what else bounds a rule.
func (r *Rule) except() string {
	var words []string
	if r.First > 0 {
		words = append(words, fmt.Sprintf("first %d", r.First))
	}
	words = append(words, r.Of.Methods...)
	if r.Of.Path != "" {
		words = append(words, r.Of.Path)
	}
	if r.Of.Header != nil {
		words = append(words, r.Of.Header.Name+": "+r.Of.Header.Value)
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}
