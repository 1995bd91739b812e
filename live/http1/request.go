package http1

import (
	"strings"

	"trafficlab/components"
)

// Request is the head of a request. Host, Content-Length and Transfer-Encoding
// are not among its fields.
type Request struct {
	Method string
	Path   string // as sent, without the query; "*" of OPTIONS
	Query  string // as sent, without the question mark
	Asked  bool   // there is a question mark, perhaps with nothing behind it
	Host   string // "" only in HTTP/1.0
	Minor  int    // of the version: HTTP/1.Minor
	Header components.Header
	Length int64 // of the body in bytes; 0 for none, Unknown if it is chunked

	Keep     bool   // the client would use the connection again
	Continue bool   // the body comes when it is asked for (Expect: 100-continue)
	Upgrade  string // the protocols offered, if the client asks to leave HTTP
	Trailers bool   // the client takes trailers (TE: trailers)
}

// Request reads the head of a request. Its error is an *Error if what came is
// refused; the connection is of no use then.
func (r *Reader) Request() (*Request, error) {
	q := new(Request)
	if err := r.request(q); err != nil {
		return nil, err
	}
	return q, nil
}

func (r *Reader) request(q *Request) error {
	r.asks = true
	head, n, err := r.gather()
	if err != nil {
		return err
	}
	line, rest, _ := strings.Cut(head, "\r\n")
	if wrong := q.parse(line, rest, n); wrong != nil {
		return wrong
	}
	if most := r.limits.Body; most > 0 && q.Length > most {
		return errBodyTooLong
	}
	return nil
}

func (q *Request) parse(line, rest string, n int) *Error {
	method, target, minor, wrong := requestLine(line)
	if wrong != nil {
		return wrong
	}
	var f fields
	if wrong := f.parse(rest, n); wrong != nil {
		return wrong
	}
	q.Method, q.Minor, q.Header = method, minor, f.list
	if wrong := q.aim(target, &f); wrong != nil {
		return wrong
	}
	length, wrong := f.framing(minor)
	if wrong != nil {
		return wrong
	}
	q.Length = max(length, Unknown)
	if length == noLength {
		q.Length = 0
	}
	return q.intend(&f)
}

// requestLine takes the first line apart (RFC 9112 section 3): three words with
// exactly one space between them.
func requestLine(line string) (method, target string, minor int, wrong *Error) {
	method, rest, _ := strings.Cut(line, " ")
	if !all(method, inToken) {
		return "", "", 0, errMethod
	}
	target, version, _ := strings.Cut(rest, " ")
	if target == "" {
		return "", "", 0, errRequestLine
	}
	if !within(target, inTarget) {
		return "", "", 0, errTarget
	}
	minor, wrong = parseVersion(version)
	if wrong == errStatusLine {
		wrong = errRequestLine
	}
	return method, target, minor, wrong
}

// parseVersion reads "HTTP/1.1" and its like.
func parseVersion(text string) (minor int, wrong *Error) {
	const like = "HTTP/1.1"
	if len(text) != len(like) || text[:5] != like[:5] || text[6] != '.' || !isDigit(text[5]) || !isDigit(text[7]) {
		return 0, errStatusLine
	}
	if text[5] != '1' {
		return 0, errVersion
	}
	return min(int(text[7]-'0'), 1), nil // RFC 9110 section 2.5: a later minor version is ours
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// aim finds what the target and Host say together (RFC 9112 section 3.2).
func (q *Request) aim(target string, f *fields) *Error {
	switch {
	case f.hosts > 1:
		return errManyHosts
	case f.hosts == 0 && q.Minor > 0:
		return errNoHost
	case f.hosts == 1 && !isHost(f.host):
		return errHost
	case q.Method == "CONNECT":
		return errConnect
	}
	q.Host = f.host
	switch {
	case target[0] == '/':
	case target == "*" && q.Method == "OPTIONS":
	default:
		var wrong *Error
		if target, wrong = q.absolute(target, f.hosts == 1); wrong != nil {
			return wrong
		}
	}
	q.Path, q.Query, q.Asked = strings.Cut(target, "?")
	if !wellEscaped(q.Path) || strings.IndexByte(q.Path, '\\') >= 0 {
		return errTarget
	}
	return nil
}

// absolute splits "http://host/path" and returns the target behind the host.
func (q *Request) absolute(target string, said bool) (string, *Error) {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", errTarget
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	if !isHost(host) {
		return "", errTarget
	}
	port := ":80"
	if len(scheme) == len("https") {
		port = ":443"
	}
	if said && !strings.EqualFold(strings.TrimSuffix(host, port), strings.TrimSuffix(q.Host, port)) {
		return "", errHostDisagrees
	}
	if !said {
		q.Host = host
	}
	switch rest = rest[end:]; {
	case rest == "" && q.Method == "OPTIONS":
		return "*", nil // RFC 9112 section 3.2.4
	case rest == "" || rest[0] == '?':
		return "/" + rest, nil
	}
	return rest, nil
}

// isHost tells whether text is a host with or without a port: no user, no
// path, no second colon but within brackets.
func isHost(text string) bool {
	name, port := text, ""
	if end := strings.IndexByte(text, ']'); strings.HasPrefix(text, "[") && end > 0 {
		name, port = text[1:end], text[end+1:]
		if port != "" && port[0] != ':' {
			return false
		}
		for i := range len(name) {
			if c := name[i]; classes[c]&inHex == 0 && c != ':' && c != '.' {
				return false
			}
		}
		port = strings.TrimPrefix(port, ":")
		return name != "" && isPort(port)
	}
	if colon := strings.IndexByte(text, ':'); colon >= 0 {
		name, port = text[:colon], text[colon+1:]
	}
	return all(name, inHost) && wellEscaped(name) && isPort(port)
}

func isPort(text string) bool {
	if len(text) > 5 {
		return false
	}
	for i := range len(text) {
		if !isDigit(text[i]) {
			return false
		}
	}
	return true
}

// intend finds what the client means to do with the connection.
func (q *Request) intend(f *fields) *Error {
	q.Keep = q.Minor > 0
	if f.connection != "" {
		q.Keep = !lists(f.connection, "close") && (q.Keep || lists(f.connection, "keep-alive"))
	}
	if q.Minor == 0 {
		return nil // which cannot expect and not upgrade
	}
	if f.expect != "" {
		if !strings.EqualFold(f.expect, "100-continue") {
			return errExpectation
		}
		q.Continue = q.Length != 0
	}
	if f.upgrade != "" && q.Length == 0 && lists(f.connection, "upgrade") {
		q.Upgrade = f.upgrade
	}
	if te := q.Header.Values("TE"); te != "" {
		q.Trailers = lists(te, "trailers")
	}
	return nil
}
