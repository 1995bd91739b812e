package components

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"trafficlab/topologies"
)

// signers are a key of each kind, made once.
var signers = sync.OnceValue(func() (s struct {
	rsa, other *rsa.PrivateKey
	p256, p384 *ecdsa.PrivateKey
	p521       *ecdsa.PrivateKey
	ed         ed25519.PrivateKey
}) {
	s.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	s.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	s.p256, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.p384, _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	s.p521, _ = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, s.ed, _ = ed25519.GenerateKey(rand.Reader)
	return s
})

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func publicPEM(key crypto.Signer) string {
	der, _ := x509.MarshalPKIXPublicKey(key.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func sign(t testing.TB, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	require.NoError(t, err)
	return text
}

// until is the claims of alice for an hour from the lab's beginning on.
func until(more ...any) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "alice", "exp": labEpoch.Add(time.Hour).Unix()}
	for i := 0; i < len(more); i += 2 {
		if c[more[i].(string)] = more[i+1]; more[i+1] == nil {
			delete(c, more[i].(string))
		}
	}
	return c
}

// labEpoch is when the clock of a bubble begins.
var labEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func tokenNode(told topologies.Tokens) topologies.Node {
	if told.Consumer == "" {
		told.Consumer = "sub"
	}
	return topologies.Node{Auth: &topologies.Auth{Tokens: &told}}
}

func (l *lab) withToken(token string) *outcome { return l.get("/", "Authorization", "Bearer "+token) }

func TestTokensOfAllAlgorithms(t *testing.T) {
	s := signers()
	told := topologies.Tokens{Keys: []topologies.TokenKey{
		{Secret: secret}, {Text: publicPEM(s.rsa)}, {Text: publicPEM(s.p256)}, {Text: publicPEM(s.p384)}, {Text: publicPEM(s.p521)}, {Text: publicPEM(s.ed)},
	}}
	proxyLab(t, tokenNode(told), func(l *lab) {
		for _, tt := range []struct {
			method jwt.SigningMethod
			key    any
		}{
			{jwt.SigningMethodHS256, []byte(secret)}, {jwt.SigningMethodHS384, []byte(secret)}, {jwt.SigningMethodHS512, []byte(secret)},
			{jwt.SigningMethodRS256, s.rsa}, {jwt.SigningMethodRS384, s.rsa}, {jwt.SigningMethodRS512, s.rsa},
			{jwt.SigningMethodPS256, s.rsa}, {jwt.SigningMethodPS384, s.rsa}, {jwt.SigningMethodPS512, s.rsa},
			{jwt.SigningMethodES256, s.p256}, {jwt.SigningMethodES384, s.p384}, {jwt.SigningMethodES512, s.p521},
			{jwt.SigningMethodEdDSA, s.ed},
		} {
			token := sign(t, tt.method, tt.key, "", until())
			require.Equal(t, 200, l.withToken(token).Status, tt.method.Alg())
			sent := l.lastHop().Request.Header
			require.Equal(t, "alice", sent.Values("X-Consumer"))
			require.False(t, sent.Has("Authorization"), "the token stays here")
			dot := strings.LastIndex(token, ".")
			flipped := token[:dot+5] + string(token[dot+5]^1) + token[dot+6:]
			require.Equal(t, 401, l.withToken(flipped).Status, tt.method.Alg())
		}
	})
}

