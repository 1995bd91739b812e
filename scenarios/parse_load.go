package scenarios

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

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
	sim      bool // and played by the simulator
	folder   string
	logs     logs
	usual    *Ask // by whom all is asked for; nil: each says it
}

// LoadExample is a stream of a load.
const LoadExample = "{poisson: 100/s, for: 10s, mix: [{get: /}]}"

func (r loadReader) load(v strict.Value) Load {
	var l Load
	for i, item := range v.OneOrMore(LoadExample) {
		if i == maxStreams {
			item.Wrong("is one stream too many", fmt.Sprintf("at most %d", maxStreams))
			break
		}
		l.Streams = append(l.Streams, r.stream(item))
	}
	if v.IsList() && len(l.Streams) == 0 {
		v.Wrong("holds no stream", LoadExample)
	}
	if most := (&Variant{Load: l}).Estimate(0, l.Duration(), ""); r.live && most > maxLive && !v.Noted() {
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

// StreamFields are those that a stream has beside its shape.
var StreamFields = []Field{
	{"at: 5s", "when it begins, since the run did (0s if not given); several streams overlap"},
	{"for: 10s", "how long it lasts"},
	{"spacing: even", "requests come evenly spaced at the rate of the moment; not given: at random (poisson)"},
	{"mix: [{get: /}]", "what is asked for"},
	{"session: " + sessionExample, "in the place of mix: what arrives are clients who send one request after the other, each after the outcome of the last"},
}

func (r loadReader) stream(v strict.Value) Stream {
	var s Stream
	if !v.Fields(slices.Concat(ShapeNames(), []string{"at", "for", "spacing", "mix", "session"})...) {
		return s
	}
	s.At = v.Get("at").Duration(0, 0, longest)
	given := one(v, ShapeNames(), "poisson: 100/s")
	shape, mix, session, spacing := Shapes[given], v.Get("mix"), v.Get("session"), v.Get("spacing")
	switch {
	case session.Present() && (shape.brings || given == "closed" || mix.Present()):
		session.WrongKey("stands beside what is asked for", "in the place of mix, in an open stream with a rate")
	case session.Present():
		r.session(session, &s)
	case shape.brings && mix.Present():
		mix.WrongKey("stands beside "+given, "which says itself what is asked for")
	case !shape.brings && mix.Need("mix: [{get: /}]"):
		s.Mix = r.mix(mix)
	}
	if given != "" {
		s.Poisson = !shape.itself && spacing.Word("poisson", "poisson", "even") == "poisson"
		if shape.itself && spacing.Present() {
			spacing.WrongKey("does not go with "+given+", which says it", "it is for "+list(spaced()))
		}
		shape.read(r, v.Get(given), v, &s)
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

// AskFields are those that a request of a mix has.
var AskFields = []Field{
	{"get: /products/1", "the method and the path, with its query if any: " + list(verbs)},
	{"share: 90%", "of the stream's requests; those without divide what is left"},
	{"body: 1KiB", "what is sent with it, or a law: " + bodyExample},
	{"key: alice", "a consumer of the topology, whose API key is sent; it names the class"},
	{"class: buyers", "the part of the load that it belongs to: p99 of buyers"},
	{"clients: 50", fmt.Sprintf("how many addresses it comes from (%d if not given), or how they behave: ", usualCount) + habitsExample},
	{"headers: {Accept-Encoding: gzip}", "fields that it carries"},
	{"refused: true", "it is meant that nobody can answer it"},
}

func (r loadReader) ask(v strict.Value, more ...string) Ask {
	a := Ask{Path: Template{Before: "/"}}
	if !v.Fields(slices.Concat(verbs, []string{"share", "body", "key", "clients", "class", "headers", "refused"}, more)...) {
		return a
	}
	if verb := one(v, verbs, "get: /"); verb != "" {
		a.Method = strings.ToUpper(verb)
		a.Path = template(v.Get(verb))
	}
	if r.usual == nil {
		a.Clients, a.Habits = r.clients(v.Get("clients"), usualCount)
	} else {
		r.asUsual(v, &a)
	}
	if body := v.Get("body"); body.Present() {
		a.Body, a.Bodies = bodies(body)
		if a.Method == http.MethodGet || a.Method == http.MethodHead || a.Method == http.MethodOptions {
			body.WrongKey("does not go with "+strings.ToLower(a.Method), "post, put, patch and delete carry one")
		}
	} else if a.Habits != nil && a.Habits.Sends > 0 {
		v.Get("clients").Get("sends").WrongKey("has no body to send", "body: 16KiB, or leave it out")
	}
	r.who(v, &a)
	if meant := v.Get("refused").Bool(false); !meant && r.topology != nil && a.Method != "" && !v.Noted() {
		if why := a.refusal(r.topology); why != "" {
			v.Wrong("can never be answered: "+why, "a key or path that passes, or refused: true if that is meant")
		}
	}
	return a
}

const bodyExample = "1KiB, {exponential: 4KiB}, {lognormal: {median: 2KiB, p99: 100KiB}}, {uniform: {from: 1KiB, to: 9KiB}} or {pareto: {from: 1KiB, to: 10MiB, shape: 1.2}}"

// bodies reads how large bodies are: alike, or by a law.
func bodies(v strict.Value) (bytes int64, law *Sizes) {
	sizes := topologies.ReadSpread(v, topologies.Amounts[int64]{
		Least: 1, Most: maxBody, Or: 1 << 10, Read: strict.Value.Size, Write: strict.Size, Example: bodyExample,
	})
	if sizes.Law == "constant" {
		return sizes.Mean, nil
	}
	return 0, &sizes
}

// asUsual is asked for by whom all is.
func (r loadReader) asUsual(v strict.Value, a *Ask) {
	for _, field := range []string{"clients", "key"} {
		if f := v.Get(field); f.Present() {
			f.WrongKey("says again who asks", "session."+field+" tells it")
		}
	}
	a.Clients, a.Habits, a.Class, a.Header = r.usual.Clients, r.usual.Habits, r.usual.Class, slices.Clone(r.usual.Header)
}

// who reads by what a request is told from others: key, class and headers.
func (r loadReader) who(v strict.Value, a *Ask) {
	if key := v.Get("key"); key.Present() {
		a.Class = className(key, "")
		a.Header = append(a.Header, HeaderField{"X-Api-Key", r.key(key, a.Class)})
	}
	a.Class = className(v.Get("class"), a.Class)
	a.Header = append(a.Header, headers(v.Get("headers"))...)
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
	drawn     = regexp.MustCompile(`^(\S*?)\{(\w+(?: +[0-9.]{1,18}%?)+)\}(\S*)$`)
)

const templateExample = "/, /products/{zipf 1000 1.1}, /products/{uniform 1000} or /products/{hotspot 1000 10 90%}"

// template reads a path with at most one drawn key.
func template(v strict.Value) Template {
	text := v.Text("/")
	t := Template{Before: text}
	if m := drawn.FindStringSubmatch(text); m != nil {
		t = Template{Before: m[1], After: m[3]}
		t.readKeys(v, m[2])
	}
	fixed := t.Before + "x" + t.After // no hex digit: an escape must not depend on the key
	if !strings.HasPrefix(t.Before, "/") || strict.CheckPath(fixed) != nil || strings.ContainsAny(fixed, `{}#"<>\^`+"`") {
		v.Wrong(fmt.Sprintf("%q is no path of a request", text), templateExample)
	}
	return t
}
