package topologies

import (
	"time"
)

// Auth says by what a node knows who asks, beside its keys, and who may ask
// what. A request shows who it is by the first of these that it brings: an API
// key, a token, a name and password, a client's certificate.
type Auth struct {
	KeyIn        []string          // "header NAME", "query NAME": where API keys are looked for
	Tokens       *Tokens           // nil: none are taken
	Basic        map[string]string // consumer → bcrypt hash of a password
	Certificates map[string]string // identity of a certificate → consumer
	Groups       map[string][]string
	// Allow is who may ask what. If it is not empty, all else is denied; if it
	// is, whoever is known may ask everything.
	Allow []Rule
	// PassCredentials leaves in requests what they showed; else upstreams do
	// not see it.
	PassCredentials bool
}

// Tokens says which JSON Web Tokens (RFC 7519) are believed. A token has to say
// until when it holds (exp).
type Tokens struct {
	Keys     []TokenKey
	Set      *KeySet
	Issuer   string   // "": any
	Audience []string // any of them; empty: any
	Leeway   time.Duration
	Consumer string // the claim that names the consumer
}

// TokenKey is a key that signs tokens. It is good for its algorithms alone,
// whatever a token says.
type TokenKey struct {
	ID        string // "": for tokens that name none, and for all others too
	Algorithm string // "": as the key says itself
	Secret    string // of HS256, HS384, HS512
	Text      string // else: a public key or certificate as PEM, or a JSON Web Key Set
}

// KeySet is a JSON Web Key Set (RFC 7517) that a node of the topology gives.
type KeySet struct {
	From  string
	Path  string
	Every time.Duration // it is fetched anew
}

// Rule lets those of its consumers or groups, who have all of its scopes and
// claims, ask its methods and path. What it leaves out does not matter to it.
type Rule struct {
	Anyone    bool // even those who show nothing
	Consumers []string
	Groups    []string
	Scopes    []string
	Claims    []PathValue
	Methods   []string
	Path      string // a route's pattern; "": any
}

// Knows tells whether the node asks who its callers are.
func (n *Node) Knows() bool { return n.Keys != nil || n.Auth != nil }