func TestTokensThatAreRefused(t *testing.T) {
	s := signers()
	key := publicPEM(s.rsa)
	told := topologies.Tokens{
		Issuer: "https://issuer.example", Audience: []string{"shop", "till"}, Leeway: 10 * time.Second,
		Keys: []topologies.TokenKey{{ID: "k1", Algorithm: "RS256", Text: key}, {ID: "k2", Text: publicPEM(s.p256)}},
	}
	fine := until("iss", "https://issuer.example", "aud", "shop")
	with := func(more ...any) jwt.MapClaims {
		return until(append([]any{"iss", "https://issuer.example", "aud", "shop"}, more...)...)
	}
	rs := func(claims jwt.MapClaims) string { return sign(t, jwt.SigningMethodRS256, s.rsa, "k1", claims) }
	headed := func(name string, value any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, fine)
		token.Header[name] = value
		text, err := token.SignedString(s.rsa)
		require.NoError(t, err)
		return text
	}
	forged := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", fine)
	now := labEpoch.Unix()
	for name, tt := range map[string]struct {
		token string
		want  int
	}{
		"good":                             {rs(fine), 200},
		"no identity of a key":             {sign(t, jwt.SigningMethodRS256, s.rsa, "", fine), 200},
		"one of several audiences":         {rs(with("aud", []string{"x", "till"})), 200},
		"of another key":                   {sign(t, jwt.SigningMethodRS256, s.other, "k1", fine), 401},
		"of a key not known":               {sign(t, jwt.SigningMethodRS256, s.rsa, "k3", fine), 401},
		"of an algorithm of no key":        {sign(t, jwt.SigningMethodPS256, s.rsa, "k1", fine), 401},
		"of another algorithm than stated": {sign(t, jwt.SigningMethodRS512, s.rsa, "k1", fine), 401},
		"signed with the public key":       {sign(t, jwt.SigningMethodHS256, []byte(key), "k1", fine), 401},
		"none":                             {forged, 401},
		"NoNe":                             {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"NoNe"}`)) + forged[strings.Index(forged, "."):], 401},
		"extensions":                       {headed("crit", []string{"exp"}), 401}, // RFC 7515 section 4.1.11
		"unencoded":                        {headed("b64", false), 401},            // RFC 7797 section 7
		"a path for a key":                 {headed("kid", "../../../dev/null"), 401},
		"keys of its own":                  {sign(t, jwt.SigningMethodRS256, s.other, "", fine), 401},
		"keys from elsewhere":              {headed("jku", "https://evil.example/jwks.json"), 200}, // nobody asks there
		"no end":                           {rs(with("exp", nil)), 401},
		"ended":                            {rs(with("exp", now-10)), 401},
		"ended within the leeway":          {rs(with("exp", now-9)), 200},
		"not yet":                          {rs(with("nbf", now+11)), 401},
		"not yet, for ever":                {rs(with("nbf", 1e300)), 401},
		"nor since long":                   {rs(with("nbf", -1e300)), 401},
		"not before a second too far":      {rs(with("iat", 1<<53+2)), 401},
		"for ever":                         {rs(with("exp", 1e300)), 401},
		"as long as can be told":           {rs(with("exp", 1<<53)), 200},
		"not yet, within the leeway":       {rs(with("nbf", now+10)), 200},
		"another issuer":                   {rs(with("iss", "https://evil.example")), 401},
		"no issuer":                        {rs(with("iss", nil)), 401},
		"another audience":                 {rs(with("aud", "bank")), 401},
		"no audience":                      {rs(with("aud", nil)), 401},
		"nobody":                           {rs(with("sub", nil)), 401},
		"a number for a name":              {rs(with("sub", 7)), 401},
		"a name that breaks headers":       {rs(with("sub", "a\r\nX-Admin: 1")), 401},
		"a name too long":                  {rs(with("sub", strings.Repeat("a", 257))), 401},
		"too long":                         {rs(with("x", strings.Repeat("a", longestToken))), 401},
		"empty":                            {"", 401},
		"nonsense":                         {"a.b.c", 401},
		"two parts":                        {"a.b", 401},
	} {
		proxyLab(t, tokenNode(told), func(l *lab) {
			out := l.withToken(tt.token)
			require.Equal(t, tt.want, out.Status, name)
			if tt.want == 401 {
				require.Equal(t, `Bearer realm="edge", error="invalid_token"`, out.Header.Get("WWW-Authenticate"), name)
				require.Empty(t, l.asked())
			}
			require.Equal(t, tt.want, l.withToken(tt.token).Status, "%s, once more", name)
		})
	}
	proxyLab(t, tokenNode(told), func(l *lab) {
		require.Equal(t, `Bearer realm="edge"`, l.get("/").Header.Get("WWW-Authenticate"), "nothing was wrong yet")
		require.Equal(t, 401, l.get("/", "Authorization", "Basic YTpi").Status)
		token := rs(fine)
		require.Equal(t, 200, l.get("/", "authorization", "bearer  "+token).Status)
		time.Sleep(time.Hour + 9*time.Second)
		require.Equal(t, 200, l.withToken(token).Status)
		time.Sleep(time.Second)
		require.Equal(t, 401, l.withToken(token).Status, "what is remembered ends too")
	})
}

// keySetOf writes a key set.
func keySetOf(keys map[string]*rsa.PrivateKey) []byte {
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	for id, key := range keys {
		set.Keys = append(set.Keys, map[string]string{"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())})
	}
	text, _ := json.Marshal(set)
	return text
}

func issuer(set []byte) upstream {
	return always(answer{Response: Response{Status: 200, Body: Body{Size: int64(len(set)), Bytes: set}}, after: 5 * ms})
}

// withIssuer is a proxy whose tokens are checked by a set that another node
// gives.
func withIssuer(t *testing.T, test func(l *lab)) {
	node := tokenNode(topologies.Tokens{Set: &topologies.KeySet{From: "issuer", Path: "/keys", Every: time.Minute}})
	top := proxyTopology(node)
	top.Nodes = append(top.Nodes, &topologies.Node{Name: "issuer", Kind: topologies.Backend, Replicas: 1})
	inLab(t, top, nil, func(l *lab) {
		for _, place := range top.Pool([]string{"api"}) {
			l.upstreams[place] = always(fine())
		}
		test(l)
	})
}

func (l *lab) begin() {
	x := &fakeExchange{lab: l, gone: l.ended, out: &outcome{}}
	l.component.Begin(x)
}

func TestKeySets(t *testing.T) {
	s := signers()
	first := sign(t, jwt.SigningMethodRS256, s.rsa, "k1", until())
	second := sign(t, jwt.SigningMethodRS256, s.other, "k2", until())
	strange := sign(t, jwt.SigningMethodRS256, s.other, "k9", until())
	one, both := keySetOf(map[string]*rsa.PrivateKey{"k1": s.rsa}), keySetOf(map[string]*rsa.PrivateKey{"k1": s.rsa, "k2": s.other})
	only := keySetOf(map[string]*rsa.PrivateKey{"k2": s.other})

	withIssuer(t, func(l *lab) { // rotation by a token with a key that is new
		l.serve("issuer", issuer(one))
		l.begin()
		time.Sleep(20 * time.Second)
		require.Len(t, l.checked(), 1)
		require.Equal(t, "/keys", l.checked()[0].Request.Path)
		require.Equal(t, 200, l.withToken(first).Status)
		require.Len(t, l.checked(), 1, "what is known needs no fetch")
		l.serve("issuer", issuer(both))
		out := l.withToken(second)
		require.Equal(t, 200, out.Status)
		require.Equal(t, 20*time.Second+5*ms, out.at, "it waited for the set")
		for range 10 {
			require.Equal(t, 401, l.withToken(strange).Status)
		}
		require.Len(t, l.checked(), 2, "inventing keys causes no fetches")
		time.Sleep(setRest)
		require.Equal(t, 401, l.withToken(strange).Status)
		require.Len(t, l.checked(), 3)
		l.serve("issuer", issuer(only))
		time.Sleep(time.Minute)
		require.Len(t, l.checked(), 4)
		require.Equal(t, 401, l.withToken(first).Status, "a key taken out of the set is good no more")
		require.Equal(t, 200, l.withToken(second).Status)
		l.serve("issuer", always(status(500)))
		time.Sleep(2 * time.Minute)
		require.Equal(t, 200, l.withToken(second).Status, "what was known stays while the issuer is ill")
		l.serve("issuer", issuer([]byte("{}")))
		time.Sleep(time.Minute)
		require.Equal(t, 200, l.withToken(second).Status)
	})

	withIssuer(t, func(l *lab) { // several wait for one fetch
		l.serve("issuer", issuer(one))
		l.begin()
		var all []<-chan *outcome
		for range 3 {
			all = append(all, l.during(func() *outcome { return l.withToken(first) }))
		}
		for _, done := range all {
			require.Equal(t, 200, (<-done).Status)
		}
		require.Len(t, l.checked(), 1)
	})

	withIssuer(t, func(l *lab) { // an issuer that is down, then up
		l.serve("issuer", always(fails(2, 0)))
		l.begin()
		synctest.Wait()
		out := l.withToken(first)
		require.Equal(t, 503, out.Status)
		require.Equal(t, "trafficlab; error=proxy_internal_error", out.Header.Get("Proxy-Status"))
		l.serve("issuer", issuer(one))
		time.Sleep(setRest)
		require.Equal(t, 200, l.withToken(first).Status)
	})

	withIssuer(t, func(l *lab) { // an issuer that hangs
		l.serve("issuer", always(fine().in(time.Hour)))
		l.begin()
		synctest.Wait()
		out := l.withToken(first)
		require.Equal(t, 503, out.Status)
		require.Equal(t, setPatience, out.at)
	})
}

func TestHashedKeysAndTheirPlaces(t *testing.T) {
	node := topologies.Node{
		// printf %s k-alice | sha256sum
		Keys: map[string]string{"alice": "sha256:8a7db1bdaf8ebd3c1b1cf95ac0bea0b8cc35fbaf2bd7ce5ab4d1ec5f3ac1a1a2", "bob": "k-bob"},
		Auth: &topologies.Auth{KeyIn: []string{"header X-Token", "query api-key"}},
	}
	node.Keys["alice"] = fmt.Sprintf("sha256:%x", hashOf("k-alice"))
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct {
			query, header string
			want          int
			consumer      string
			onward        string
		}{
			{"", "k-alice", 200, "alice", ""},
			{"", "k-bob", 200, "bob", ""},
			{"a=1&api-key=k-alice&b=2", "", 200, "alice", "a=1&b=2"},
			{"api%2Dkey=k%2dalice&b=2", "", 200, "alice", "b=2"},
			{"api%2Dkey=k%2dalice&api-key=x", "", 401, "", ""},
			{"api-key=&api-key=k-alice", "", 401, "", ""},
			{"a=1&api-key=nobody", "", 401, "", ""},
			{"api-key=k-bob", "k-alice", 200, "alice", ""},
			{"api-key=k-bob", "nobody", 401, "", ""},
			{"api-key=" + strings.TrimPrefix(node.Keys["alice"], "sha256:"), "", 401, "", ""},
			{"", node.Keys["alice"], 401, "", ""},
			{"api-key=", "", 401, "", ""},
		} {
			req := Request{Method: "GET", Path: "/", Query: tt.query}
			if tt.header != "" {
				req.Header = Header{{"X-Token", tt.header}, {"X-Api-Key", "somebody else's"}}
			}
			out := l.send(newEvent(), req)
			require.Equal(t, tt.want, out.Status, "%+v", tt)
			if tt.want != 200 {
				require.Equal(t, `ApiKey header="X-Token", ApiKey query="api-key"`, out.Header.Values("WWW-Authenticate"))
				continue
			}
			hop := l.lastHop().Request
			require.Equal(t, tt.consumer, hop.Header.Get("X-Consumer"))
			require.Equal(t, tt.onward, hop.Query)
			require.False(t, hop.Header.Has("X-Token"))
		}
	})
	node.Auth.PassCredentials = true
	proxyLab(t, node, func(l *lab) {
		l.send(newEvent(), Request{Method: "GET", Path: "/", Query: "api-key=k-bob", Header: Header{{"X-Token", "k-alice"}}})
		hop := l.lastHop().Request
		require.Equal(t, "api-key=k-bob", hop.Query)
		require.Equal(t, "k-alice", hop.Header.Get("X-Token"))
	})
}

// TestCredentialsShownTwice: which of two counts is not for the next in line to
// choose (RFC 9110 section 5.3: fields that are no lists stand once).
func TestCredentialsShownTwice(t *testing.T) {
	node := tokenNode(topologies.Tokens{Keys: []topologies.TokenKey{{Secret: secret}}})
	node.Keys, node.Auth.PassCredentials = map[string]string{"alice": "a"}, true
	token := "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(secret), "", until())
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct {
			fields []string
			want   int
		}{
			{[]string{"Authorization", token}, 200},
			{[]string{"Authorization", token, "authorization", "Bearer x"}, 401},
			{[]string{"Authorization", token, "Authorization", token}, 401},
			{[]string{"Authorization", "", "Authorization", token}, 401},
			{[]string{"X-Api-Key", "a"}, 200},
			{[]string{"X-Api-Key", "a", "x-api-key", "b"}, 401},
			{[]string{"X-Api-Key", "", "X-Api-Key", "a"}, 401},
			{[]string{"X-Api-Key", "a", "Authorization", token}, 200},
		} {
			require.Equal(t, tt.want, l.get("/", tt.fields...).Status, tt.fields)
		}
	})
}

// TestKeysStayWhereTheyWereShown: a key in the query goes neither upstream, nor
// with the page that a request names as its own, nor to where another host's
// address leads, nor into what a cache tells answers apart by.
func TestKeysStayWhereTheyWereShown(t *testing.T) {
	redirect := func(path, to string) topologies.Route {
		return topologies.Route{Path: path, Redirect: &topologies.Redirect{Status: 308, To: to}}
	}
	node := topologies.Node{
		Keys:  map[string]string{"alice": "a", "bob": "b"},
		Auth:  &topologies.Auth{KeyIn: []string{"query key"}},
		Cache: &topologies.Cache{Capacity: 1 << 20},
		Routes: []topologies.Route{redirect("/here/*", "/{*}"), redirect("/full/*", "https://{host}:8443/{*}"), redirect("/path/*", "https://{host}{path}"),
			redirect("/away/*", "https://other.example/{*}"), redirect("/asks/*", "//other.example/?q={query}"), redirect("/like/*", "https://{host}.example/{*}"),
			{Path: "/*"}},
	}
	ask := func(path, query string, fields ...string) Request {
		r := Request{Method: "GET", Host: "shop", Path: path, Query: query, Lasting: true}
		for i := 0; i < len(fields); i += 2 {
			r.Header = r.Header.Add(fields[i], fields[i+1])
		}
		return r
	}
	proxyLab(t, node, func(l *lab) {
		for referer, want := range map[string]string{
			"":                             "",
			"https://shop/a?key=a":         "https://shop/a",
			"https://shop/a?x=1&%6bey=a":   "https://shop/a?x=1",
			"https://shop/a?key=a#x?key=a": "https://shop/a#x?key=a",
			"https://shop/a#x":             "https://shop/a#x",
		} {
			require.Equal(t, 200, l.send(newEvent(), ask("/", "key=a", "Referer", referer)).Status)
			require.Equal(t, want, l.lastHop().Request.Header.Get("Referer"))
			require.Empty(t, l.lastHop().Request.Query)
		}
		for path, want := range map[string]string{
			"/here/x": "/x?key=a&b=1", "/full/x": "https://shop:8443/x?key=a&b=1", "/path/x": "https://shop/path/x?key=a&b=1",
			"/away/x": "https://other.example/x?b=1", "/asks/x": "//other.example/?q=b=1", "/like/x": "https://shop.example/x?b=1",
		} {
			require.Equal(t, want, l.send(newEvent(), ask(path, "key=a&b=1")).Header.Get("Location"))
		}

		l.everywhere(always(fine("Cache-Control", "public, max-age=60")))
		asked := len(l.asked())
		for _, key := range []string{"a", "b"} {
			require.Equal(t, 200, l.send(newEvent(), ask("/page", "x=1&key="+key)).Status)
		}
		require.Len(t, l.asked(), asked+1, "what is for all is stored once")
		l.everywhere(always(fine("Cache-Control", "max-age=60")))
		for _, key := range []string{"a", "b"} {
			require.Equal(t, 200, l.send(newEvent(), ask("/mine", "key="+key)).Status)
		}
		require.Len(t, l.asked(), asked+3, "what may be for one caller is stored for none")
		r := ask("/page", "x=1&key=b")
		r.Method = "PUT"
		l.send(newEvent(), r)
		require.Len(t, l.asked(), asked+4)
		l.send(newEvent(), ask("/page", "x=1&key=a"))
		require.Len(t, l.asked(), asked+5, "what was written is forgotten for all")
	})
}

// TestFieldsThatMimicOthers: CGI and WSGI make the same variable of X-Consumer
// and of X_Consumer.
func TestFieldsThatMimicOthers(t *testing.T) {
	node := topologies.Node{Keys: map[string]string{"alice": "a"}, Trust: []string{"10.0.0.0/8"},
		Routes: []topologies.Route{{Path: "/*", Request: topologies.Edit{Remove: []string{"X-Gone"}, Set: []topologies.PathValue{{Path: "X-Team", Value: "shop"}}}}}}
	proxyLab(t, node, func(l *lab) {
		l.get("/", "X-Api-Key", "a", "X_Consumer", "admin", "x_forwarded-for", "10.0.0.1", "X-Forwarded_Proto", "https", "Transfer_Encoding", "chunked",
			"Content_Length", "5", "X_Api_Key", "a", "X_Gone", "1", "X_Team", "bank", "X_Other", "stays")
		var names []string
		for _, f := range l.lastHop().Request.Header {
			names = append(names, f.Name)
		}
		require.Equal(t, []string{"X_Other", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Via", "X-Consumer", "X-Team"}, names)
	})
}

func hashOf(key string) []byte {
	h := crypto.SHA256.New()
	h.Write([]byte(key))
	return h.Sum(nil)
}

func TestPasswords(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("open:sesame"), bcrypt.MinCost)
	require.NoError(t, err)
	node := topologies.Node{Auth: &topologies.Auth{Basic: map[string]string{"alice": string(hash)}}}
	proxyLab(t, node, func(l *lab) {
		basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
		for range 2 {
			for shown, want := range map[string]int{
				basic("alice:open:sesame"):                                        200,
				"basic" + strings.TrimPrefix(basic("alice:open:sesame"), "Basic"): 200,
				basic("alice:open"):                                               401,
				basic("bob:open:sesame"):                                          401,
				basic("alice"):                                                    401,
				"Basic !":                                                         401,
				"Basic":                                                           401,
				"Bearer x":                                                        401,
			} {
				out := l.get("/", "Authorization", shown)
				require.Equal(t, want, out.Status, shown)
				if want == 401 {
					require.Equal(t, `Basic realm="edge", charset="UTF-8"`, out.Header.Get("WWW-Authenticate"))
				}
			}
		}
		require.False(t, l.lastHop().Request.Header.Has("Authorization"))
		require.Equal(t, "alice", l.lastHop().Request.Header.Get("X-Consumer"))
	})
}

// TestPasswordsTakeTurns: many guesses leave room for other work, and of the
// same pair one is worked on.
func TestPasswordsTakeTurns(t *testing.T) {
	p := newPasswords(map[string]string{"alice": string(must(bcrypt.GenerateFromPassword([]byte("sesame"), bcrypt.MinCost)))})
	most, under, begun := cap(p.under), atomic.Int32{}, atomic.Int32{}
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		p.under = make(chan struct{}, most)
		p.compare = func(hash, password []byte) error {
			begun.Add(1)
			require.LessOrEqual(t, int(under.Add(1)), most)
			time.Sleep(time.Second)
			under.Add(-1)
			return bcrypt.CompareHashAndPassword(hash, password)
		}
		for i := range 8 * most {
			pair := "alice:" + []string{"sesame", "wrong", "worse", "bad"}[i%4]
			all.Go(func() {
				_, right := p.bearer(base64.StdEncoding.EncodeToString([]byte(pair)))
				require.Equal(t, i%4 == 0, right)
			})
		}
		synctest.Wait()
		require.Equal(t, most, int(under.Load()))
		all.Wait()
	})
	require.GreaterOrEqual(t, int(begun.Load()), 4)
	require.LessOrEqual(t, int(begun.Load()), max(4, 4*most), "not one for each that asked")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestCertificates(t *testing.T) {
	node := topologies.Node{Auth: &topologies.Auth{Certificates: map[string]string{"spiffe://shop/cart": "cart"}}}
	proxyLab(t, node, func(l *lab) {
		for identity, want := range map[string]int{"": 401, "spiffe://shop/till": 401, "spiffe://shop/cart": 200} {
			out := l.send(newEvent(), Request{Method: "GET", Path: "/", TLS: identity != "", Identity: identity})
			require.Equal(t, want, out.Status, identity)
		}
		require.Equal(t, "cart", l.lastHop().Request.Header.Get("X-Consumer"))
	})
}

func TestRules(t *testing.T) {
	node := topologies.Node{
		Keys: map[string]string{"alice": "a", "bob": "b", "carol": "c"},
		Auth: &topologies.Auth{
			Tokens: &topologies.Tokens{Keys: []topologies.TokenKey{{Secret: secret}}, Consumer: "sub"},
			Groups: map[string][]string{"staff": {"alice", "dave"}},
			Allow: []topologies.Rule{
				{Anyone: true, Path: "/public/*", Methods: []string{"GET"}},
				{Path: "/hello"},
				{Consumers: []string{"bob"}, Groups: []string{"staff"}, Path: "/orders/{id}"},
				{Scopes: []string{"orders:write", "orders:read"}, Methods: []string{"POST"}, Path: "/orders"},
				{Claims: []topologies.PathValue{{Path: "tier", Value: "gold"}, {Path: "beta", Value: "true"}}, Path: "/beta"},
			},
		},
	}
	bearer := func(more ...any) string { return sign(t, jwt.SigningMethodHS256, []byte(secret), "", until(more...)) }
	proxyLab(t, node, func(l *lab) {
		for _, tt := range []struct {
			who, method, path string
			want              int
		}{
			{"", "GET", "/public/a", 200},
			{"", "HEAD", "/public/a", 200},
			{"", "POST", "/public/a", 401},
			{"c", "POST", "/public/a", 403},
			{"wrong", "GET", "/public/a", 401},
			{"", "GET", "/public/../admin", 400},
			{"", "GET", "/public/%2e%2E/admin", 400},
			{"", "GET", "/public/..;x=1/admin", 400},
			{"", "GET", "/public/..%5corders/1", 400},
			{"", "GET", "/public/..%00/orders/1", 400},
			{"", "GET", "/public/..%09/", 400},
			{"", "GET", "/public/%252e%252e/admin", 200},
			{"", "GET", "/hello", 401},
			{"c", "GET", "/hello", 200},
			{"c", "GET", "/%68ello", 200},
			{"c", "GET", "/hello/", 403},
			{"a", "GET", "/orders/7", 200},
			{"b", "DELETE", "/orders/7", 200},
			{"c", "GET", "/orders/7", 403},
			{"a", "GET", "/orders/", 403},
			{"a", "GET", "/orders/7/8", 403},
			{"a", "POST", "/orders", 403},
			{bearer("sub", "dave"), "GET", "/orders/7", 200},
			{bearer("sub", "erin"), "GET", "/orders/7", 403},
			{bearer("sub", "erin", "groups", []string{"staff"}), "GET", "/orders/7", 200},
			{bearer("scope", "orders:read orders:write"), "POST", "/orders", 200},
			{bearer("scp", []string{"orders:read", "orders:write"}), "POST", "/orders", 200},
			{bearer("scope", "orders:write"), "POST", "/orders", 403},
			{bearer("scope", "orders:read orders:write"), "PUT", "/orders", 403},
			{bearer("tier", "gold", "beta", true), "GET", "/beta", 200},
			{bearer("tier", []string{"silver", "gold"}, "beta", true), "GET", "/beta", 200},
			{bearer("tier", "gold"), "GET", "/beta", 403},
			{bearer("tier", "gold", "beta", true), "GET", "/else", 403},
		} {
			var fields []string
			switch {
			case len(tt.who) > 10:
				fields = []string{"Authorization", "Bearer " + tt.who}
			case tt.who != "":
				fields = []string{"X-Api-Key", tt.who}
			}
			out := l.do(tt.method, tt.path, fields...)
			require.Equal(t, tt.want, out.Status, "%s %s as %q", tt.method, tt.path, tt.who)
			require.Equal(t, tt.want == 401, out.Header.Has("WWW-Authenticate"))
		}
	})
}

func TestWhatWasFoundOutIsBounded(t *testing.T) {
	var f found[int]
	for i := range 3 * mostFound {
		f.put(digest{byte(i), byte(i >> 8), byte(i >> 16)}, i)
		require.LessOrEqual(t, len(f.young)+len(f.old), mostFound)
		last, ok := f.get(digest{byte(i), byte(i >> 8), byte(i >> 16)})
		require.True(t, ok)
		require.Equal(t, i, last)
		_, ok = f.get(digest{1: 0xff, 5: 1})
		require.False(t, ok)
	}
	f.forget()
	_, ok := f.get(digest{})
	require.False(t, ok)
}

func FuzzTokens(f *testing.F) {
	s := signers()
	tokens := newTokens(&topologies.Tokens{Consumer: "sub", Keys: []topologies.TokenKey{{Secret: secret}, {Text: publicPEM(s.rsa)}}})
	valid := sign(f, jwt.SigningMethodHS256, []byte(secret), "", until())
	f.Add(valid)
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", until()))
	f.Add(sign(f, jwt.SigningMethodHS256, []byte(publicPEM(s.rsa)), "k", until("nbf", 1e300, "exp", 1e300)))
	f.Add("eyJhbGciOiJSUzI1NiIsImtpZCI6bnVsbH0.e30.")
	known := map[string]bool{valid: true}
	f.Fuzz(func(t *testing.T, text string) {
		who, found := tokens.bearer(text, labEpoch)
		require.Equal(t, found == good, who != nil)
		require.True(t, found == good || found == bad)
		if found == good {
			// Nothing but what was signed gets in, though its header may be
			// written in other words.
			require.Equal(t, strings.Split(valid, ".")[1], strings.Split(text, ".")[1], "%v", known)
		}
	})
}
