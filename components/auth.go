package components

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"trafficlab/topologies"
)

// auth finds out who asks, and whether they may.
type auth struct {
	keys         keyring
	keyHeaders   []string
	keyParams    []string
	holders      memo[*bearer] // of keys
	tokens       *tokens       // nil: none are taken
	passwords    *passwords
	certificates map[string]*bearer
	groups       map[string][]string // of a consumer
	rules        []rule              // nil: whoever is known may ask everything
	pass         bool                // credentials go on

	missing Response // nothing was shown
	wrong   Response // what was shown is not good
	denied  Response
}

// newAuth is nil for a node that does not ask who its callers are.
func newAuth(node *topologies.Node) *auth {
	if !node.Knows() {
		return nil
	}
	a := &auth{denied: notAllowed}
	told := node.Auth
	if told == nil {
		told = new(topologies.Auth)
	}
	if node.Keys != nil {
		a.keys = newKeyring(node.Keys)
		a.keyHeaders, a.keyParams = keyPlaces(node)
	}
	a.tokens = newTokens(told.Tokens)
	a.passwords = newPasswords(told.Basic)
	a.pass = told.PassCredentials
	if told.Certificates != nil {
		a.certificates = map[string]*bearer{}
		for identity, consumer := range told.Certificates {
			a.certificates[identity] = &bearer{consumer: consumer}
		}
	}
	a.groups = map[string][]string{}
	for group, consumers := range told.Groups {
		for _, consumer := range consumers {
			a.groups[consumer] = append(a.groups[consumer], group)
		}
	}
	for _, r := range told.Allow {
		a.rules = append(a.rules, rule{r})
	}
	a.missing, a.wrong = a.challenges(node.Name)
	return a
}

// keyPlaces is where callers of a node show their keys.
func keyPlaces(node *topologies.Node) (headers, params []string) {
	if node.Keys == nil {
		return nil, nil
	}
	places := []string{"header " + keyField}
	if node.Auth != nil && node.Auth.KeyIn != nil {
		places = node.Auth.KeyIn
	}
	for _, place := range places {
		what, name, _ := strings.Cut(place, " ")
		if what == "query" {
			params = append(params, name)
		} else {
			headers = append(headers, name)
		}
	}
	return headers, params
}

// challenges are the answers to those who have shown nothing, and to those who
// have shown what is not good (RFC 9110 section 11.6.1, RFC 6750 section 3).
func (a *auth) challenges(realm string) (missing, wrong Response) {
	if a.keys != nil && a.tokens == nil && a.passwords == nil && a.certificates == nil &&
		len(a.keyParams) == 0 && slices.Equal(a.keyHeaders, []string{keyField}) {
		return unauthorized, unauthorized
	}
	missing, wrong = noCredentials, badCredentials
	both := func(missingToo, wrongToo string) {
		missing = withField(missing, "WWW-Authenticate", missingToo)
		wrong = withField(wrong, "WWW-Authenticate", wrongToo)
	}
	for _, name := range a.keyHeaders {
		both(`ApiKey header="`+name+`"`, `ApiKey header="`+name+`"`)
	}
	for _, name := range a.keyParams {
		both(`ApiKey query="`+name+`"`, `ApiKey query="`+name+`"`)
	}
	if a.tokens != nil {
		both(`Bearer realm="`+realm+`"`, `Bearer realm="`+realm+`", error="invalid_token"`)
	}
	if a.passwords != nil {
		both(`Basic realm="`+realm+`", charset="UTF-8"`, `Basic realm="`+realm+`", charset="UTF-8"`)
	}
	return missing, wrong
}

// bearer is who has shown something that was believed.
type bearer struct {
	consumer       string
	groups, scopes []string       // of a token; groups of the file stand elsewhere
	claims         map[string]any // of a token
	from, until    time.Time      // a token holds
}

// verdict is what was shown is worth.
type verdict uint8

