package topologies

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"trafficlab/topologies/strict"
)

// HashedKey is what an API key begins with that is stored as the SHA-256 of
// the key, in hexadecimal.
const HashedKey = "sha256:"

// auth reads who may pass.
func (r *reader) auth(n *Node, v strict.Value) *Auth {
	if !v.Present() || v.Off() {
		return nil
	}
	if !v.Fields("key-in", "jwt", "basic", "certificates", "groups", "allow", "pass-credentials") {
		return nil
	}
	a := &Auth{PassCredentials: v.Get("pass-credentials").Bool(false)}
	if in := v.Get("key-in"); in.Present() {
		a.KeyIn = keyPlaces(in)
		if n.Keys == nil {
			in.WrongKey("there are no keys to look for", "keys: {alice: k-alice-1}, beside auth")
		}
	}
	a.Tokens = r.tokens(n, v.Get("jwt"))
	a.Basic = passwords(v.Get("basic"))
	a.Certificates = certificates(v.Get("certificates"))
	if n.Keys == nil && a.Tokens == nil && a.Basic == nil && a.Certificates == nil && !v.Noted() {
		v.Wrong("nobody can show who they are", "keys beside auth, or jwt, basic or certificates in it")
	}
	if groups := v.Get("groups"); groups.Present() {
		a.Groups = map[string][]string{}
		for _, e := range groups.Entries("groups: {staff: [alice, bob]}") {
			a.Groups[e.Key] = a.consumers(n, e.Value)
		}
	}
	for _, item := range v.Get("allow").List("allow: [{consumers: [alice], path: /orders/*}]") {
		a.Allow = append(a.Allow, a.rule(n, item))
	}
	if v.Get("allow").IsList() && len(a.Allow) == 0 {
		v.Get("allow").Wrong("holds no rule, so that nobody could pass", "{consumers: [alice], path: /orders/*}")
	}
	return a
}

func keyPlaces(v strict.Value) (places []string) {
	for _, item := range v.OneOrMore("[header X-Api-Key, query api-key]") {
		text := item.Text("")
		what, name, _ := strings.Cut(text, " ")
		switch {
		case text == "":
		case what == "header" && isToken(name):
			places = append(places, "header "+http.CanonicalHeaderKey(name))
		case what == "query" && isToken(name):
			places = append(places, text)
		default:
			item.Wrong(fmt.Sprintf("%q is no place for a key", text), "header NAME or query NAME")
		}
	}
	return places
}

// keyDigest notes a stored key whose hash is none.
func keyDigest(v strict.Value, key string) {
	digest, hashed := strings.CutPrefix(key, HashedKey)
	if _, err := hex.DecodeString(digest); hashed && (err != nil || len(digest) != 64) {
		v.Wrong("is no SHA-256", HashedKey+" and 64 hexadecimal digits: printf %s KEY | sha256sum")
	}
}

// mostCost bounds what a password may cost: 14 is near a second.
const mostCost = 14

func passwords(v strict.Value) map[string]string {
	if !v.Present() || v.Off() {
		return nil
	}
	hashes := map[string]string{}
	for _, e := range v.Entries("basic: {alice: $2a$10$…}") {
		hash := e.Value.Text("")
		if !strict.IsLabel(e.Key) {
			e.Value.WrongKey("is no name for a consumer", strict.LabelForm)
		}
		cost, err := bcrypt.Cost([]byte(hash))
		switch {
		case hash == "":
		case err != nil:
			e.Value.Wrong("is no bcrypt hash", "htpasswd -nbB alice PASSWORD makes one")
		case cost > mostCost:
			e.Value.Wrong(fmt.Sprintf("costs 2^%d rounds", cost), fmt.Sprintf("at most %d", mostCost))
		}
		hashes[e.Key] = hash
	}
	if v.IsMap() && len(hashes) == 0 {
		v.Wrong("names no consumer", "basic: {alice: $2a$10$…}")
	}
	return hashes
}

func certificates(v strict.Value) map[string]string {
	if !v.Present() || v.Off() {
		return nil
	}
	names := map[string]string{}
	for _, e := range v.Entries("certificates: {client.example: alice}") {
		names[e.Key] = e.Value.Text("")
		if consumer := names[e.Key]; consumer != "" && !strict.IsLabel(consumer) {
			e.Value.Wrong("is no name for a consumer", strict.LabelForm)
		}
	}
	return names
}

