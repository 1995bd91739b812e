package scenarios

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficlab/topologies/strict"
)

// mostLog is how large a log may be that is replayed.
const mostLog = 64 << 20

// accessLog is what a load can send of an access log, in order of time.
type accessLog struct {
	digest  string // of the file
	format  string
	methods []string // as they first occur
	counts  []int    // of each method
	clients int      // different addresses
	span    time.Duration
	left    []LeftOut
	lines   []logged
}

// logged is a line of a log: one request.
type logged struct {
	at     time.Duration // since the log began
	path   string
	method int // of the log's methods
	who    int // which of its clients, as they first occur
}

// LeftOut is lines of a log that are not sent.
type LeftOut struct {
	Why   string
	Lines int
	First int // number of the first of them, from 1
}

// record is what a line says.
type record struct {
	at             time.Time
	from           string
	method, target string
}

// logForms is the registry of formats: a reader of a line for each. The common
// format is the beginning of the combined one, and read as it.
var logForms = map[string]func(line []byte) (record, error){
	"common":   readCombined,
	"combined": readCombined,
	"json":     readJSON,
}

// parseLog reads an access log of a format, or of the one that its first line
// shows. Lines are put in order of time; those of a log that tells whole seconds
// only are spread evenly within their second, in the order of the file.
func parseLog(data []byte, format string) (*accessLog, error) {
	sum := sha256.Sum256(data)
	l := &accessLog{digest: hex.EncodeToString(sum[:8]), format: cmp.Or(format, formatOf(data))}
	methods, clients, paths := map[string]int{}, map[string]int{}, map[string]string{}
	var times []time.Time
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		r, err := logForms[l.format](line)
		if err != nil {
			l.leave(err.Error(), n)
			continue
		}
		if !slices.Contains(verbs, strings.ToLower(r.method)) || r.method != strings.ToUpper(r.method) {
			l.leave("a method that no load sends", n)
			continue
		}
		path, known := paths[r.target]
		if !known {
			path = sendable(r.target)
			paths[r.target] = path
		}
		if path == "" {
			l.leave("a target that is no path", n)
			continue
		}
		if _, known := methods[r.method]; !known {
			methods[r.method] = len(l.methods)
			l.methods, l.counts = append(l.methods, r.method), append(l.counts, 0)
		}
		if _, known := clients[r.from]; !known {
			clients[r.from] = len(clients)
		}
		l.counts[methods[r.method]]++
		times = append(times, r.at)
		l.lines = append(l.lines, logged{path: path, method: methods[r.method], who: clients[r.from]})
	}
	l.clients = len(clients)
	if len(l.lines) == 0 {
		if len(l.left) > 0 {
			return nil, fmt.Errorf("holds no request that can be sent: line %d has %s", l.left[0].First, l.left[0].Why)
		}
		return nil, errors.New("is empty")
	}
	l.date(times)
	return l, nil
}

func formatOf(data []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return "json"
	}
	return "combined"
}

// leave counts a line that is not sent.
func (l *accessLog) leave(why string, line int) {
	i := slices.IndexFunc(l.left, func(o LeftOut) bool { return o.Why == why })
	if i < 0 {
		l.left = append(l.left, LeftOut{why, 1, line})
		return
	}
	l.left[i].Lines++
}

// century is longer than any log, and far from where durations end.
const century = 100 * 365 * 24 * time.Hour

// date puts the lines in order of their times.
func (l *accessLog) date(times []time.Time) {
	first := slices.MinFunc(times, time.Time.Compare)
	whole := true
	for i, t := range times {
		l.lines[i].at = min(t.Sub(first), century)
		whole = whole && t.Nanosecond() == 0
	}
	slices.SortStableFunc(l.lines, func(a, b logged) int { return cmp.Compare(a.at, b.at) })
	n := len(l.lines)
	last := l.lines[n-1].at
	switch {
	case whole:
		l.spread()
		l.span = last + time.Second
	case last == 0:
		l.span = time.Second
	default: // and a gap more, as between all
		l.span = last + last/time.Duration(max(1, n-1))
	}
}

// spread spreads those of a second over it.
func (l *accessLog) spread() {
	for from := 0; from < len(l.lines); {
		to := from + 1
		for to < len(l.lines) && l.lines[to].at == l.lines[from].at {
			to++
		}
		for i := from; i < to; i++ {
			l.lines[i].at += time.Second * time.Duration(2*(i-from)+1) / time.Duration(2*(to-from))
		}
		from = to
	}
}

