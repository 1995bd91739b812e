package live

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const oneProxy = `
name: chain
entry: edge
nodes:
  edge: {kind: reverse-proxy, to: origin}
  origin: {kind: external, to: "http://ORIGIN"}
`

// crlf makes bytes of what is easier to read: each ↵ is a line's end.
var crlf = strings.NewReplacer("↵", "\r\n")

// TestForwardingRules: byte for byte, what an origin is asked and what its
// answer becomes on the way to the client. The sections are of RFC 9110, or
// with § of RFC 9112.
func TestForwardingRules(t *testing.T) {
	const (
		ask   = "GET / HTTP/1.1↵Host: a↵"
		ours  = "X-Forwarded-For: 127.0.0.1↵X-Forwarded-Proto: http↵X-Forwarded-Host: a↵Via: 1.1 edge↵"
		asked = ask + ours + "↵"
		fine  = "HTTP/1.1 200 OK↵Content-Length: 2↵↵ok"
		bad   = "HTTP/1.1 502 Bad Gateway↵"
	)
	for name, tt := range map[string]struct {
		sent, came    string // the request
		answer, given string // and what it comes to; given without Date, or as much of it as ends with …
	}{
		"as it is":                           {ask + "↵", asked, fine, fine},
		"between neighbours (7.6.1)":         {ask + "Connection: keep-alive, X-A↵Keep-Alive: 9↵X-A: 1↵X-B: 2↵↵", ask + "X-B: 2↵" + ours + "↵", "HTTP/1.1 200 OK↵Connection: x-c↵X-C: 1↵Content-Length: 2↵↵ok", fine},
		"named but for all (7.6.1)":          {ask + "Connection: close, cookie↵Cookie: 1↵↵", ask + "Cookie: 1↵" + ours + "↵", "HTTP/1.1 200 OK↵Connection: Vary↵Vary: A↵Content-Length: 2↵↵ok", "HTTP/1.1 200 OK↵Vary: A↵Connection: close↵Content-Length: 2↵↵ok"},
		"named, and how it is framed":        {"POST / HTTP/1.1↵Host: a↵Connection: Content-Length, Host, Transfer-Encoding↵Content-Length: 2↵↵ok", "POST / HTTP/1.1↵Host: a↵" + ours + "Content-Length: 2↵↵ok", fine, fine},
		"who came before (7.6.3)":            {ask + "Via: 1.0 far, 1.1 near↵↵", ask + "Via: 1.0 far, 1.1 near↵" + ours + "↵", fine, fine},
		"TE goes no further (10.1.4)":        {ask + "TE: gzip↵↵", asked, fine, fine},
		"but trailers do, by our own word":   {ask + "TE: gzip;q=0.5, trailers↵Connection: TE↵↵", ask + ours + "Connection: TE↵TE: trailers↵↵", fine, fine},
		"an expectation nobody has (10.1.1)": {"GET / HTTP/1.1↵Host: a↵Expect: the worst↵↵", "", "", "HTTP/1.1 417 …"},
		"HTTP/1.0 (§2.3)":                    {"GET / HTTP/1.0↵Host: a↵↵", asked, "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵↵", "HTTP/1.1 200 OK↵Connection: close↵↵ok"},
		"HTTP/1.0 gets no 1xx (15.2)":        {"GET / HTTP/1.0↵Host: a↵↵", asked, "HTTP/1.1 103 Early Hints↵Link: x↵↵" + fine, "HTTP/1.1 200 OK↵Connection: close↵Content-Length: 2↵↵ok"},
		"others get them all (15.2)":         {ask + "↵", asked, "HTTP/1.1 103 Early Hints↵Link: x↵↵HTTP/1.1 103 Early Hints↵Link: y↵↵" + fine, "HTTP/1.1 103 Early Hints↵Link: x↵↵HTTP/1.1 103 Early Hints↵Link: y↵↵" + fine},
		"a 100 that nobody asked for":        {ask + "↵", asked, "HTTP/1.1 100 Continue↵↵" + fine, fine},
		"a 101 that nobody asked for":        {ask + "↵", asked, "HTTP/1.1 101 Switching Protocols↵Connection: Upgrade↵Upgrade: x↵↵", bad + "…"},
		"204 has no body (15.3.5)":           {ask + "↵", asked, "HTTP/1.1 204 No Content↵Content-Length: 2↵↵ok", "HTTP/1.1 204 No Content↵↵"},
		"304 neither (15.4.5)":               {ask + "If-None-Match: \"1\"↵↵", ask + "If-None-Match: \"1\"↵" + ours + "↵", "HTTP/1.1 304 Not Modified↵ETag: \"1\"↵Content-Length: 2↵↵ok", "HTTP/1.1 304 Not Modified↵ETag: \"1\"↵Content-Length: 2↵↵"},
		"HEAD tells a length (9.3.2)":        {"HEAD / HTTP/1.1↵Host: a↵↵", "HEAD / HTTP/1.1↵Host: a↵" + ours + "↵", "HTTP/1.1 200 OK↵Content-Length: 1000↵↵", "HTTP/1.1 200 OK↵Content-Length: 1000↵↵"},
		"and brings no body":                 {"HEAD / HTTP/1.1↵Host: a↵↵", "HEAD / HTTP/1.1↵Host: a↵" + ours + "↵", fine, "HTTP/1.1 200 OK↵Content-Length: 2↵↵"},
		"what is told twice (§6.3)":          {ask + "↵", asked, "HTTP/1.1 200 OK↵Content-Length: 2↵Content-Length: 3↵↵ok", bad + "…"},
		"in two ways (§6.3)":                 {ask + "↵", asked, "HTTP/1.1 200 OK↵Content-Length: 2↵Transfer-Encoding: chunked↵↵0↵↵", bad + "…"},
		"not at all (§6.3)":                  {ask + "↵", asked, "HTTP/1.0 200 OK↵↵ok", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵↵"},
		"a trailer that is none (6.5.1)":     {ask + "TE: trailers↵↵", ask + ours + "Connection: TE↵TE: trailers↵↵", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵Set-Cookie: a=b↵↵", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵"},
		"framed anew (§7.1)":                 {"POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵02;x=y↵ok↵00↵↵", "POST / HTTP/1.1↵Host: a↵" + ours + "Transfer-Encoding: chunked↵↵2↵ok↵0↵↵", fine, fine},
		"OPTIONS of the server (9.3.7)":      {"OPTIONS * HTTP/1.1↵Host: a↵Max-Forwards: 5↵↵", "OPTIONS * HTTP/1.1↵Host: a↵Max-Forwards: 4↵" + ours + "↵", fine, fine},
		"no further (7.6.2)":                 {"OPTIONS / HTTP/1.1↵Host: a↵Max-Forwards: 0↵↵", "", "", "HTTP/1.1 204 No Content↵…"},
		"TRACE (9.3.8)":                      {"TRACE / HTTP/1.1↵Host: a↵↵", "", "", "HTTP/1.1 405 …"},
		"CONNECT (9.3.6)":                    {"CONNECT a:443 HTTP/1.1↵Host: a:443↵↵", "", "", "HTTP/1.1 501 …"},
		"a target in full (§3.2.2)":          {"GET http://a/b?c HTTP/1.1↵Host: a↵↵", "GET /b?c HTTP/1.1↵Host: a↵" + ours + "↵", fine, fine},
	} {
		t.Run(name, func(t *testing.T) {
			inChain(t, oneProxy, nil, func(c *chain) {
				came := make(chan string, 1)
				go func() { came <- c.play(crlf.Replace(tt.answer)) }()
				conn, err := c.network.Dial(c.Context(), "", c.address("edge"))
				require.NoError(t, err)
				defer conn.Close()
				go io.WriteString(conn, crlf.Replace(tt.sent))
				given := c.quietly(conn, time.Minute)
				c.doors["origin"].Close()
				require.Equal(t, crlf.Replace(tt.came), <-came)
				want := crlf.Replace(tt.given)
				if begins, open := strings.CutSuffix(want, "…"); open {
					given, want = given[:min(len(begins), len(given))], begins
				}
				require.Equal(t, want, undated(given))
			})
		})
	}
}

// play is an origin of one connection, which answers once it has been asked.
// It returns what it was asked.
func (c *chain) play(answer string) string {
	conn, err := c.doors["origin"].Accept()
	if err != nil {
		return ""
	}
	defer conn.Close()
	asked := c.quietly(conn, time.Second)
	io.WriteString(conn, answer)
	c.quietly(conn, 10*time.Second)
	return asked
}

// quietly reads until nothing has come for so long.
func (c *chain) quietly(conn net.Conn, patience time.Duration) string {
	var all []byte
	piece := make([]byte, 4096)
	for {
		conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(piece)
		if all = append(all, piece[:n]...); err != nil {
			conn.SetReadDeadline(time.Time{})
			return string(all)
		}
	}
}

// undated is an answer without what differs from time to time.
func undated(answer string) string {
	var kept []string
	for line := range strings.SplitAfterSeq(answer, "\n") {
		if !strings.HasPrefix(line, "Date: ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestAnAnswerBeforeTheBodyIsWhole is given at once, whatever of the request's
// body is still to come (RFC 9112 section 9.5); the connection ends if that
// does not come (section 9.3). The answer says so where it is known by then: of
// a rest too long to be read (section 9.6).
func TestAnAnswerBeforeTheBodyIsWhole(t *testing.T) {
	for length, said := range map[string]string{
		"Content-Length: 1000000":    "Connection: close↵Content-Length: 2↵↵no",
		"Content-Length: 1000":       "Content-Length: 2↵↵no",
		"Transfer-Encoding: chunked": "Content-Length: 2↵↵no",
	} {
		inChain(t, oneProxy, nil, func(c *chain) {
			go c.play(crlf.Replace("HTTP/1.1 403 Forbidden↵Content-Length: 2↵↵no"))
			conn, err := c.network.Dial(c.Context(), "", c.address("edge"))
			require.NoError(t, err)
			defer conn.Close()
			io.WriteString(conn, crlf.Replace("POST / HTTP/1.1↵Host: a↵"+length+"↵↵5↵begun↵"))
			in := bufio.NewReader(conn)
			line, err := in.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "HTTP/1.1 403 Forbidden\r\n", line)
			rest, err := io.ReadAll(in)
			require.NoError(t, err)
			require.Equal(t, crlf.Replace(said), undated(string(rest)), length)
			synctest.Wait()
		})
	}
}