const (
	good     verdict = iota
	nothing          // was shown
	bad              // not good
	unknown          // its key may be in a set that has not been fetched yet
	keysLost         // no set could be fetched
)

// identify finds out who asks, by the first thing that the request shows: who
// shows a wrong one is refused, whatever else there is.
func (a *auth) identify(r *Request, x Exchange) (*bearer, verdict) {
	switch key, times := a.key(r); {
	case times > 1:
		return nil, bad
	case times == 1:
		return a.holder(key, r)
	}
	if a.tokens != nil || a.passwords != nil {
		field, times := r.Header.once("Authorization")
		scheme, shown, _ := strings.Cut(field, " ")
		switch {
		case times > 1:
			return nil, bad
		case a.tokens != nil && strings.EqualFold(scheme, "Bearer"):
			return a.tokens.bearer(strings.TrimSpace(shown), x.Date())
		case a.passwords != nil && strings.EqualFold(scheme, "Basic"):
			who, ok := a.passwords.bearer(strings.TrimSpace(shown))
			return who, known(ok)
		}
	}
	if r.Identity != "" && a.certificates != nil {
		who, ok := a.certificates[r.Identity]
		return who, known(ok)
	}
	return nil, nothing
}

// holder is whose key it is. Of a header that lasts that is found out once.
func (a *auth) holder(key string, r *Request) (*bearer, verdict) {
	if !r.Lasting || len(a.keyParams) > 0 {
		who, ok := a.keys[sha256.Sum256([]byte(key))]
		return who, known(ok)
	}
	from := origin{header: r.Header}
	who, ok := a.holders.find(&from)
	if !ok {
		who = a.holders.keep(&from, a.keys[sha256.Sum256([]byte(key))])
	}
	return who, known(who != nil)
}

func known(ok bool) verdict {
	if ok {
		return good
	}
	return bad
}

// key is the API key that the request shows, and how often it stands in its
// place. Twice is for nobody: who comes after could take the other.
func (a *auth) key(r *Request) (key string, times int) {
	if a.keys == nil {
		return "", 0
	}
	for _, name := range a.keyHeaders {
		if key, times := r.Header.once(name); key != "" || times > 1 {
			return key, times
		}
	}
	if r.Query == "" {
		return "", 0
	}
	for _, name := range a.keyParams {
		if key, times := parameterOnce(r.Query, name); key != "" || times > 1 {
			return key, times
		}
	}
	return "", 0
}

// hides tells whether a header field is not for upstreams to see.
func (a *auth) hides(name string) bool {
	if a.pass {
		return false
	}
	if (a.tokens != nil || a.passwords != nil) && equalName(name, "Authorization") {
		return true
	}
	for _, field := range a.keyHeaders {
		if equalName(field, name) {
			return true
		}
	}
	return false
}

// tellsApart tells whether an answer depends on who is known to ask.
func (a *auth) tellsApart(answer Header) bool {
	return a != nil && listHas(answer.Values("Vary"), consumerField)
}

// shownIn is the header fields that callers show credentials in.
func (a *auth) shownIn() []string {
	if a.tokens != nil || a.passwords != nil {
		return append(slices.Clone(a.keyHeaders), "Authorization")
	}
	return a.keyHeaders
}

// asksQuery tells whether queries may hold keys that are not for others.
func (a *auth) asksQuery() bool { return a != nil && !a.pass && len(a.keyParams) > 0 }

// query is a query without the keys that it may hold.
func (a *auth) query(query string) string {
	if !a.asksQuery() {
		return query
	}
	return withoutParameters(query, a.keyParams)
}

// referer is the address of the page that led here, without the keys that it
// may hold: a page that was asked for with a key names it to all that it leads
// to.
func (a *auth) referer(address string) string {
	page, rest, has := strings.Cut(address, "?")
	if !has {
		return address
	}
	query, fragment, cut := strings.Cut(rest, "#")
	if query = a.query(query); query != "" {
		page += "?" + query
	}
	if cut {
		page += "#" + fragment
	}
	return page
}

