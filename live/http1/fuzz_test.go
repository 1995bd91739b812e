package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
)

// bufferConn is a connection that keeps what is written.
type bufferConn struct {
	net.Conn
	bytes.Buffer
}

func (b *bufferConn) Write(p []byte) (int, error) { return b.Buffer.Write(p) }
func (b *bufferConn) Read(p []byte) (int, error)  { return b.Buffer.Read(p) }

// forwarded is a message as an upstream would get it.
func forwarded(t *testing.T, q *Request, body []byte, trailer components.Header) []byte {
	t.Helper()
	raw := &bufferConn{}
	c := newClientConn(&host{pool: &Pool{}, address: Address{Host: "origin:80"}}, raw)
	ask := Ask{Method: q.Method, Target: q.Path, Host: q.Host, Header: q.Header, Length: q.Length}
	if q.Asked {
		ask.Target += "?" + q.Query
	}
	require.NoError(t, c.send(&ask))
	_, err := c.sendBody(bytes.NewReader(body), func() components.Header { return trailer })
	require.NoError(t, err)
	return raw.Bytes()
}

// FuzzRequest asks net/http about what we forward: it must be exactly one
// message, and the one that we read.
func FuzzRequest(f *testing.F) {
	for _, c := range corpus {
		if len(c.in) < 2000 {
			f.Add([]byte(marks.Replace(c.in)))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		reader := NewReader(bufio.NewReaderSize(bytes.NewReader(in), 4<<10), Limits{})
		for {
			q, err := reader.Request()
			if err != nil {
				return
			}
			from := reader.Body(q)
			body, err := io.ReadAll(from)
			if err != nil {
				return
			}
			requireSame(t, q, body, from.Trailer())
		}
	})
}

func requireSame(t *testing.T, q *Request, body []byte, trailer components.Header) {
	t.Helper()
	out := forwarded(t, q, body, trailer)
	rest := bufio.NewReader(bytes.NewReader(out))
	theirs, err := http.ReadRequest(rest)
	require.NoError(t, err, "%q", out)
	require.Equal(t, q.Method, theirs.Method)
	target := q.Path
	if q.Asked {
		target += "?" + q.Query
	}
	require.Equal(t, target, theirs.RequestURI)
	if q.Host != "" {
		require.Equal(t, q.Host, theirs.Host)
	}
	got, err := io.ReadAll(theirs.Body)
	require.NoError(t, err, "%q", out)
	require.Equal(t, string(body), string(got))
	_, err = rest.ReadByte()
	require.ErrorIs(t, err, io.EOF, "more than one message: %q", out)
	fields := map[string][]string{}
	for _, field := range q.Header {
		if name := http.CanonicalHeaderKey(field.Name); !frames(field.Name) && name != "Trailer" {
			fields[name] = append(fields[name], field.Value)
		}
	}
	theirs.Header.Del("Content-Length")
	theirs.Header.Del("Trailer")
	if _, ours := fields["Cache-Control"]; !ours && fields["Pragma"] != nil {
		theirs.Header.Del("Cache-Control") // net/http adds it (RFC 9111 section 5.4)
	}
	require.Equal(t, http.Header(fields), theirs.Header)
}

// FuzzResponse asks net/http about the answers that we take: it must find the
// same status and the same body.
func FuzzResponse(f *testing.F) {
	for _, text := range answers {
		f.Add([]byte(marks.Replace(text.in)), false)
		f.Add([]byte(marks.Replace(text.in)), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		reader := NewReader(bufio.NewReaderSize(bytes.NewReader(in), 4<<10), Limits{})
		a, err := reader.Response(method)
		if err != nil || a.Status == 101 {
			return
		}
		body, err := io.ReadAll(reader.AnswerBody(a))
		if err != nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(in)), &http.Request{Method: method})
		require.NoError(t, err)
		require.Equal(t, a.Status, theirs.StatusCode)
		if a.Status < 200 {
			return
		}
		got, err := io.ReadAll(theirs.Body)
		require.NoError(t, err)
		require.Equal(t, string(body), string(got))
	})
}

