package components

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unsafe"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// hopByHop is the fields that are between neighbours only (RFC 9110 section
// 7.6.1); Expect has been met by then.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer",
	"Transfer-Encoding", "Upgrade", "Proxy-Authenticate", "Proxy-Authorization", "Expect"}

// inside is the fields that tell callers what they are not to know, with the
// prefixes of more.
var (
	inside         = []string{"Server", "Via", "X-Powered-By"}
	insidePrefixes = []string{"X-Internal-", "X-Upstream-"}
)

// edit makes of the request what goes on.
func (p *proxy) edit(h *Hop, v *visit, now time.Duration) {
	switch {
	case v.route.sends != nil && v.sends > 0:
		h.Request.Size = v.sends
	case v.req.Size < 0:
		h.MostBody = v.route.maxBody
	}
	h.Request.Header = p.onwardHeader(v)
	if p.alters {
		p.alter(h, v, now)
	}
	if v.begun > 0 {
		h.Request.Attempt = scenarios.Mix(scenarios.Mix(v.req.Attempt, p.tries), uint64(v.begun))
	}
}

// alter is what of edit only some proxies do: they know callers or a cache,
// have routes or tell how much time is left.
func (p *proxy) alter(h *Hop, v *visit, now time.Duration) {
	h.Request.Path = v.route.path(v.req.Path)
	h.Request.Query = p.auth.query(v.req.Query)
	if v.route.asks != nil {
		h.Request.Query = v.route.asks.edited(h.Request.Query, canonical(v.req.Path))
	}
	if p.store != nil && v.validates != nil {
		h.Request.Header = validating(h.Request.Header, v.validates)
	}
	if v.route.timeout.Propagate && v.deadline != Forever {
		h.Request.Header = h.Request.Header.Clone().Set(timeoutField, timeoutText(v.deadline-now-margin))
	}
}

// onwardHeader is the request's header as upstreams are to see it. Its storage
// is not the request's, but may be shared with other hops.
func (p *proxy) onwardHeader(v *visit) Header {
	if !v.req.Lasting || v.req.Method == "OPTIONS" { // which may count down
		return p.makeOnward(v)
	}
	r := v.req
	from := origin{header: r.Header, route: v.route, peer: r.Peer, host: r.Host, consumer: v.consumer, tls: r.TLS}
	if h, ok := p.onwards.find(&from); ok {
		return h
	}
	return p.onwards.keep(&from, p.makeOnward(v))
}

func (p *proxy) makeOnward(v *visit) Header {
	in := v.req.Header
	named := in.Values("Connection")
	trusted := p.trust.has(v.req.Peer)
	cleans := p.auth.asksQuery()
	out := make(Header, 0, len(in)+6)
	for _, f := range in {
		if !goesOn(f.Name, named) || p.replaces(f.Name, trusted) || v.route.body != nil && wantsOtherBytes(f.Name) ||
			v.route.sends != nil && isDigest(f.Name) ||
			strings.IndexByte(f.Name, '_') >= 0 && p.mimics(f.Name, v.route, trusted) {
			continue
		}
		if cleans && equalName(f.Name, "Referer") {
			f.Value = p.auth.referer(f.Value)
		}
		out = append(out, f)
	}
	if v.req.Method == "OPTIONS" {
		countDown(out)
	}
	out = p.forwarded(out, v, trusted)
	if p.auth != nil && v.consumer != "" {
		out = append(out, Field{consumerField, v.consumer})
	}
	if !p.compresses() && p.store != nil {
		if codings := takenCodings(in.Values("Accept-Encoding")); codings != "" {
			out = append(out, Field{"Accept-Encoding", codings})
		}
	}
	return edited(out, &v.route.request)
}

// mimics tells whether a field could be taken for one that is not the caller's
// to say. Whoever hands fields to programs as variables (CGI, WSGI) makes
// HTTP_X_CONSUMER of X-Consumer and of X_Consumer.
func (p *proxy) mimics(name string, r *route, trusted bool) bool {
	name = strings.ReplaceAll(name, "_", "-")
	named := func(f topologies.PathValue) bool { return equalName(f.Path, name) }
	e := &r.request
	return !goesOn(name, "") || equalName(name, "Content-Length") || p.replaces(name, trusted) ||
		slices.ContainsFunc(e.Remove, func(removed string) bool { return equalName(removed, name) }) ||
		slices.ContainsFunc(e.Rename, named) || slices.ContainsFunc(e.Set, named)
}

// wantsOtherBytes tells whether a field asks for a body that could not be
// edited: encoded, or a part.
func wantsOtherBytes(name string) bool {
	return equalName(name, "Accept-Encoding") || equalName(name, "Range") || equalName(name, "If-Range")
}