// authenticated finds out whose request it is, and whether it may be asked; if
// not, it answers so and is false. It may have to wait for the keys that tokens
// are signed with.
func (p *proxy) authenticate(v *visit) (pause Pause, over, passed bool) {
	if p.auth == nil {
		if !p.detours && !v.at.timed {
			return Pause{}, false, true // nor would anybody be told
		}
		if said := v.req.Header.Get(consumerField); said != "" && p.trust.has(v.req.Peer) {
			v.consumer = said
		}
		return Pause{}, false, true
	}
	a := p.auth
	who, found := a.identify(v.req, v.x)
	if found == unknown {
		if pause, waits := p.learnKeys(v); waits {
			return pause, false, false
		}
		found = a.tokens.verdict()
	}
	if who != nil {
		v.consumer = who.consumer
	}
	if p.plans != nil {
		v.plan = p.plans.of(a, who)
	}
	if answer := a.judge(who, found, v.req); answer != nil {
		v.reply(*answer)
		return Pause{}, true, false
	}
	return Pause{}, false, true
}

// judge is the answer to a request that may not pass, or nil.
func (a *auth) judge(who *bearer, found verdict, r *Request) *Response {
	switch {
	case found == bad:
		return &a.wrong
	case found == keysLost:
		return &noKeys
	case a.rules == nil && found == good:
		return nil
	case a.rules == nil:
		return &a.missing
	case misleads(r.Path):
		return &badPath // or /public/../admin would pass for public
	case a.allows(who, r):
		return nil
	case who == nil:
		return &a.missing
	}
	return &a.denied
}

// allows tells whether any rule is for the request.
func (a *auth) allows(who *bearer, r *Request) bool {
	path := canonical(r.Path)
	for i := range a.rules {
		if a.rules[i].allows(a, who, r.Method, path) {
			return true
		}
	}
	return false
}

// rule is a line of who may ask what.
type rule struct{ topologies.Rule }

func (r *rule) allows(a *auth, who *bearer, method, path string) bool {
	if !r.Anyone && !r.means(a, who) {
		return false
	}
	if len(r.Methods) > 0 && !slices.Contains(r.Methods, method) &&
		!(method == "HEAD" && slices.Contains(r.Methods, "GET")) {
		return false
	}
	return r.Path == "" || fits(r.Path, path)
}

// means tells whether the rule is for somebody.
func (r *rule) means(a *auth, who *bearer) bool {
	if who == nil {
		return false
	}
	if len(r.Consumers)+len(r.Groups) > 0 && !slices.Contains(r.Consumers, who.consumer) &&
		!anyOf(r.Groups, who.groups) && !anyOf(r.Groups, a.groups[who.consumer]) {
		return false
	}
	for _, scope := range r.Scopes {
		if !slices.Contains(who.scopes, scope) {
			return false
		}
	}
	for _, claim := range r.Claims {
		if !claims(who.claims[claim.Path], claim.Value) {
			return false
		}
	}
	return true
}

// fits tells whether a canonical path is one of a route's pattern.
func fits(pattern, path string) bool {
	pattern, path = strings.TrimPrefix(pattern, "/"), strings.TrimPrefix(path, "/")
	for {
		segment, patternRest, patternMore := strings.Cut(pattern, "/")
		if begins, open := strings.CutSuffix(segment, "*"); open && !patternMore {
			return strings.HasPrefix(path, begins)
		}
		word, pathRest, pathMore := strings.Cut(path, "/")
		if word != segment && (word == "" || !topologies.IsParameter(segment)) || patternMore != pathMore {
			return false
		}
		if !patternMore {
			return true
		}
		pattern, path = patternRest, pathRest
	}
}

// basicPair is what a Basic credential says (RFC 7617 section 2).
func basicPair(shown string) (name, password string, ok bool) {
	plain, err := base64.StdEncoding.DecodeString(shown)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), ":")
}
