package http1

import (
	"strings"

	"trafficlab/components"
)

// Response is the head of an answer. Content-Length and Transfer-Encoding are
// not among its fields.
type Response struct {
	Status int
	Header components.Header
	// Length is the body's in bytes, or Unknown. The answer to HEAD and a 304
	// have the length that the body would have, if it is said.
	Length int64
	// Keep tells that the connection can be used again.
	Keep bool
	// Upgrade is the protocol that follows a 101.
	Upgrade string

	body int64 // how the body is framed
}

// Response reads the head of an answer to a request of the given method, which
// may be an interim one (1xx). Its error is an *Error if what came is refused.
func (r *Reader) Response(method string) (*Response, error) {
	a := new(Response)
	if err := r.response(a, method); err != nil {
		return nil, err
	}
	return a, nil
}

func (r *Reader) response(a *Response, method string) error {
	r.asks = false
	head, n, err := r.gather()
	if err != nil {
		return err
	}
	line, rest, _ := strings.Cut(head, "\r\n")
	if wrong := a.parse(line, rest, n, method); wrong != nil {
		return wrong
	}
	if most := r.limits.Body; most > 0 && a.body > most {
		return errBodyTooLong
	}
	return nil
}

func (a *Response) parse(line, rest string, n int, method string) *Error {
	status, minor, wrong := statusLine(line)
	if wrong != nil {
		return wrong
	}
	var f fields
	if wrong := f.parse(rest, n); wrong != nil {
		return wrong
	}
	a.Status, a.Header = status, f.list
	if f.hosts > 0 {
		a.Header = append(a.Header, components.Field{Name: "Host", Value: f.host})
	}
	length, wrong := f.framing(minor)
	if wrong != nil {
		return wrong
	}
	a.frame(length, method)
	a.Keep = minor > 0 && a.body != tillEnd
	if f.connection != "" {
		a.Keep = a.body != tillEnd && !lists(f.connection, "close") && (minor > 0 || lists(f.connection, "keep-alive"))
	}
	if status == 101 && lists(f.connection, "upgrade") {
		a.Upgrade = f.upgrade
	}
	return nil
}

// frame says what body there is (RFC 9112 section 6.3).
func (a *Response) frame(length int64, method string) {
	a.body = length
	if length == noLength {
		a.body = tillEnd
	}
	a.Length = max(a.body, Unknown)
	if !HasBody(method, a.Status) {
		a.body = 0
	}
}

// HasBody tells whether an answer has a body at all, whatever its fields say
// (RFC 9110 section 6.4.1).
func HasBody(method string, status int) bool {
	return method != "HEAD" && status >= 200 && status != 204 && status != 304
}

// statusLine takes "HTTP/1.1 200 OK" apart. The words are for nobody.
func statusLine(line string) (status, minor int, wrong *Error) {
	const like = "HTTP/1.1 200"
	if len(line) < len(like) || line[8] != ' ' || len(line) > len(like) && line[len(like)] != ' ' || !within(line, inValue) {
		return 0, 0, errStatusLine
	}
	if minor, wrong = parseVersion(line[:8]); wrong != nil {
		return 0, 0, wrong
	}
	for _, c := range []byte(line[9:12]) {
		if !isDigit(c) {
			return 0, 0, errStatusLine
		}
		status = status*10 + int(c-'0')
	}
	if status < 100 || status > 599 {
		return 0, 0, errStatusLine
	}
	return status, minor, nil
}