// replaces tells whether the proxy puts its own value in the place of a field,
// or leaves it out.
func (p *proxy) replaces(name string, trusted bool) bool {
	switch {
	case equalName(name, "X-Forwarded-For"):
		return true
	case equalName(name, "X-Forwarded-Proto"), equalName(name, "X-Forwarded-Host"):
		return !trusted
	case equalName(name, "Forwarded"):
		return !trusted || p.node.Forwarded
	case equalName(name, consumerField):
		return p.auth != nil || !trusted
	case p.auth != nil && p.auth.hides(name):
		return true
	case equalName(name, "Accept-Encoding"):
		// Who compresses wants answers plain; who stores keeps one for those
		// who take gzip and one for the rest.
		return p.compresses() || p.store != nil
	}
	return false
}

// forwarded adds where the request came from.
func (p *proxy) forwarded(out Header, v *visit, trusted bool) Header {
	out = append(out, Field{"X-Forwarded-For", longer(v.req.Header.Values("X-Forwarded-For"), v.req.Peer)})
	if !out.Has("X-Forwarded-Proto") { // it may have been named by Connection
		out = append(out, Field{"X-Forwarded-Proto", scheme(v.req.TLS)})
	}
	if !out.Has("X-Forwarded-Host") {
		out = append(out, Field{"X-Forwarded-Host", v.req.Host})
	}
	if p.node.Forwarded {
		out = append(out, Field{"Forwarded", p.element(v, trusted)})
	}
	return append(out, Field{"Via", p.via})
}

// longer is a chain of addresses with one more at its end.
func longer(chain string, peer netip.Addr) string {
	var space [128]byte
	text := append(space[:0], chain...)
	if chain != "" {
		text = append(text, ", "...)
	}
	if !peer.IsValid() {
		return string(append(text, "unknown"...))
	}
	return string(peer.Unmap().AppendTo(text))
}

func scheme(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

// outwardHeader is an answer's header as callers are to see it. Its storage is
// not the answer's, but may be shared with other answers.
func (p *proxy) outwardHeader(v *visit, in Header) Header {
	if !v.req.Lasting {
		return p.outward(in)
	}
	first := unsafe.SliceData(in)
	if first == p.passed.Load() {
		return in
	}
	if !p.node.Via && isOutward(in) && !p.auth.tellsApart(in) {
		p.passed.Store(first)
		return in
	}
	from := origin{header: in}
	if h, ok := p.outwards.find(&from); ok {
		return h
	}
	return p.outwards.keep(&from, p.outward(in))
}

// outward is an answer's header as callers are to see it: with the way that it
// came, if that is to be told. What depends on who asks does so in front on what
// they show.
func (p *proxy) outward(in Header) Header {
	out := outward(in)
	if p.auth.tellsApart(in) {
		for _, name := range p.auth.shownIn() {
			out = append(out, Field{"Vary", name})
		}
	}
	if !p.node.Via {
		return out
	}
	via := p.via
	if before := in.Values("Via"); before != "" {
		via = before + ", " + via
	}
	return append(out, Field{"Via", via})
}

// isOutward tells whether there is nothing in an answer's header to take out.
func isOutward(in Header) bool {
	for i := range in {
		if name := in[i].Name; suspect(name) && (!goesOn(name, "") || isInside(name)) {
			return false
		}
	}
	return true
}

// suspects is the lengths of the names that do not go out as they are.
var suspects = func() (lengths [32]bool) {
	for _, name := range append(slices.Clone(hopByHop), inside...) {
		lengths[len(name)] = true
	}
	return lengths
}()

// suspect tells at a glance that a name may be one that does not go out.
func suspect(name string) bool {
	return len(name) < len(suspects) && suspects[len(name)] || len(name) > 0 && name[0]|0x20 == 'x'
}

// outward is an answer's header as callers are to see it, in storage of its
// own.
func outward(in Header) Header {
	named := in.Values("Connection")
	out := make(Header, 0, len(in)+4)
	for _, f := range in {
		if goesOn(f.Name, named) && !isInside(f.Name) {
			out = append(out, f)
		}
	}
	return out
}

// meantForAll is fields that Connection has no business to name, since they are
// for every recipient (RFC 9110 section 7.6.1). At the word of a caller an
// upstream would give an answer that is not the one to what the cache takes for
// the request; at that of an origin the cache would store what it must not.
var meantForAll = []string{"Accept", "Accept-Encoding", "Accept-Language", "Age", "Authorization", "Cache-Control", targetedField,
	"Content-Encoding", "Content-Length", "Content-Location", "Content-Range", "Content-Type", "Cookie", "Date", "ETag", "Expires",
	"Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Modified", "Location",
	"Origin", "Pragma", "Range", "Set-Cookie", "Strict-Transport-Security", "Vary", "WWW-Authenticate"}

// goesOn tells whether a field is for more than the neighbour. named is the
// value of Connection, which may name further ones that are not.
func goesOn(name, named string) bool {
	for _, hop := range hopByHop {
		if equalName(hop, name) {
			return false
		}
	}
	return named == "" || !listHas(named, name) || oneOf(meantForAll, name)
}

func isInside(name string) bool {
	for _, field := range inside {
		if equalName(field, name) {
			return true
		}
	}
	for _, prefix := range insidePrefixes {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

// listHas tells whether a comma-separated list has the word, in any case.
func listHas(list, word string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(item), word) {
			return true
		}
	}
	return false
}
