package topologies

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"regexp"
	"strings"
	"time"

	"trafficlab/topologies/strict"
)

const (
	tlsExample = "tls: {self-signed: [shop.test], clients: optional, hsts: 8760h, plain: redirect}"
	pemPair    = "two PEM files that fit each other, relative to this file"
	pemBundle  = "a PEM file of certificates, relative to this file"
)

// defaultHTTP2 is the usual bounds of HTTP/2: as many streams as NGINX takes, and header
// lists as long as heads are in HTTP/1.1.
var defaultHTTP2 = HTTP2{Streams: 128, Header: 64 << 10}

func (r *reader) tls(v strict.Value) *TLS {
	switch {
	case !v.Present() || v.Off():
		return nil
	case v.IsText():
		v.Word("", "self-signed", "off")
		return &TLS{SelfSigned: true, HTTP2: http2(strict.Value{})}
	case !v.Fields("self-signed", "certificate", "key", "certificates", "versions", "http2", "clients", "hsts", "plain"):
		return nil
	}
	t := &TLS{
		Certificates: r.certificates(v),
		Only13:       v.Get("versions").Word("1.2+", "1.2+", "1.3") == "1.3",
		HTTP2:        http2(v.Get("http2")),
		Clients:      r.clients(v.Get("clients")),
		HSTS:         hsts(v.Get("hsts")),
		Redirect:     v.Get("plain").Word("refuse", "refuse", "redirect") == "redirect",
	}
	t.Names, t.SelfSigned = selfSigned(v.Get("self-signed")), v.Get("self-signed").Present()
	switch given := len(t.Certificates) > 0; {
	case t.SelfSigned && given:
		v.Get("self-signed").WrongKey("is beside certificates from files", "one or the other")
	case !t.SelfSigned && !given && !v.Noted():
		v.Wrong("has no certificate", tlsExample+", or certificate and key")
	}
	return t
}

// certified is the name of a host as certificates have it, perhaps with a
// wildcard in front (RFC 6125).
var certified = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func selfSigned(v strict.Value) (names []string) {
	if !v.Present() {
		return nil
	}
	for _, item := range v.OneOrMore("[shop.test, \"*.shop.test\"]") {
		name := item.Text("")
		if name != "" && !certified.MatchString(name) {
			item.Wrong(fmt.Sprintf("%q is no name of a host", name), `such as shop.test or "*.shop.test", in lower case`)
		}
		names = append(names, name)
	}
	return names
}

// certificates reads one pair of files beside the other fields, or several in
// a list.
func (r *reader) certificates(v strict.Value) (all []Certificate) {
	list := v.Get("certificates")
	if v.Get("certificate").Present() || v.Get("key").Present() {
		if list.Present() {
			list.WrongKey("is beside certificate and key", "one or the other")
		}
		return append(all, r.certificate(v)...)
	}
	for _, item := range list.OneOrMore("[{certificate: a.pem, key: a.key}]") {
		if item.Fields("certificate", "key") {
			all = append(all, r.certificate(item)...)
		}
	}
	if list.IsList() && len(all) == 0 && !list.Noted() {
		list.Wrong("holds no certificate", "{certificate: a.pem, key: a.key}")
	}
	return all
}

// certificate reads a pair of files, or none if one is missing.
func (r *reader) certificate(v strict.Value) []Certificate {
	chain, key := v.Get("certificate"), v.Get("key")
	hasChain, hasKey := chain.Need("a PEM file"), key.Need("a PEM file")
	if !hasChain || !hasKey {
		return nil
	}
	c := Certificate{r.file(chain.Text("")), r.file(key.Text(""))}
	if _, err := c.Load(); err != nil {
		v.Wrong("cannot be used: "+err.Error(), pemPair)
	}
	return []Certificate{c}
}

