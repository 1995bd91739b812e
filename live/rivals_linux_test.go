package live

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// rival is a proxy in a process of its own.
type rival struct {
	name    string
	pid     int
	clients *crowd

	length int       // of the body that it sends
	costs  []float64 // of a request in each round, in µs
}

// bed is where proxies are measured at one task.
type bed struct {
	*testing.B
	task    *task
	Origins []string     // their addresses
	asked   atomic.Int64 // requests that came there

	trust *tls.Config            // of the clients; nil: no TLS
	pair  topologies.Certificate // of the proxies
	Pem   string                 // both in one file

	// Of the rival that is being started.
	Listen, Dir string
	Tuned       bool
}

func newBed(b *testing.B, t *task) *bed {
	d := &bed{B: b, task: t}
	for range max(t.origins, 1) {
		d.Origins = append(d.Origins, t.answer.serve(b, &d.asked))
	}
	if t.TLS {
		d.identify()
	}
	return d
}

// identify makes a certificate for all proxies.
func (d *bed) identify() {
	dir := d.TempDir()
	a, err := new(manifest).found(dir)
	require.NoError(d, err)
	d.pair, err = a.issue("proxy", dir, x509.ExtKeyUsageServerAuth, "localhost")
	require.NoError(d, err)
	d.Pem = filepath.Join(dir, "both.pem")
	var both []byte
	for _, file := range []string{d.pair.Chain, d.pair.Key} {
		text, err := os.ReadFile(file)
		require.NoError(d, err)
		both = append(both, text...)
	}
	require.NoError(d, os.WriteFile(d.Pem, both, 0o600))
	d.trust = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost", MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519}}
	d.trust.RootCAs.AddCert(a.certificate)
}

// What configurations ask of a bed.

func (d *bed) Task() *task   { return d.task }
func (d *bed) Chain() string { return d.pair.Chain }
func (d *bed) Key() string   { return d.pair.Key }
func (d *bed) Many() bool    { return len(d.Origins) > 1 }

// proxies starts all that can do the task, ours first.
func (d *bed) proxies() []*rival {
	all := []*rival{d.ours()}
	for _, name := range slices.Sorted(maps.Keys(rivals)) {
		if _, err := exec.LookPath(name); err == nil && !(d.task.Cached && rivals[name].forgets) {
			all = append(all, d.start(name))
		}
	}
	if d.task.plain {
		all = append(all, d.plain())
	}
	if _, err := exec.LookPath("nginx"); err == nil && d.task.Cached {
		d.Tuned = true
		tuned := d.start("nginx")
		tuned.name = "nginx-tuned"
		all = append(all, tuned)
	}
	return all
}

func (d *bed) rival(name, address string, pid int) *rival {
	r := &rival{name: name, pid: pid, clients: newCrowd(address, d.task, d.trust)}
	d.Cleanup(r.clients.close)
	return r
}

// round sends a round of requests and returns the proxy's CPU time for one.
func (r *rival) round() (time.Duration, error) {
	before, err := CPUTime(r.pid)
	if err != nil {
		return 0, err
	}
	if err := r.clients.ask(); err != nil {
		return 0, fmt.Errorf("ask %s: %w", r.name, err)
	}
	after, err := CPUTime(r.pid)
	return (after - before) / time.Duration(r.clients.task.round), err
}

// prove checks that an answer of the proxy is the origin's, and returns its
// length.
func (d *bed) prove(r *rival) int {
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true, TLSClientConfig: d.trust.Clone()}}
	q, err := http.NewRequest("GET", "http://"+r.clients.to+onePath, nil)
	require.NoError(d, err)
	if d.task.TLS {
		q.URL.Scheme = "https"
	}
	q.Host = oneHost
	if d.task.Gzip {
		q.Header.Set("Accept-Encoding", "gzip")
	}
	a, err := client.Do(q)
	require.NoError(d, err, r.name)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	require.NoError(d, err, r.name)
	length := len(text)
	if d.task.Gzip {
		require.Equal(d, "gzip", a.Header.Get("Content-Encoding"), r.name)
		plain, err := gzip.NewReader(strings.NewReader(string(text)))
		require.NoError(d, err, r.name)
		text, err = io.ReadAll(plain)
		require.NoError(d, err, r.name)
	}
	require.Equal(d, string(d.task.answer.Body), string(text), r.name)
	return length
}