// sendable is a target as both worlds send it, or "" if it is no path: what a
// URL may not hold as it is, is escaped.
func sendable(target string) string {
	if rest, ok := strings.CutPrefix(target, "http://"); ok { // as proxies are asked
		_, path, _ := strings.Cut(rest, "/")
		target = "/" + path
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") || strings.Contains(target, "#") {
		return ""
	}
	path := u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	if strict.CheckPath(path) != nil {
		return ""
	}
	return path
}

const combinedTime = "02/Jan/2006:15:04:05 -0700"

var errForm = errors.New("no form of this log")

// readCombined reads host, identity, user, [time], "request line", status and
// bytes, and leaves what may follow.
//
// Source: LogFormat "%h %l %u %t \"%r\" %>s %b" of the Apache HTTP Server.
func readCombined(line []byte) (r record, err error) {
	text := string(line)
	from, rest, ok1 := strings.Cut(text, " ")
	_, rest, ok2 := strings.Cut(rest, " [")
	at, rest, ok3 := strings.Cut(rest, `] "`)
	if !ok1 || !ok2 || !ok3 {
		return r, errForm
	}
	if r.at, err = time.Parse(combinedTime, at); err != nil {
		return r, errForm
	}
	request, rest, ok := unquote(rest)
	status, _, _ := strings.Cut(strings.TrimPrefix(rest, " "), " ")
	if _, err := strconv.Atoi(status); !ok || err != nil {
		return r, errForm
	}
	r.from = from
	return r, r.request(request)
}

// unquote reads up to a quote, and undoes the escapes of Apache and NGINX.
func unquote(text string) (quoted, rest string, ok bool) {
	end := 0
	for end < len(text) && text[end] != '"' {
		if text[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(text) {
		return "", "", false
	}
	quoted, rest = text[:end], text[end+1:]
	if strings.Contains(quoted, `\`) {
		if plain, err := strconv.Unquote(`"` + quoted + `"`); err == nil {
			quoted = plain
		}
	}
	return quoted, rest, true
}

// request reads a request line.
func (r *record) request(line string) error {
	words := strings.Split(line, " ")
	if len(words) < 2 || len(words) > 3 {
		return errors.New("no request line")
	}
	r.method, r.target = words[0], words[1]
	return nil
}

// jsonLine is a line of our own logs (at, peer, method, path), and the names
// that others use.
type jsonLine struct {
	At     json.RawMessage // seconds since the run began
	Time   json.RawMessage
	TS     json.RawMessage
	Stamp  json.RawMessage `json:"timestamp"`
	AtTime json.RawMessage `json:"@timestamp"`

	Method  string
	Method2 string `json:"request_method"`
	Path    string
	URI     string
	Target  string `json:"request_uri"`
	URL     string
	Request json.RawMessage // a request line, or an object

	Peer     string
	Client   string
	Addr     string `json:"remote_addr"`
	IP       string `json:"remote_ip"`
	ClientIP string `json:"client_ip"`
}

// readJSON reads a line of our own logs, or of others with members of usual
// names.
func readJSON(line []byte) (r record, err error) {
	var j, inner jsonLine
	if json.Unmarshal(line, &j) != nil {
		return r, errForm
	}
	times := slices.DeleteFunc([]json.RawMessage{j.At, j.Time, j.TS, j.Stamp, j.AtTime}, func(m json.RawMessage) bool { return m == nil })
	if len(times) == 0 {
		return r, errors.New("no time")
	}
	if r.at, err = jsonTime(times[0]); err != nil {
		return r, errors.New("a time that is neither RFC 3339 nor seconds since 1970")
	}
	var request string
	switch {
	case json.Unmarshal(j.Request, &request) == nil && request != "":
		err = r.request(request)
	case json.Unmarshal(j.Request, &inner) == nil:
	}
	for _, s := range []jsonLine{j, inner} {
		r.from = cmp.Or(r.from, s.Peer, s.Client, s.Addr, s.IP, s.ClientIP)
		r.method = cmp.Or(r.method, s.Method, s.Method2)
		r.target = cmp.Or(r.target, s.Target, s.URI, s.URL, s.Path)
	}
	if err == nil && (r.method == "" || r.target == "") {
		err = errors.New("no method, or no path")
	}
	return r, err
}

func jsonTime(m json.RawMessage) (time.Time, error) {
	var seconds float64
	if json.Unmarshal(m, &seconds) == nil {
		return instant(seconds), nil
	}
	var text string
	if err := json.Unmarshal(m, &text); err != nil {
		return time.Time{}, err
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(seconds) {
		return instant(seconds), nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// instant is so many seconds after 1970, to the microsecond that a number can
// tell; what no calendar has is its beginning or end.
func instant(seconds float64) time.Time {
	const end = 1 << 40
	return time.UnixMicro(int64(math.Round(min(max(seconds, -end), end) * 1e6)))
}
