package components

import (
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"trafficlab/topologies"
)

// tokens checks JSON Web Tokens. A key is good for its own algorithms alone,
// so that neither "none" nor a public key taken for a secret gets anybody in.
//
// Source: RFC 7519, RFC 7515, RFC 8725.
// Cost: a signature for each new token, a digest and a look-up from then on.
// Weak spot: a token that was called back is good until it ends, or until its
// key is taken out of the set.
type tokens struct {
	told  *topologies.Tokens
	fixed []topologies.PublicKey
	found found[*bearer]

	mu      sync.Mutex
	fetched []topologies.PublicKey // the set; nil: not yet
	asked   time.Duration          // when the set was last asked for
	asks    int                    // how often
	pending Signal                 // fires when the set under way is here, or fails; nil: none
}

const (
	longestToken = 16 << 10
	longestName  = 256
	longestDate  = 1 << 53 // seconds either way; what is further away runs over, into the past
	longestSet   = 1 << 20

	// setPatience bounds the wait for a key set, and setRest is the least
	// time between two that requests ask for: who invents key identities
	// causes no more fetches than that.
	setPatience = 2 * time.Second
	setRest     = 10 * time.Second
)

func newTokens(told *topologies.Tokens) *tokens {
	if told == nil {
		return nil
	}
	t := &tokens{told: told}
	for i := range told.Keys {
		keys, err := told.Keys[i].Read()
		if err != nil {
			continue // the topology's check has refused it
		}
		t.fixed = append(t.fixed, keys...)
	}
	return t
}

var (
	errNoKey    = errors.New("no key is good for the token")
	errExtended = errors.New("the token has extensions that must be understood")
)

// bearer is who shows a token.
func (t *tokens) bearer(token string, date time.Time) (*bearer, verdict) {
	if len(token) > longestToken {
		return nil, bad
	}
	d := digest(sha256.Sum256([]byte(token)))
	if who, seen := t.found.get(d); seen {
		if date.Before(who.from) || !date.Before(who.until) {
			return nil, bad
		}
		return who, good
	}
	fetched, setKnown := t.set()
	claims := jwt.MapClaims{}
	_, err := t.parser(date).ParseWithClaims(token, claims, func(token *jwt.Token) (any, error) {
		return t.keys(token, fetched)
	})
	switch {
	case errors.Is(err, errNoKey) && t.told.Set != nil:
		return nil, unknown
	case err != nil:
		return nil, bad
	}
	who := t.believe(claims)
	if who == nil {
		return nil, bad
	}
	if _, still := t.set(); still == setKnown {
		t.found.put(d, who)
	}
	return who, good
}

// set is the fetched keys, and which of the sets that came they are.
func (t *tokens) set() (keys []topologies.PublicKey, at int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fetched, t.asks
}

func (t *tokens) parser(date time.Time) *jwt.Parser {
	options := []jwt.ParserOption{
		jwt.WithTimeFunc(func() time.Time { return date }),
		jwt.WithLeeway(t.told.Leeway),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
	}
	if t.told.Issuer != "" {
		options = append(options, jwt.WithIssuer(t.told.Issuer))
	}
	if len(t.told.Audience) > 0 {
		options = append(options, jwt.WithAudience(t.told.Audience...))
	}
	return jwt.NewParser(options...)
}

// keys are those that a token may have been signed with: of its identity, if it
// names one, and for its algorithm.
func (t *tokens) keys(token *jwt.Token, fetched []topologies.PublicKey) (any, error) {
	for _, extension := range []string{"crit", "b64"} { // RFC 7515 section 4.1.11, RFC 7797 section 7
		if _, has := token.Header[extension]; has {
			return nil, errExtended
		}
	}
	id, _ := token.Header["kid"].(string)
	var fit jwt.VerificationKeySet
	for _, keys := range [][]topologies.PublicKey{t.fixed, fetched} {
		for _, k := range keys {
			if slices.Contains(k.Algorithms, token.Method.Alg()) && (id == "" || k.ID == "" || k.ID == id) {
				fit.Keys = append(fit.Keys, k.Key)
			}
		}
	}
	if len(fit.Keys) == 0 {
		return nil, errNoKey
	}
	return fit, nil
}

// believe makes a bearer of claims, or nil if they name no consumer that could
// stand in a header.
func (t *tokens) believe(claims jwt.MapClaims) *bearer {
	name, _ := claims[t.told.Consumer].(string)
	if name == "" || len(name) > longestName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil
	}
	for _, claim := range []string{"exp", "nbf", "iat"} {
		if at, ok := claims[claim].(float64); ok && !(math.Abs(at) <= longestDate) {
			return nil
		}
	}
	until, err := claims.GetExpirationTime()
	if err != nil || until == nil {
		return nil
	}
	who := &bearer{consumer: name, claims: claims, until: until.Add(t.told.Leeway)}
	if from, _ := claims.GetNotBefore(); from != nil {
		who.from = from.Add(-t.told.Leeway)
	}
	who.groups = wordsOf(claims["groups"])
	who.scopes = append(wordsOf(claims["scope"]), wordsOf(claims["scp"])...)
	return who
}

// wordsOf are those of a claim: a list, or a text with spaces between.
func wordsOf(claim any) (all []string) {
	switch claim := claim.(type) {
	case string:
		return strings.Fields(claim)
	case []any:
		for _, item := range claim {
			if word, ok := item.(string); ok {
				all = append(all, word)
			}
		}
	}
	return all
}

// claims tells whether a claim is the value asked for, or has it among others.
func claims(claim any, value string) bool {
	switch claim := claim.(type) {
	case string:
		return claim == value
	case bool:
		return strconv.FormatBool(claim) == value
	case float64:
		return strconv.FormatFloat(claim, 'f', -1, 64) == value
	case []any:
		return slices.ContainsFunc(claim, func(item any) bool { return claims(item, value) })
	}
	return false
}

// verdict is what is to be said of a token whose key is not known.
func (t *tokens) verdict() verdict {
	if keys, _ := t.set(); keys == nil {
		return keysLost
	}
	return bad
}

// learnKeys waits for a key set that may have the key of the visit's token. It
// fetches one if that may be; if not, it does not wait.
func (p *proxy) learnKeys(v *visit) (pause Pause, waits bool) {
	t, now := p.auth.tokens, v.x.Now()
	t.mu.Lock()
	signal := t.pending
	fetch := signal == nil && (t.asks == 0 || now >= t.asked+setRest)
	if fetch {
		signal = t.begin(v.x, now)
	}
	t.mu.Unlock()
	if fetch {
		p.fetchKeys(v.x)
	}
	if signal == nil || v.stage == learning {
		return Pause{}, false
	}
	pause, _ = v.pause(learning, now+setPatience, signal, v.x.Canceled())
	return pause, true
}

// begin notes that a set is under way. It needs the lock.
func (t *tokens) begin(x Exchange, now time.Duration) Signal {
	t.pending, t.asked = x.NewSignal(), now
	t.asks++
	return t.pending
}

// end takes the set that has come, or nil for none: what was known stays then.
func (t *tokens) end(keys []topologies.PublicKey) {
	t.mu.Lock()
	signal := t.pending
	t.pending = nil
	if keys != nil {
		t.fetched = keys
		t.asks++
	}
	t.mu.Unlock()
	if keys != nil {
		t.found.forget()
	}
	if signal != nil {
		signal.Fire()
	}
}
