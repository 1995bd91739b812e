package components

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// Taker is a host that can give a handler an answer's body in full.
type Taker interface {
	// Take reads the body of a call's answer, in the place of Forward. The
	// reason is OK, Reset (the upstream broke off), Canceled (the caller went
	// away) or Denied: it is longer than limit.
	Take(c Call, limit int64) (Body, policy.Reason)
}

// Rewriter is a host that can give a handler the body of the exchange's own
// request in full, for another in its place.
type Rewriter interface {
	// Rewrite reads the body. What edit makes of it is what hops have for a
	// body from then on. The reason is OK, Failed (edit said no), Canceled
	// (the caller went away) or Denied: it is longer than limit, or not what
	// it was said to be.
	Rewrite(limit int64, edit func(text []byte) (out []byte, ok bool)) policy.Reason
}

// jsonEdit is what a route makes of JSON bodies. What it does not name stays as
// it was written, but for the space between; of names that stand twice all are
// meant.
//
// Cost: the body is held in memory up to the limit, and read twice.
// Weak spot: what cannot be edited (longer, encoded, partial, no JSON) is
// refused, an answer with a 502, since what was to be taken out might be in it;
// and of requests what is not said to be JSON, or their senders could choose.
// Names are compared letter by letter: an upstream that takes "Admin" for
// "admin" sees what was to be removed.
type jsonEdit struct {
	limit  int64
	remove []jsonPath
	rename []jsonChange
	set    []jsonChange
}

// jsonPath leads through the members of objects, and through all items of
// lists where it has "[]": "items[].secret".
type jsonPath []string

type jsonChange struct {
	at    jsonPath
	name  string    // new
	value *template // JSON text
}

const eachItem = "[]"

// newJSONEdit is nil if there is nothing to edit.
func newJSONEdit(told *topologies.JSONEdit, pattern string) *jsonEdit {
	if told == nil {
		return nil
	}
	e := &jsonEdit{limit: told.Limit}
	for _, path := range told.Remove {
		e.remove = append(e.remove, newJSONPath(path))
	}
	for _, change := range told.Rename {
		e.rename = append(e.rename, jsonChange{at: newJSONPath(change.Path), name: jsonText(change.Value)})
	}
	for _, change := range told.Set {
		e.set = append(e.set, jsonChange{at: newJSONPath(change.Path), value: newTemplate(change.Value, pattern)})
	}
	return e
}

func newJSONPath(text string) (path jsonPath) {
	for part := range strings.SplitSeq(text, ".") {
		name, lists := part, 0
		for strings.HasSuffix(name, eachItem) {
			name, lists = name[:len(name)-len(eachItem)], lists+1
		}
		if name != "" {
			path = append(path, name)
		}
		for range lists {
			path = append(path, eachItem)
		}
	}
	return path
}

// edited is the text with all edits made, for a request's path. It is not ok
// if the text is no JSON.
func (e *jsonEdit) edited(text []byte, path string) (out []byte, ok bool) {
	if !json.Valid(text) { // which bounds the nesting too
		return nil, false
	}
	root, _ := readJSON(string(text))
	for _, at := range e.remove {
		root.at(at, false, func(in *jsonNode, name string) { in.drop(name) })
	}
	for _, change := range e.rename {
		root.at(change.at, false, func(in *jsonNode, name string) { in.rename(name, change.name) })
	}
	for _, change := range e.set {
		value := change.value.fillWith(path, func(word string) string {
			quoted := jsonText(word)
			return quoted[1 : len(quoted)-1]
		})
		root.at(change.at, true, func(in *jsonNode, name string) { in.put(name, value) })
	}
	return root.append(make([]byte, 0, len(text))), true
}

// jsonNode is a value of a JSON text.
type jsonNode struct {
	open    byte // '{', '[' or 0 for what holds nothing
	raw     string
	members []jsonMember
}

