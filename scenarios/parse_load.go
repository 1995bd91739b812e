package scenarios

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

func list(words []string) string { return strings.Join(words, ", ") }

// The bounds of a load.
const (
	maxStreams = 32
	maxRate    = 1e6
	maxLive    = 4_000_000 // requests in a live run, which holds about 300 bytes for each
	maxKeys    = 1_000_000
	maxBody    = 64 << 20
	maxClasses = 250
	usualCount = 100 // of clients
)

// loadReader reads a load against the consumers that a topology knows.
type loadReader struct {
	topology *topologies.Topology
	live     bool // it is to be fired live, too
}

// laws of a stream: exactly one.
var streamLaws = []string{"poisson", "constant", "ramp", "steps", "closed"}

const streamExample = "{poisson: 100/s, for: 10s, mix: [{get: /}]}"

func (r loadReader) load(v strict.Value) Load {
	var l Load
	for i, item := range v.OneOrMore(streamExample) {
		if i == maxStreams {
			item.Wrong("is one stream too many", fmt.Sprintf("at most %d", maxStreams))
			break
		}
		l.Streams = append(l.Streams, r.stream(item))
	}
	if v.IsList() && len(l.Streams) == 0 {
		v.Wrong("holds no stream", streamExample)
	}
	if most := (&Variant{Load: l}).Estimate(0, l.Duration(), ""); r.live && most > maxLive {
		v.Wrong(fmt.Sprintf("may bring %.0f requests, more than fit in memory live", most),
			fmt.Sprintf("at most %d in a run, or worlds: [sim]", maxLive))
	}
	l.nameTheRest()
	if len(l.Classes()) > maxClasses {
		v.Wrong("has too many classes", fmt.Sprintf("at most %d", maxClasses))
	}
	return l
}

// nameTheRest gives a class to what has none, where anything has one.
func (l Load) nameTheRest() {
	if !slices.ContainsFunc(l.Classes(), func(c string) bool { return c != "" }) {
		return
	}
	for _, s := range l.Streams {
		for i := range s.Mix {
			if s.Mix[i].Class == "" {
				s.Mix[i].Class = "others"
			}
		}
	}
}

func (r loadReader) stream(v strict.Value) Stream {
	var s Stream
	var habits *Habits // of a closed stream's clients
	if !v.Fields(slices.Concat(streamLaws, []string{"at", "for", "spacing", "mix"})...) {
		return s
	}
	s.At = v.Get("at").Duration(0, 0, longest)
	given := one(v, streamLaws, "poisson: 100/s")
	if given == "closed" {
		s.Closed, habits = r.closed(v)
	} else {
		s.Rate = legs(v, given)
	}
	s.Poisson = given != "constant" && given != "closed"
	if spacing := v.Get("spacing"); spacing.Present() {
		s.Poisson = spacing.Word("poisson", "poisson", "even") == "poisson"
		switch given {
		case "poisson", "constant":
			spacing.WrongKey("says again what "+given+" says", "it is for ramp and steps")
		case "closed":
			spacing.WrongKey("does not go with closed", "it is for ramp and steps")
		}
	}
	if v.Get("mix").Need("mix: [{get: /}]") {
		s.Mix = r.mix(v.Get("mix"))
	}
	if habits != nil {
		for i := range s.Mix {
			s.Mix[i].Habits = habits
		}
	}
	return s
}

// one tells which of several fields is given, and notes none and many.
func one(v strict.Value, names []string, example string) string {
	given := ""
	for _, name := range names {
		switch f := v.Get(name); {
		case !f.Present():
		case given != "":
			f.WrongKey("stands beside "+given, "one of "+list(names))
		default:
			given = name
		}
	}
	if given == "" {
		v.Wrong("lacks one of "+list(names), "such as "+example)
	}
	return given
}

func legs(v strict.Value, law string) []Leg {
	length := v.Get("for")
	if law == "steps" {
		if length.Present() {
			length.WrongKey("stands beside steps", "each step has its own")
		}
		return steps(v.Get("steps"))
	}
	if law == "" || !length.Need("for: 10s") {
		return nil
	}
	leg := Leg{For: length.Duration(time.Second, time.Millisecond, longest)}
	if law == "ramp" {
		leg.From, leg.To = ramp(v.Get("ramp"))
	} else {
		leg.From = rate(v.Get(law))
		leg.To = leg.From
	}
	return []Leg{leg}
}

const closedExample = "{clients: 20, think: {exponential: 1s}}"