func (d *bed) ours() *rival {
	proxy := &topologies.Node{Name: "proxy", Kind: topologies.ReverseProxy, Replicas: 1,
		Pick: policy.Choice{Name: "round-robin"}, Retry: topologies.Retry{Tries: 1}, Connections: 64}
	if d.task.ours != nil {
		d.task.ours(proxy)
	}
	if d.task.TLS {
		proxy.TLS = &topologies.TLS{Certificates: []topologies.Certificate{d.pair}}
	}
	if d.task.H2 {
		proxy.TLS.HTTP2 = &topologies.HTTP2{Streams: 100, Header: 64 << 10}
	}
	shape := &topologies.Topology{Name: "bench", Entry: "proxy", Nodes: []*topologies.Node{proxy}}
	for i, origin := range d.Origins {
		name := fmt.Sprintf("origin%d", i)
		proxy.To = append(proxy.To, name)
		shape.Nodes = append(shape.Nodes, &topologies.Node{Name: name, Kind: topologies.External, Replicas: 1, URL: "http://" + origin})
	}
	s, err := Start(context.Background(), &scenarios.Case{Seed: 1, Variant: scenarios.Variant{Topology: shape}}, SystemOptions{Dir: d.TempDir()})
	require.NoError(d, err)
	d.Cleanup(func() { require.NoError(d, s.Stop()) })
	s.Begin()
	address, _ := s.Entry()
	_, address, _ = strings.Cut(address, "://")
	return d.rival("trafficlab", address, s.pids()[0])
}