// jsonMember is one of an object, or an item of a list, which has no name.
type jsonMember struct {
	name  string // as it is written, with its quotes
	value *jsonNode
}

// readJSON reads the value that a valid text begins with.
func readJSON(text string) (n *jsonNode, rest string) {
	text = strings.TrimLeft(text, jsonSpace)
	n = &jsonNode{}
	if text[0] != '{' && text[0] != '[' {
		end := jsonEnd(text)
		n.raw = text[:end]
		return n, text[end:]
	}
	n.open, text = text[0], strings.TrimLeft(text[1:], jsonSpace)
	for text[0] != n.open+2 { // the braces and brackets that close
		var m jsonMember
		if n.open == '{' {
			end := jsonEnd(text)
			m.name = text[:end]
			text = strings.TrimLeft(text[end:], jsonSpace)[1:]
		}
		m.value, text = readJSON(text)
		n.members = append(n.members, m)
		text = strings.TrimLeft(text, jsonSpace)
		if text[0] == ',' {
			text = strings.TrimLeft(text[1:], jsonSpace)
		}
	}
	return n, text[1:]
}

const jsonSpace = " \t\r\n"

// jsonEnd is where a string, a number or a word ends.
func jsonEnd(text string) int {
	if text[0] != '"' {
		if end := strings.IndexAny(text, ",]}"+jsonSpace); end >= 0 {
			return end
		}
		return len(text)
	}
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

func (n *jsonNode) append(b []byte) []byte {
	if n.open == 0 {
		return append(b, n.raw...)
	}
	b = append(b, n.open)
	for i, m := range n.members {
		if i > 0 {
			b = append(b, ',')
		}
		if n.open == '{' {
			b = append(append(b, m.name...), ':')
		}
		b = m.value.append(b)
	}
	return append(b, n.open+2)
}

// at calls do with each object that the path leads to, and the last name of the
// path. If told to, it makes objects on the way that are not there.
func (n *jsonNode) at(path jsonPath, make bool, do func(in *jsonNode, name string)) {
	switch {
	case path[0] == eachItem && n.open == '[':
		for _, m := range n.members {
			if len(path) > 1 {
				m.value.at(path[1:], make, do)
			}
		}
	case path[0] == eachItem || n.open != '{':
	case len(path) == 1:
		do(n, path[0])
	default:
		found := false
		for _, m := range n.members {
			if m.is(path[0]) {
				found = true
				m.value.at(path[1:], make, do)
			}
		}
		if !found && make && path[1] != eachItem {
			made := &jsonNode{open: '{'}
			n.members = append(n.members, jsonMember{jsonText(path[0]), made})
			made.at(path[1:], make, do)
		}
	}
}

func (m *jsonMember) is(name string) bool {
	if strings.IndexByte(m.name, '\\') < 0 {
		return m.name[1:len(m.name)-1] == name
	}
	var plain string
	return json.Unmarshal([]byte(m.name), &plain) == nil && plain == name
}

func (n *jsonNode) drop(name string) {
	kept := n.members[:0]
	for _, m := range n.members {
		if !m.is(name) {
			kept = append(kept, m)
		}
	}
	n.members = kept
}

// rename gives members another name, in the place of those that have it.
func (n *jsonNode) rename(from, to string) {
	var plain string
	_ = json.Unmarshal([]byte(to), &plain) // it was made by jsonText
	has := false
	for i := range n.members {
		has = has || n.members[i].is(from)
	}
	if !has || plain == from {
		return
	}
	n.drop(plain)
	for i := range n.members {
		if n.members[i].is(from) {
			n.members[i].name = to
		}
	}
}

// put sets a member where the first of its name stands, or at the end.
func (n *jsonNode) put(name, value string) {
	made, done := &jsonNode{raw: value}, false
	kept := n.members[:0]
	for _, m := range n.members {
		switch {
		case !m.is(name):
			kept = append(kept, m)
		case !done:
			m.value, done = made, true
			kept = append(kept, m)
		}
	}
	if !done {
		kept = append(kept, jsonMember{jsonText(name), made})
	}
	n.members = kept
}

// jsonText is text as a JSON string.
func jsonText(text string) string {
	quoted, _ := json.Marshal(text) // a string always can be
	return string(quoted)
}

// edits tells whether an answer has a body for the route to edit.
func (e *jsonEdit) edits(r *Request, head *Response) bool {
	if e == nil || r.Method == "HEAD" || head.Status == 204 || head.Status == 304 {
		return false
	}
	return isJSON(head.Header)
}

// isJSON tells whether a message says of itself that it is (RFC 8259 section 11,
// RFC 6839 section 3.1).
func isJSON(h Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// isDigest tells whether a field is good for the very bytes of a body alone
// (RFC 9530, RFC 3230, RFC 1864).
func isDigest(name string) bool {
	return equalName(name, "Content-Digest") || equalName(name, "Repr-Digest") || equalName(name, "Digest") || equalName(name, "Content-MD5")
}

func withoutDigests(h Header) Header {
	return slices.DeleteFunc(h, func(f Field) bool { return isDigest(f.Name) })
}

// editsRequests tells whether any route edits the bodies of requests.
func (p *proxy) editsRequests() bool {
	return slices.ContainsFunc(p.node.Routes, func(r topologies.Route) bool { return r.Request.JSON != nil })
}

// rewrite puts an edited body in the place of the request's. If it cannot be
// edited, it answers so and is false.
func (p *proxy) rewrite(v *visit) bool {
	if v.req.Size == 0 {
		return true
	}
	rewriter, can := v.x.(Rewriter)
	if !can || !isJSON(v.req.Header) || v.req.Header.Has("Content-Encoding") {
		p.refuse(v, notTheKind)
		return false
	}
	limit := v.route.sends.limit
	if most := v.route.maxBody; most > 0 {
		limit = min(limit, most)
	}
	reason := policy.Denied
	if v.req.Size <= limit {
		reason = rewriter.Rewrite(limit, func(text []byte) ([]byte, bool) {
			if !utf8.Valid(text) { // RFC 8259 section 8.1
				return nil, false
			}
			out, ok := v.route.sends.edited(text, canonical(v.req.Path))
			v.sends = int64(len(out))
			return out, ok
		})
	}
	switch reason {
	case policy.OK:
		return true
	case policy.Failed:
		p.refuse(v, notJSON)
	case policy.Denied:
		p.refuse(v, bodyTooLong)
	}
	return false
}

// handOnEdited answers with an upstream's body, edited.
func (p *proxy) handOnEdited(v *visit, head Response) {
	defer func() { v.attempt.done(v.x.Now(), v.attempt.reason) }()
	taker, can := v.x.(Taker)
	if !can || head.Status == 206 || head.Header.Has("Content-Encoding") {
		p.refuse(v, notEditable)
		return
	}
	body, reason := taker.Take(v.attempt.call, v.route.body.limit)
	switch reason {
	case policy.OK:
	case policy.Canceled:
		return
	case policy.Denied:
		p.refuse(v, notEditable)
		return
	default:
		v.attempt.reason = reason
		p.refuse(v, terminated)
		return
	}
	text := body.Bytes
	if text == nil {
		text = Filler(body.Size)
	}
	text, ok := v.route.body.edited(text, canonical(v.req.Path))
	if !ok {
		p.refuse(v, notEditable)
		return
	}
	head.Body = Body{Size: int64(len(text)), Bytes: text}
	head.Header = withoutDigests(p.outwardHeader(v, head.Header).Clone().Del("Accept-Ranges"))
	p.dress(v, &head)
	head.Header = v.route.pool.sticky.settle(v, head.Header)
	if tag := head.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		head.Header = head.Header.Clone().Set("ETag", "W/"+tag) // same meaning, other bytes
	}
	v.reply(head)
}