// Load reads both files, within bounds.
func (c Certificate) Load() (tls.Certificate, error) {
	chain, err := strict.Load(c.Chain)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := strict.Load(c.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(chain, key)
}

// LoadAuthority reads a PEM file of certificates, within bounds, into a pool,
// and returns its text.
func LoadAuthority(file string, into *x509.CertPool) (text []byte, err error) {
	text, err = strict.Load(file)
	if err == nil && !into.AppendCertsFromPEM(text) {
		err = fmt.Errorf("there is no certificate in %s", file)
	}
	return text, err
}

func (r *reader) authority(v strict.Value) string {
	if !v.Present() {
		return ""
	}
	file := r.file(v.Text(""))
	if _, err := LoadAuthority(file, x509.NewCertPool()); err != nil {
		v.Wrong("cannot be used: "+err.Error(), pemBundle)
	}
	return file
}

func http2(v strict.Value) *HTTP2 {
	if v.Off() {
		return nil
	}
	h := defaultHTTP2
	if v.Present() && v.Fields("streams", "header") {
		h.Streams = v.Get("streams").Int(h.Streams, 1, 10_000)
		h.Header = v.Get("header").Size(h.Header, 1<<10, 1<<20)
	}
	return &h
}

func (r *reader) clients(v strict.Value) *Clients {
	switch {
	case !v.Present() || v.Off():
		return nil
	case v.IsText():
		return &Clients{Optional: v.Word("", "required", "optional", "off") == "optional"}
	case !v.Fields("ca", "optional"):
		return nil
	}
	v.Get("ca").Need("ca: clients.pem, or clients: required, whose certificates the run's own authority makes")
	return &Clients{Authority: r.authority(v.Get("ca")), Optional: v.Get("optional").Bool(false)}
}

// hsts is the header's value: an age alone, or with what else it says.
func hsts(v strict.Value) string {
	if !v.Present() || v.Off() {
		return ""
	}
	age := v
	if v.IsMap() {
		v.Fields("max-age", "subdomains", "preload")
		age = v.Get("max-age")
		age.Need("max-age: 8760h")
	}
	longest := age.Duration(year, 0, 10*year)
	text := fmt.Sprintf("max-age=%d", longest/time.Second)
	if !v.IsMap() {
		return text
	}
	if v.Get("subdomains").Bool(false) {
		text += "; includeSubDomains"
	}
	if preload := v.Get("preload"); preload.Bool(false) {
		if longest < year || !strings.Contains(text, "Sub") {
			preload.WrongKey("is not what the lists of browsers take", "a max-age of 8760h or more, and subdomains: true")
		}
		text += "; preload"
	}
	return text
}

func (r *reader) upstream(v strict.Value) *Upstream {
	if !v.Present() || v.Off() || !v.Fields("http", "ca", "name", "certificate", "key") {
		return nil
	}
	u := &Upstream{
		HTTP2:     v.Get("http").Word("1.1", "1.1", "2") == "2",
		Authority: r.authority(v.Get("ca")),
		Name:      v.Get("name").Text(""),
	}
	if u.Name != "" && !certified.MatchString(u.Name) {
		v.Get("name").Wrong(fmt.Sprintf("%q is no name of a host", u.Name), "such as api.test, in lower case")
	}
	if v.Get("certificate").Present() || v.Get("key").Present() {
		for _, c := range r.certificate(v) {
			u.Certificate = &c
		}
	}
	return u
}

// secures tells whether the node is asked over TLS.
func (n *Node) secures() bool { return n.TLS != nil || strings.HasPrefix(n.URL, "https:") }

// handshakes notes nodes whose calls upstreams would refuse, and what is said of
// TLS where nobody speaks it.
func (r *reader) handshakes() {
	for _, n := range r.t.Nodes {
		v := r.places[n.Name].Get("upstream")
		secure := false
		for _, name := range n.Upstreams() {
			up := r.t.Node(name)
			secure = secure || up.secures()
			if !up.asksForFiles() || n.Upstream != nil && n.Upstream.Certificate != nil {
				continue
			}
			r.places[n.Name].WrongKey(fmt.Sprintf("has no certificate, which %s asks of its callers", name),
				"upstream: {certificate: "+n.Name+".pem, key: "+n.Name+".key}")
			break
		}
		if secure {
			continue
		}
		for _, field := range []string{"ca", "name", "certificate"} {
			if v.Get(field).Present() {
				v.Get(field).WrongKey("none of the nodes asked speaks TLS", "tls: self-signed there, or leave it out")
			}
		}
	}
}

// byHTTP2 lets nodes speak what those who ask them do, and notes where they are
// told not to.
func (r *reader) byHTTP2() {
	for _, n := range r.t.Nodes {
		if n.Upstream == nil || !n.Upstream.HTTP2 {
			continue
		}
		for _, name := range n.Upstreams() {
			if why := r.t.SpeakHTTP2(name); why != "" {
				r.places[n.Name].Get("upstream").Get("http").Wrong(why, "tls: {http2: …} there, or 1.1")
			}
		}
	}
}

// SpeakHTTP2 lets a node speak HTTP/2 with those who ask it, and says why it
// does not. Externals speak what they speak.
func (t *Topology) SpeakHTTP2(node string) (why string) {
	switch n := t.Node(node); {
	case n.Kind == External:
	case n.TLS == nil:
		bounds := defaultHTTP2
		n.H2C = &bounds
	case n.TLS.HTTP2 == nil:
		return fmt.Sprintf("is not what %s speaks", node)
	}
	return ""
}

// asksForFiles tells whether callers need a certificate that the run's own
// authority cannot make.
func (n *Node) asksForFiles() bool {
	return n.TLS != nil && n.TLS.Clients != nil && n.TLS.Clients.Authority != "" && !n.TLS.Clients.Optional
}
