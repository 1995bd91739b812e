package live

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"trafficlab/components"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// accessLog writes one line for each request that a node answered: of JSON, or
// in the combined form of Apache and NGINX. A nil accessLog writes none.
//
// No line has a query, a header but the name of the browser and where the
// request came from, without its query, or a body: credentials may be there.
type accessLog struct {
	mu   sync.Mutex
	to   io.Writer
	form func(b []byte, l *logged) []byte
	line []byte
	one  logged // under way
}

// logged is a request that is over.
type logged struct {
	*exchange
	req  *components.Request
	came time.Duration // since the run began
	took time.Duration
}

func newAccessLog(to io.Writer, form string) *accessLog {
	switch {
	case to == nil, form == "off":
		return nil
	case form == topologies.CombinedLog:
		return &accessLog{to: to, form: appendCombined}
	}
	return &accessLog{to: to, form: appendLine}
}

// accessEnding is how the name of a node's access log ends.
func accessEnding(n *topologies.Node) string {
	if n.AccessLog == topologies.CombinedLog {
		return ".access.log"
	}
	return ".access.jsonl"
}

// write logs an exchange that came at the given instant of the run and is over
// now. Status 0 is a caller who went away unanswered.
func (l *accessLog) write(x *exchange, req *components.Request, came time.Duration) {
	if l == nil {
		return
	}
	took := x.Now() - came
	l.mu.Lock()
	defer l.mu.Unlock()
	l.one = logged{x, req, came, took}
	l.line = append(l.form(l.line[:0], &l.one), '\n')
	l.one = logged{}   // holds on to nothing
	l.to.Write(l.line) // a log that cannot be written does not stop a request
}

// appendLine appends a line of JSON.
func appendLine(b []byte, l *logged) []byte {
	b = append(b, `{"at":`...)
	b = appendSeconds(b, l.came)
	b = append(b, `,"number":`...)
	b = strconv.AppendUint(b, l.req.Number, 10)
	b = append(b, `,"attempt":"`...)
	b = strconv.AppendUint(b, l.req.Attempt, 16)
	b = append(b, `","peer":"`...)
	b = l.req.Peer.AppendTo(b)
	b = append(b, `","method":`...)
	b = appendJSON(b, l.req.Method)
	b = append(b, `,"path":`...)
	b = appendJSON(b, l.req.Path)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(l.status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, l.sent, 10)
	b = append(b, `,"took":`...)
	b = appendSeconds(b, l.took)
	b = appendKnown(b, "reason", l.told.reason)
	b = appendKnown(b, "refused", cmp.Or(l.refused, l.told.refused))
	b = appendKnown(b, "route", l.told.route)
	b = appendKnown(b, "consumer", l.told.consumer)
	b = appendKnown(b, "upstream", l.told.upstream)
	b = appendKnown(b, "trace", l.trace.id())
	return append(b, '}')
}

// appendSeconds appends a time in seconds, to the microsecond.
func appendSeconds(b []byte, d time.Duration) []byte {
	if d < 0 {
		b, d = append(b, '-'), -d
	}
	d = d.Round(time.Microsecond)
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	b = append(b, '.')
	rest := d % time.Second / time.Microsecond
	for unit := time.Duration(100_000); unit > 0; unit /= 10 {
		b = append(b, byte('0'+rest/unit%10))
	}
	return b
}

// appendKnown appends a member, if there is anything to say.
func appendKnown(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	return appendJSON(append(b, `":`...), value)
}

// appendJSON appends text as a JSON string. Most need no escape.
func appendJSON(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a string always can be
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// unanswered is what NGINX logs as the status where the caller went away.
const unanswered = 499

// appendCombined appends a line in the combined form: peer, nobody, consumer,
// [date], "request line", status, bytes, "referer", "browser".
//
// Source: LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\"
// \"%{User-agent}i\"" combined, of the Apache HTTP Server.
func appendCombined(b []byte, l *logged) []byte {
	b = l.req.Peer.AppendTo(b)
	b = append(b, " - "...)
	b = appendWord(b, strings.ReplaceAll(l.told.consumer, " ", "_"))
	b = append(b, " ["...)
	b = l.Date().Add(-l.took).UTC().AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, `] "`...)
	b = l.appendRequest(b)
	b = append(b, `" `...)
	status := l.status
	if status == 0 {
		status = unanswered
	}
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	if l.sent == 0 || l.method == http.MethodHead {
		b = append(b, '-')
	} else {
		b = strconv.AppendInt(b, l.sent, 10)
	}
	b = append(b, ` "`...)
	b = appendWord(b, bare(l.req.Header.Get("Referer")))
	b = append(b, `" "`...)
	b = appendWord(b, l.req.Header.Get("User-Agent"))
	return append(b, '"')
}

// appendRequest appends the line of a request; a hyphen for one that could not
// be read.
func (l *logged) appendRequest(b []byte) []byte {
	if l.out == nil {
		return append(b, '-')
	}
	b = appendEscaped(b, l.req.Method)
	b = append(b, ' ')
	b = appendEscaped(b, l.req.Path)
	if _, one := l.out.(*http1.Answer); one {
		return append(b, " HTTP/1.1"...)
	}
	return append(b, " HTTP/2.0"...)
}

// bare is a URL without what may be secret: user, query, fragment.
func bare(url string) string {
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	scheme, rest, found := strings.Cut(url, "//")
	if !found {
		return url
	}
	host, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if slash {
		path = "/" + path
	}
	return scheme + "//" + host + path
}

// appendWord appends text, or a hyphen for none.
func appendWord(b []byte, text string) []byte {
	if text == "" {
		return append(b, '-')
	}
	return appendEscaped(b, text)
}

// appendEscaped appends text that cannot end its field or its line.
func appendEscaped(b []byte, text string) []byte {
	const digits = "0123456789abcdef"
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}