// closed reads a load of clients who wait for their answers.
func (r loadReader) closed(stream strict.Value) (c *Closed, habits *Habits) {
	c = &Closed{Clients: 1}
	v := stream.Get("closed")
	if !v.IsMap() {
		v.Wrong("does not say who asks", closedExample)
	} else if v.Fields("clients", "think") {
		if v.Get("clients").Need("clients: 20") {
			c.Clients, habits = r.clients(v.Get("clients"), 1)
		}
		if v.Get("think").Need("think: {exponential: 1s}, or 0") {
			c.Think = topologies.ReadDistribution(v.Get("think"))
		}
	}
	if length := stream.Get("for"); length.Need("for: 10s") {
		c.For = length.Duration(time.Second, time.Millisecond, longest)
	}
	if mix := stream.Get("mix"); mix.IsList() {
		for _, item := range mix.List("") {
			if clients := item.Get("clients"); clients.Present() {
				clients.WrongKey("says again who asks", "closed.clients tells it")
			}
		}
	}
	return c, habits
}

func rate(v strict.Value) float64 { return v.Rate(1, 0.01, maxRate) }

func ramp(v strict.Value) (from, to float64) {
	if !v.Fields("from", "to") {
		return 1, 1
	}
	from = v.Get("from").Rate(0, 0, maxRate)
	if v.Get("to").Need("to: 200/s") {
		to = v.Get("to").Rate(1, 0, maxRate)
	}
	if from == 0 && to == 0 {
		v.Wrong("brings no request", "{from: 10/s, to: 200/s}")
	}
	return from, to
}

func steps(v strict.Value) []Leg {
	var legs []Leg
	for _, item := range v.List("[{rate: 100/s, for: 5s}]") {
		if !item.Fields("rate", "for") || !item.Get("rate").Need("rate: 100/s") || !item.Get("for").Need("for: 5s") {
			continue
		}
		r := item.Get("rate").Rate(1, 0, maxRate)
		legs = append(legs, Leg{r, r, item.Get("for").Duration(time.Second, time.Millisecond, longest)})
	}
	if v.IsList() && !slices.ContainsFunc(legs, func(l Leg) bool { return l.From > 0 }) {
		v.Wrong("bring no request", "{rate: 100/s, for: 5s}")
	}
	return legs
}

// verbs are the methods of the mix, as fields.
var verbs = []string{"get", "head", "post", "put", "patch", "delete", "options"}

func (r loadReader) mix(v strict.Value) []Ask {
	var asks []Ask
	var open []int // those that share what is left
	sum := 0.0
	items := v.List("[{get: /}]")
	for i, item := range items {
		a := r.ask(item)
		if item.Get("share").Present() {
			a.Share = item.Get("share").Share(1, 0.00001, 1)
			sum += a.Share
		} else {
			open = append(open, i)
		}
		asks = append(asks, a)
	}
	if v.IsList() && len(asks) == 0 {
		v.Wrong("asks for nothing", "[{get: /}]")
	}
	left := 1 - sum
	switch {
	case len(asks) == 0:
	case len(open) == 0 && math.Abs(left) > 1e-6, len(open) > 0 && left < 1e-6:
		v.Wrong(fmt.Sprintf("the shares come to %s", strict.Share(sum)), "100%; requests without a share divide what is left")
	}
	for _, i := range open {
		asks[i].Share = left / float64(len(open))
	}
	return asks
}

func (r loadReader) ask(v strict.Value) Ask {
	a := Ask{Path: Template{Before: "/"}}
	if !v.Fields(slices.Concat(verbs, []string{"share", "body", "key", "clients", "class", "headers", "refused"})...) {
		return a
	}
	if verb := one(v, verbs, "get: /"); verb != "" {
		a.Method = strings.ToUpper(verb)
		a.Path = template(v.Get(verb))
	}
	a.Clients, a.Habits = r.clients(v.Get("clients"), usualCount)
	if body := v.Get("body"); body.Present() {
		a.Body = body.Size(0, 0, maxBody)
		if a.Method == http.MethodGet || a.Method == http.MethodHead || a.Method == http.MethodOptions {
			body.WrongKey("does not go with "+strings.ToLower(a.Method), "post, put, patch and delete carry one")
		}
	}
	if key := v.Get("key"); key.Present() {
		a.Class = className(key, "")
		a.Header = append(a.Header, HeaderField{"X-Api-Key", r.key(key, a.Class)})
	}
	a.Class = className(v.Get("class"), a.Class)
	a.Header = append(a.Header, headers(v.Get("headers"))...)
	if meant := v.Get("refused").Bool(false); !meant && r.topology != nil && a.Method != "" && !v.Noted() {
		if why := a.refusal(r.topology); why != "" {
			v.Wrong("can never be answered: "+why, "a key or path that passes, or refused: true if that is meant")
		}
	}
	return a
}