// plain is a process with httputil.ReverseProxy.
func (d *bed) plain() *rival {
	command := exec.Command(os.Args[0], "plain", "http://"+d.Origins[0])
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	require.NoError(d, err)
	out, err := command.StdoutPipe()
	require.NoError(d, err)
	require.NoError(d, command.Start())
	d.Cleanup(func() {
		in.Close()
		require.NoError(d, command.Wait())
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(d, err)
	return d.rival("httputil", strings.TrimSpace(address), command.Process.Pid)
}

// plainRole is httputil.ReverseProxy with our connection pool and collector
// settings, until its standard input ends.
func plainRole(args []string) error {
	debug.SetGCPercent(400)
	origin, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.SetXForwarded()
		},
		Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, proxy)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// configured is how a proxy that others have made is told to do what ours does.
type configured struct {
	text    string // a template over a bed
	args    []string
	forgets bool // it has no cache
}

var rivals = map[string]configured{
	"nginx": {text: `
daemon off; master_process off; pid {{.Dir}}/nginx.pid; error_log {{.Dir}}/error.log;
events { worker_connections 1024; }
http {
	access_log {{.Dir}}/access.log combined buffer=64k flush=1s;
	client_body_temp_path {{.Dir}}; proxy_temp_path {{.Dir}}; fastcgi_temp_path {{.Dir}}; uwsgi_temp_path {{.Dir}}; scgi_temp_path {{.Dir}};
	keepalive_requests 1000000;
	{{if .Task.Cached}}
	proxy_cache_path {{.Dir}}/cache keys_zone=answers:1m use_temp_path=off;
	{{if .Tuned}} open_file_cache max=1000; {{end}}
	{{end}}
	{{if .Task.Gzip}} gzip on; gzip_comp_level 1; gzip_types application/json; {{end}}
	upstream origin {
		{{if .Many}} least_conn; {{end}}
		{{range .Origins}} server {{.}}; {{end}}
		keepalive 64; keepalive_requests 1000000;
	}
	server {
		listen {{.Listen}}{{if .Task.TLS}} ssl{{end}}{{if .Task.H2}} http2{{end}};
		{{if .Task.TLS}} ssl_protocols TLSv1.3; ssl_certificate {{.Chain}}; ssl_certificate_key {{.Key}}; {{end}}
		location / {
			{{if .Task.Cached}} proxy_cache answers; {{end}}
			proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
			proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
		}
	}
}
`, args: []string{"-p", "DIR", "-c", "CONFIG"}},
	"haproxy": {text: `
global
	nbthread 1
	ssl-default-bind-options ssl-min-ver TLSv1.3
	tune.comp.maxlevel 1
defaults
	mode http
	option forwardfor
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	http-reuse always
{{if .Task.Cached}}
cache answers
	total-max-size 4
	max-age 3600
{{end}}
frontend front
	bind {{.Listen}}{{if .Task.TLS}} ssl crt {{.Pem}} alpn {{if .Task.H2}}h2{{else}}http/1.1{{end}}{{end}}
	http-request set-header X-Forwarded-Proto {{if .Task.TLS}}https{{else}}http{{end}}
	http-request set-header X-Forwarded-Host %[req.hdr(host)]
	{{if .Task.Cached}}
	http-request cache-use answers
	http-response cache-store answers
	{{end}}
	{{if .Task.Gzip}}
	compression algo gzip
	compression type application/json
	{{end}}
	default_backend origin
backend origin
	balance {{if .Many}}leastconn{{else}}roundrobin{{end}}
	{{range .Origins}}
	server at_{{.}} {{.}}
	{{end}}
`, args: []string{"-db", "-f", "CONFIG"}},
	"caddy": {text: `
{
	admin off
	auto_https disable_redirects
	storage file_system {{.Dir}}
	servers {
		protocols h1 {{if .Task.H2}}h2{{end}}
	}
	log {
		output discard
	}
}
{{if .Task.TLS}}https{{else}}http{{end}}://:{{.Port}} {
	bind 127.0.0.1
	{{if .Task.TLS}} tls {{.Chain}} {{.Key}} {{end}}
	log {
		output file {{.Dir}}/access.log
	}
	{{if .Task.Gzip}}
	encode {
		gzip 1
	}
	{{end}}
	reverse_proxy {{range .Origins}}{{.}} {{end}} {
		{{if .Many}} lb_policy least_conn {{end}}
		transport http {
			keepalive_idle_conns_per_host 64
			compression off
		}
	}
}
`, args: []string{"run", "--adapter", "caddyfile", "--config", "CONFIG"}, forgets: true},
}

// Port is that of Listen.
func (d *bed) Port() string {
	_, port, err := net.SplitHostPort(d.Listen)
	require.NoError(d, err)
	return port
}

// start starts a proxy that is installed.
func (d *bed) start(name string) *rival {
	spare, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(d, err)
	d.Listen, d.Dir = spare.Addr().String(), d.TempDir()
	require.NoError(d, spare.Close())
	config := rivals[name]
	var text strings.Builder
	require.NoError(d, template.Must(template.New(name).Parse(config.text)).Execute(&text, d))
	file := filepath.Join(d.Dir, name+".conf")
	require.NoError(d, os.WriteFile(file, []byte(text.String()), 0o600))
	var args []string
	for _, arg := range config.args {
		args = append(args, strings.NewReplacer("DIR", d.Dir, "CONFIG", file).Replace(arg))
	}
	command := exec.Command(name, args...)
	words, err := os.Create(filepath.Join(d.Dir, name+".log"))
	require.NoError(d, err)
	defer words.Close()
	command.Stderr = words
	command.Env = append(os.Environ(), "HOME="+d.Dir)
	require.NoError(d, command.Start())
	d.Cleanup(func() {
		command.Process.Kill()
		command.Wait() // it was killed: that says no more
	})
	address := d.Listen
	if !assert.Eventually(d, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 5*time.Second, 10*time.Millisecond) {
		last, _ := os.ReadFile(words.Name())
		d.Fatalf("%s does not listen; its last words:\n%s", name, last)
	}
	return d.rival(name, address, command.Process.Pid)
}
