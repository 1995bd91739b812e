package components

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

// TestNobodyPoisonsTheCache: what a stranger says beside the target does not
// lead to an answer that others are given. The origin here repeats all that it
// is told in its answers, as bad ones do.
func TestNobodyPoisonsTheCache(t *testing.T) {
	stranger, trusted := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("127.0.0.1")
	for name, attack := range map[string]Request{
		"a host to be forwarded":              {Header: saying("X-Forwarded-Host: evil")},
		"a scheme to be forwarded":            {Header: saying("X-Forwarded-Proto: evil")},
		"the standard's form of it":           {Header: saying("Forwarded: host=evil")},
		"who it comes from":                   {Header: saying("X-Consumer: evil")},
		"another host":                        {Host: "evil"},
		"another port":                        {Host: "shop:666"},
		"a body (a fat GET)":                  {Size: 4},
		"what may be stored, taken away":      {Header: saying("Connection: Cache-Control, X-Forwarded-Host", "X-Forwarded-Host: evil")},
		"a range of its own":                  {Header: saying("Range: bytes=0-0")},
		"a condition of its own":              {Header: saying(`If-None-Match: "evil"`)},
		"credentials":                         {Header: saying("Authorization: evil")},
		"a language, hidden from the origin":  {Header: saying("Accept-Language: de", "Connection: Accept-Language")},
		"a coding that nobody else can read":  {Header: saying("Accept-Encoding: evil")},
		"a field that answers are said to be": {Header: saying("X-Cache: hit", "Cache-Status: edge; hit")},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(true), func(l *lab) {
				l.everywhere(func(h Hop) answer {
					r := h.Request
					if r.Header.Has("Range") {
						return status(206, "Cache-Control", "max-age=60", "Content-Range", "bytes 0-0/1000")
					}
					if r.Header.Get("If-None-Match") == `"evil"` {
						return status(304, "Cache-Control", "max-age=60")
					}
					a := cacheable("Vary", "Accept-Language", "X-Language", r.Header.Get("Accept-Language"))
					for _, told := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Consumer", "Authorization", "Accept-Encoding"} {
						a.Header = a.Header.Add("X-Told", r.Header.Values(told))
					}
					a.Header = a.Header.Add("X-Told", r.Host)
					if r.Size != 0 {
						a.Header = a.Header.Add("X-Told", "evil")
					}
					return a
				})
				attack := attack
				attack.Method, attack.Path, attack.Peer = "GET", "/", stranger
				if attack.Host == "" {
					attack.Host = "shop"
				}
				l.send(newEvent(), attack)
				for _, language := range []string{"de", "en"} {
					out := l.send(newEvent(), Request{Method: "GET", Host: "shop", Path: "/", Peer: trusted, Header: saying("Accept-Language: " + language)})
					require.Equal(t, 200, out.Status)
					require.Equal(t, int64(1000), out.Body.Size)
					require.NotContains(t, out.Header.Values("X-Told"), "evil")
					require.NotContains(t, out.Header.Values("X-Told"), "666")
					require.Equal(t, language, out.Header.Get("X-Language"))
				}
			})
		})
	}
}

// TestErrorsThatACallerBringsAbout, with a head too long or an odd one, are
// not stored for others unless their origin gives them a lifetime (cache-poisoned
// denial of service, Nguyen et al. 2019).
func TestErrorsThatACallerBringsAbout(t *testing.T) {
	for _, failed := range []int{400, 401, 403, 406, 407, 408, 409, 411, 412, 413, 415, 417, 421, 422, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505} {
		node := caching(true)
		node.Cache.Negative = 10
		proxyLab(t, node, func(l *lab) {
			l.everywhere(script(status(failed, "Last-Modified", on(-1000)), cacheable()))
			require.Equal(t, failed, l.get("/", "X-Long", "x").Status)
			require.Equal(t, 200, l.get("/").Status, failed)
		})
	}
}

// TestWhatAnOriginSaysOfItsAnswersStays, whatever its Connection names (RFC
// 9110 section 7.6.1).
func TestWhatAnOriginSaysOfItsAnswersStays(t *testing.T) {
	for _, forbids := range []string{"Cache-Control: no-store", "CDN-Cache-Control: private", "Set-Cookie: a=b", "Vary: *"} {
		proxyLab(t, caching(true), func(l *lab) {
			a := fine("Expires", "Sat, 01 Jan 2050 00:00:00 GMT", "Connection", "Cache-Control, cdn-cache-control, Set-Cookie, Vary, X-Debug", "X-Debug", "1")
			a.Header = append(a.Header, saying(forbids)...)
			l.everywhere(always(a))
			out := l.get("/")
			require.True(t, out.Header.Has(saying(forbids)[0].Name))
			require.False(t, out.Header.Has("X-Debug"))
			require.Equal(t, "miss", xCache(l.get("/")), forbids)
		})
	}
}

// TestHopByHop: RFC 9110 section 7.6.1, both ways. What is between neighbours
// stays there, as does what their Connection names, unless it is for all.
func TestHopByHop(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  Header
	}{
		"the usual ones": {[]string{"Connection: close", "Keep-Alive: timeout=3", "Proxy-Connection: x", "TE: trailers", "Trailer: X-A",
			"Transfer-Encoding: chunked", "Upgrade: h2c", "Proxy-Authenticate: x", "Proxy-Authorization: x", "Expect: x", "X-Kept: 1"}, saying("X-Kept: 1")},
		"named":                     {[]string{"Connection: x-one,  X-TWO ,,", "X-One: 1", "x-two: 2", "X-Three: 3"}, saying("X-Three: 3")},
		"named on two lines":        {[]string{"Connection: X-One", "X-One: 1", "connection: X-Two", "X-Two: 2"}, nil},
		"named after what it names": {[]string{"X-One: 1", "X-One: 2", "Connection: X-One"}, nil},
		"part of a name":            {[]string{"Connection: X-One", "X-One-More: 1"}, saying("X-One-More: 1")},
		"not what is for all": {[]string{"Connection: Cache-Control, Authorization, Cookie, Content-Type, Range, If-None-Match, X-One", "Cache-Control: max-age=1",
			"Authorization: x", "Cookie: a=b", "Content-Type: a/b", "X-One: 1"}, saying("Cache-Control: max-age=1", "Authorization: x", "Cookie: a=b", "Content-Type: a/b")},
		"nor what we add": {[]string{"Connection: Via, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, lasting := range []bool{false, true} {
				proxyLab(t, topologies.Node{}, func(l *lab) {
					l.everywhere(always(answer{Response: Response{Status: 200, Header: saying(tt.lines...)}}))
					out := l.send(newEvent(), Request{Method: "GET", Host: "shop", Path: "/", Header: saying(tt.lines...), Lasting: lasting})
					require.Equal(t, len(tt.want), len(out.Header), "%v", out.Header)
					sent := l.lastHop().Request.Header
					for i, f := range tt.want {
						require.Equal(t, f, out.Header[i])
						require.Equal(t, f.Value, sent.Get(f.Name))
					}
					require.Len(t, sent, len(tt.want)+4)
					for _, ours := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Via"} {
						require.True(t, sent.Has(ours), ours)
					}
				})
			}
		})
	}
}