// answers is a corpus of what upstreams may say: the body that comes of it, or
// why it is refused.
var answers = []struct{ name, in, body, refused string }{
	{"length", "HTTP/1.1 200 OK↵Content-Length: 2↵↵ok", "ok", ""},
	{"no words", "HTTP/1.1 200↵Content-Length: 2↵↵ok", "ok", ""},
	{"words beyond ASCII", "HTTP/1.1 200 çava↵Content-Length: 0↵↵", "", ""},
	{"chunks", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵2↵ok↵0↵X: y↵↵", "ok", ""},
	{"until the end", "HTTP/1.1 200 OK↵↵all of it", "all of it", ""},
	{"until the end in HTTP/1.0", "HTTP/1.0 200 OK↵Connection: keep-alive↵↵all", "all", ""},
	{"no body of 204", "HTTP/1.1 204 No Content↵↵bytes behind", "", ""},
	{"no body of 204 with a length", "HTTP/1.1 204 No Content↵Content-Length: 5↵↵bytes", "", ""},
	{"no body of 304", "HTTP/1.1 304 Not Modified↵Content-Length: 5↵↵bytes", "", ""},
	{"both lengths", "HTTP/1.1 200 OK↵Content-Length: 2↵Transfer-Encoding: chunked↵↵2↵ok↵0↵↵", "", "Content-Length beside Transfer-Encoding"},
	{"two lengths", "HTTP/1.1 200 OK↵Content-Length: 2↵Content-Length: 2↵↵ok", "", "several Content-Length"},
	{"bad length", "HTTP/1.1 200 OK↵Content-Length: two↵↵ok", "", "bad Content-Length"},
	{"coding in HTTP/1.0", "HTTP/1.0 200 OK↵Transfer-Encoding: chunked↵↵0↵↵", "", "Transfer-Encoding in HTTP/1.0"},
	{"gzip and chunked", "HTTP/1.1 200 OK↵Transfer-Encoding: gzip, chunked↵↵0↵↵", "", "unknown transfer coding"},
	{"bare LF", "HTTP/1.1 200 OK␊Content-Length: 2↵↵ok", "", "bare LF"},
	{"folded line", "HTTP/1.1 200 OK↵X: a↵ b↵Content-Length: 2↵↵ok", "", "folded line"},
	{"empty line before", "↵HTTP/1.1 200 OK↵Content-Length: 2↵↵ok", "", "bad status line"},
	{"status of four digits", "HTTP/1.1 2000 OK↵Content-Length: 2↵↵ok", "", "bad status line"},
	{"status of two digits", "HTTP/1.1 20 OK↵Content-Length: 2↵↵ok", "", "bad status line"},
	{"status out of range", "HTTP/1.1 600 OK↵Content-Length: 2↵↵ok", "", "bad status line"},
	{"status of letters", "HTTP/1.1 abc OK↵Content-Length: 2↵↵ok", "", "bad status line"},
	{"another protocol", "ICY 200 OK↵↵", "", "bad status line"},
	{"HTTP/2", "HTTP/2.0 200 OK↵↵", "", "HTTP version"},
	{"control in a value", "HTTP/1.1 200 OK↵X: \x01↵Content-Length: 2↵↵ok", "", "bad field value"},
	{"bad chunk", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵x↵ok↵0↵↵", "", "bad chunk size"},
	{"length in a trailer", "HTTP/1.1 200 OK↵Transfer-Encoding: chunked↵↵0↵Content-Length: 2↵↵ok", "", "field not allowed in a trailer"},
}

func TestAnswers(t *testing.T) {
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			reader := NewReader(bufio.NewReader(strings.NewReader(marks.Replace(c.in))), Limits{})
			a, err := reader.Response("GET")
			var body []byte
			if err == nil {
				body, err = io.ReadAll(reader.AnswerBody(a))
			}
			if c.refused != "" {
				var wrong *Error
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, c.refused, wrong.Reason)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.body, string(body))
		})
	}
}

// A head may come in pieces of any size, with deadlines between them.
func TestHeadsInPieces(t *testing.T) {
	long := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("b", 700)+"\r\n", 20) + "\r\n"
	for _, text := range []string{"\r\nGET /a HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n", long} {
		whole, err := NewReader(bufio.NewReader(strings.NewReader(text)), Limits{}).Request()
		require.NoError(t, err)
		for size := range 7 {
			pieces := slices.Collect(slices.Chunk([]byte(text+text), 1+size*size))
			in := NewReader(bufio.NewReader(&stutter{pieces: pieces}), Limits{})
			for range 2 {
				q, err := in.Request()
				for err == errStutter {
					q, err = in.Request()
				}
				require.NoError(t, err)
				require.Equal(t, whole, q)
			}
		}
	}
}

// stutter fails between any two pieces.
type stutter struct {
	pieces [][]byte
	failed bool
}

var errStutter = &net.OpError{Op: "read", Err: io.ErrNoProgress}

func (s *stutter) Read(p []byte) (int, error) {
	if s.failed = !s.failed; s.failed {
		return 0, errStutter
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

// Reading a head costs its text and its list of fields, and nothing else.
func TestHeadAllocations(t *testing.T) {
	text := strings.Repeat("GET /products/1?a=b HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n", 110)
	in := NewReader(bufio.NewReader(strings.NewReader(text)), Limits{})
	var q Request
	require.EqualValues(t, 2, testing.AllocsPerRun(100, func() {
		if err := in.request(&q); err != nil {
			t.Fatal(err)
		}
	}))
}

func BenchmarkRequest(b *testing.B) {
	text := "GET /products/1 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n"
	source := strings.NewReader(text)
	buffer := bufio.NewReader(source)
	in := NewReader(buffer, Limits{})
	b.ReportAllocs()
	for b.Loop() {
		source.Reset(text)
		buffer.Reset(source)
		var q Request
		if err := in.request(&q); err != nil {
			b.Fatal(err)
		}
	}
}