// consumers reads names of those who may be known. Tokens name whom they like.
func (a *Auth) consumers(n *Node, v strict.Value) (names []string) {
	var known []string
	for _, all := range []map[string]string{n.Keys, a.Basic} {
		for name := range all {
			known = append(known, name)
		}
	}
	for _, name := range a.Certificates {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, item := range v.OneOrMore("[alice, bob]") {
		name := item.Text("")
		if name != "" && a.Tokens == nil && !slices.Contains(known, name) {
			item.Wrong(fmt.Sprintf("unknown consumer %q", name), strict.Suggest(name, "the consumers are", slices.Compact(known)))
		}
		names = append(names, name)
	}
	return names
}

// group is the name of one that may be known.
func (a *Auth) group(v strict.Value) string {
	name := v.Text("")
	if _, known := a.Groups[name]; !known && a.Tokens == nil && name != "" {
		v.Wrong(fmt.Sprintf("unknown group %q", name), "one of groups")
	}
	return name
}

func (a *Auth) rule(n *Node, v strict.Value) (rule Rule) {
	if !v.Fields("anyone", "consumers", "groups", "scopes", "claims", "methods", "path") {
		return rule
	}
	rule.Anyone = v.Get("anyone").Bool(false)
	if names := v.Get("consumers"); names.Present() {
		rule.Consumers = a.consumers(n, names)
	}
	for _, item := range v.Get("groups").OneOrMore("[staff]") {
		rule.Groups = append(rule.Groups, a.group(item))
	}
	for _, item := range v.Get("scopes").OneOrMore("[orders:write]") {
		rule.Scopes = append(rule.Scopes, item.Text(""))
	}
	if claims := v.Get("claims"); claims.Present() {
		for _, e := range claims.Entries("{tier: gold}") {
			rule.Claims = append(rule.Claims, PathValue{e.Key, e.Value.Text("")})
		}
	}
	for _, field := range []string{"scopes", "claims"} {
		if a.Tokens == nil && v.Get(field).Present() {
			v.Get(field).WrongKey("only tokens have them, and none are taken", "jwt")
		}
	}
	for _, m := range v.Get("methods").OneOrMore("[GET, HEAD]") {
		if word := m.Word("", Methods...); word != "" {
			rule.Methods = append(rule.Methods, word)
		}
	}
	if v.Get("path").Present() {
		rule.Path = routePattern(v.Get("path"))
	}
	if rule.Anyone && len(rule.Consumers)+len(rule.Groups)+len(rule.Scopes)+len(rule.Claims) > 0 {
		v.Get("anyone").WrongKey("is beside those who are meant", "one or the other")
	}
	return rule
}

const (
	jwtExample    = "jwt: {keys: [{file: issuer.pem}], issuer: https://issuer.example, audience: shop}"
	keyExample    = "{id: k1, algorithm: RS256, file: issuer.pem}"
	defaultLeeway = 0
	defaultEvery  = 5 * time.Minute
	leastEvery    = time.Second
	longestLeeway = 5 * time.Minute
)

func (r *reader) tokens(n *Node, v strict.Value) *Tokens {
	if !v.Present() || v.Off() || !v.Fields("keys", "jwks", "issuer", "audience", "leeway", "consumer") {
		return nil
	}
	t := &Tokens{
		Issuer:   v.Get("issuer").Text(""),
		Leeway:   v.Get("leeway").Duration(defaultLeeway, 0, longestLeeway),
		Consumer: v.Get("consumer").Text("sub"),
		Set:      r.keySet(n, v.Get("jwks")),
	}
	for _, item := range v.Get("audience").OneOrMore("[shop]") {
		t.Audience = append(t.Audience, item.Text(""))
	}
	for _, item := range v.Get("keys").OneOrMore("[" + keyExample + "]") {
		t.Keys = append(t.Keys, r.tokenKey(item))
	}
	if len(t.Keys) == 0 && t.Set == nil && !v.Noted() {
		v.Wrong("has no key to check tokens by", jwtExample)
	}
	return t
}

var algorithms = slices.Concat(algorithmsOf["secret"], algorithmsOf["RSA"], []string{"ES256", "ES384", "ES512", "EdDSA"})

func (r *reader) tokenKey(v strict.Value) (k TokenKey) {
	if !v.Fields("id", "algorithm", "secret", "public-key", "file") {
		return k
	}
	k.ID = v.Get("id").Text("")
	k.Algorithm = v.Get("algorithm").Word("", algorithms...)
	given := 0
	for _, field := range []string{"secret", "public-key", "file"} {
		if v.Get(field).Present() {
			given++
		}
	}
	if given != 1 {
		v.Wrong("is to be one key", "a secret, a public-key (PEM) or a file, as in "+keyExample)
		return k
	}
	k.Secret, k.Text = v.Get("secret").Text(""), v.Get("public-key").Text("")
	if file := v.Get("file"); file.Present() {
		text, err := strict.Load(r.file(file.Text("")))
		if err != nil {
			file.Wrong("cannot be used: "+err.Error(), "a PEM file or a JSON Web Key Set, relative to this file")
			return k
		}
		k.Text = string(text)
	}
	if v.Noted() {
		return k
	}
	keys, err := k.Read()
	switch {
	case err != nil:
		v.Wrong("cannot be used: "+err.Error(), keyExample)
	case len(keys) > 1 && (k.ID != "" || k.Algorithm != ""):
		v.Wrong("is a set, whose keys say themselves what they are", "the file alone")
	}
	return k
}

func (r *reader) keySet(n *Node, v strict.Value) *KeySet {
	if !v.Present() || v.Off() || !v.Fields("from", "path", "every") {
		return nil
	}
	set := &KeySet{
		Path:  requestPath(v.Get("path"), "/.well-known/jwks.json"),
		Every: v.Get("every").Duration(defaultEvery, leastEvery, 24*time.Hour),
	}
	if from := v.Get("from"); from.Need("from: the node that gives the key set") {
		set.From = from.Text("")
		r.links = append(r.links, link{n, set.From, from})
	}
	return set
}