// className is a word that stands for requests in metrics and tables.
func className(v strict.Value, or string) string {
	name := v.Text(or)
	if name != or && !strict.IsLabel(name) {
		v.Wrong("is no name for a class", strict.LabelForm)
		return or
	}
	return name
}

// key is the API key of a consumer. A topology that asks for none gets the
// consumer's name, so that one load fits topologies with and without keys.
func (r loadReader) key(v strict.Value, consumer string) string {
	if r.topology == nil {
		return consumer
	}
	var consumers []string
	for _, n := range r.topology.Nodes {
		if key, ok := n.Keys[consumer]; ok {
			if strings.HasPrefix(key, topologies.HashedKey) {
				v.Wrong(fmt.Sprintf("the key of %s is stored hashed, and a load has to send it", consumer), "headers: {X-Api-Key: the key}")
			}
			return key
		}
		for name := range n.Keys {
			consumers = append(consumers, name)
		}
	}
	if len(consumers) > 0 && consumer != "" {
		slices.Sort(consumers)
		consumers = slices.Compact(consumers)
		v.Wrong(fmt.Sprintf("no node of %s knows the consumer %q", r.topology.Name, consumer),
			strict.Suggest(consumer, "the consumers are", consumers))
	}
	return consumer
}

// reserved are fields that the load, the nodes or the connection set.
var reserved = []string{
	"Connection", "Content-Length", "Host", "Te", "Trafficlab-Request", "Trailer", "Transfer-Encoding", "Upgrade", "X-Forwarded-For",
}

func headers(v strict.Value) []HeaderField {
	if !v.Present() {
		return nil
	}
	var fields []HeaderField
	for _, e := range v.Entries("{Accept-Encoding: gzip}") {
		name := http.CanonicalHeaderKey(e.Key)
		if !fieldName.MatchString(name) {
			e.Value.WrongKey(fmt.Sprintf("%q is no name of a header field", e.Key), "such as Accept-Encoding")
		}
		if slices.Contains(reserved, name) {
			e.Value.WrongKey("is not for the load to set", "it is worked out for each request")
		}
		fields = append(fields, HeaderField{name, e.Value.HeaderValue("")})
	}
	return fields
}

var (
	fieldName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	drawn     = regexp.MustCompile(`^(\S*?)\{(\w+) +(\d{1,18})(?: +(\d{1,18}(?:\.\d{1,18})?))?\}(\S*)$`)
)

const templateExample = "/, /products/{zipf 1000 1.1} or /products/{uniform 1000}"

// template reads a path with at most one drawn key.
func template(v strict.Value) Template {
	text := v.Text("/")
	t := Template{Before: text}
	if m := drawn.FindStringSubmatch(text); m != nil {
		t = Template{Before: m[1], After: m[5], Law: m[2]}
		t.Keys, _ = strconv.Atoi(m[3])
		t.Skew, _ = strconv.ParseFloat(m[4], 64) // 0 if not given
		checkKeys(v, t, m[4] != "")
	}
	fixed := t.Before + "x" + t.After // no hex digit: an escape must not depend on the key
	if !strings.HasPrefix(t.Before, "/") || strict.CheckPath(fixed) != nil || strings.ContainsAny(fixed, `{}#"<>\^`+"`") {
		v.Wrong(fmt.Sprintf("%q is no path of a request", text), templateExample)
	}
	return t
}

func checkKeys(v strict.Value, t Template, skewed bool) {
	switch {
	case t.Law != "zipf" && t.Law != "uniform":
		v.Wrong(fmt.Sprintf("unknown law %q", t.Law), strict.Suggest(t.Law, "the laws are", []string{"zipf", "uniform"}))
	case t.Keys < 1 || t.Keys > maxKeys:
		v.Wrong(fmt.Sprintf("%d keys are out of range", t.Keys), fmt.Sprintf("from 1 to %d", maxKeys))
	case t.Law == "zipf" && (!skewed || t.Skew > 10):
		v.Wrong("zipf takes a number of keys and a skew from 0 to 10", "{zipf 1000 1.1}")
	case t.Law == "uniform" && skewed:
		v.Wrong("uniform takes a number of keys alone", "{uniform 1000}")
	}
}
