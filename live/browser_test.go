package live

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestInARealBrowser: Chromium loads a page through a CDN and a gateway, over
// TLS and HTTP/2, and its script tells what it saw of everything that a page
// does: compressed and cached answers, conditions and parts, other origins,
// events one by one, uploads, requests taken back, WebSockets.
func TestInARealBrowser(t *testing.T) {
	origin := &corner{acks: make(chan string, 1), gone: make(chan struct{})}
	c := onSockets(t, `
name: chain
entry: edge
nodes:
  edge: {kind: cdn, tls: {self-signed: true}, compress: [br, zstd, gzip], cache: {collapse: true}, to: gateway}
  gateway:
    kind: gateway
    cors: {origins: ["https://localhost:PORT"], methods: [PUT], headers: [x-token], expose: [x-cache, x-secret]}
    routes: [{path: /*, to: origin}]
  origin: {kind: external, to: "http://ORIGIN"}
`, origin)
	tab := c.tab(t)
	home := "https://localhost:" + c.port()
	other := "https://127.0.0.1:" + c.port()
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(home+"/")))
	saw := func(script string) any {
		t.Helper()
		got, err := chromedp.Run(tab, chromedp.Evaluate[any]("(async () => {"+strings.ReplaceAll(script, "OTHER", other)+"})()", chromedp.EvalAwaitPromise))
		require.NoError(t, err)
		return got
	}
	for _, tt := range []struct {
		what, script string
		want         any
	}{
		{"the page came by HTTP/2, packed", `const e = performance.getEntriesByType("navigation")[0];
			return [document.title, e.nextHopProtocol, e.responseStatus, e.encodedBodySize < e.decodedBodySize / 2]`,
			[]any{"the shop", "h2", 200.0, true}},
		{"in the coding that the CDN likes best of those taken", `return (await fetch("/list")).headers.get("content-encoding")`, "br"},
		{"twice the same, from one fetch", `const a = await fetch("/list"), b = await fetch("/list");
			return [await a.text() == await b.text(), b.headers.get("x-cache"), b.headers.get("vary"), /edge; hit; ttl=\d+$/.test(b.headers.get("cache-status"))]`,
			[]any{true, "hit", "Origin, Accept-Encoding", true}},
		{"what the browser has need not be sent", `await (await fetch("/tagged")).text();
			const r = await fetch("/tagged"), text = await r.text();
			const e = performance.getEntriesByName(location.origin + "/tagged").at(-1);
			return [text, r.status, e.transferSize <= 300]`, []any{"tagged", 200.0, true}},
		{"a part of what is stored", `await (await fetch("/digits")).text();
			const r = await fetch("/digits", {headers: {range: "bytes=2-4"}});
			return [r.status, await r.text(), r.headers.get("content-range")]`, []any{206.0, "234", "bytes 2-4/10"}},
		{"another origin, asked first, shows what it may", `const r = await fetch("OTHER/own", {method: "PUT", headers: {"x-token": "1"}, body: "x"});
			return [await r.text(), r.headers.get("x-secret"), r.headers.get("x-hidden"), r.type]`, []any{"PUT token 1", "shown", nil, "cors"}},
		{"but not by other methods", `return await fetch("OTHER/own", {method: "DELETE"}).then(() => "seen", e => e.name)`, "TypeError"},
		{"an upload of a length that is not known", `const parts = new Blob([new Uint8Array(700000), "end"]).stream();
			const r = await fetch("/upload", {method: "POST", body: parts, duplex: "half"}); return await r.text()`, "700003"},
		{"a form", `const f = new FormData(); f.append("file", new Blob([new Uint8Array(1 << 20)]), "a");
			return await (await fetch("/form", {method: "POST", body: f})).text()`, "1048576"},
		{"events, each before the next is made", `const seen = [];
			await new Promise((done, failed) => {
				const source = new EventSource("/events");
				source.onerror = () => { source.close(); failed(new Error("after " + seen)); };
				source.onmessage = async e => {
					seen.push(e.data);
					if (e.data == "4") { source.close(); done(); }
					await fetch("/ack?" + e.data, {method: "POST"});
				};
			});
			return seen.join()`, "0,1,2,3,4"},
		{"a WebSocket, over HTTP/1.1 beside it", `return await new Promise((done, failed) => {
				const socket = new WebSocket(location.origin.replace("https", "wss") + "/socket", "echo"), seen = [];
				socket.onerror = () => failed(new Error("after " + seen));
				socket.onopen = () => { socket.send("a".repeat(1 << 20)); socket.send(new Blob(["bin"])); socket.send("close"); };
				socket.onmessage = e => seen.push(e.data.length ?? e.data.size);
				socket.onclose = e => done([seen.join(), socket.protocol, e.code, e.reason, e.wasClean]);
			})`, []any{"1048576,3", "echo", 4001.0, "enough", true}},
		{"a redirect", `const r = await fetch("/moved"); return [r.redirected, new URL(r.url).pathname, await r.text()]`, []any{true, "/digits", "0123456789"}},
		{"an answer that breaks off is an error", `return await fetch("/broken").then(r => r.text()).then(() => "seen", e => e.name)`, "TypeError"},
		{"a request that is taken back", `const stop = new AbortController();
			const r = await fetch("/endless", {signal: stop.signal}); await r.body.getReader().read(); stop.abort(); return r.status`, 200.0},
	} {
		t.Run(tt.what, func(t *testing.T) { require.Equal(t, tt.want, saw(tt.script)) })
	}
	<-origin.gone // to the origin as well
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(other+"/")))
	require.Equal(t, "TypeError", saw(`return await fetch("https://localhost:`+c.port()+`/own").then(() => "seen", e => e.name)`), "an origin that may not")
	require.Equal(t, 1, origin.times("GET /list"))
	require.Equal(t, 1, origin.times("GET /tagged"))
	require.Equal(t, 1, origin.times("GET /digits"))
	require.Zero(t, origin.times("OPTIONS /own"), "the gateway answers preflights")
	require.Zero(t, origin.times("DELETE /own"))
}

// tab is a headless Chromium that trusts the entry's certificate.
func (c *chain) tab(t *testing.T) context.Context {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		const missing = "no Chromium on this machine: the chain was not seen by a browser (make deps installs it)"
		if os.Getenv("TRAFFICLAB_ALL") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "edge.pem"), filepath.Join(c.dir, "edge.key"))
	require.NoError(t, err)
	digest := sha256.Sum256(pair.Leaf.RawSubjectPublicKeyInfo)
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(digest[:]))}
	for _, flag := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
		"disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); cancel() })
	require.NoError(t, chromedp.Do(ctx), "start %s", path)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// corner is the origin that the browser's page is about.
type corner struct {
	echoes
	acks chan string
	gone chan struct{}

	met sync.Mutex
	all []string
}

func (s *corner) times(request string) (n int) {
	s.met.Lock()
	defer s.met.Unlock()
	for _, one := range s.all {
		if one == request {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (s *corner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.met.Lock()
	s.all = append(s.all, r.Method+" "+r.URL.Path)
	s.met.Unlock()
	// The browser keeps nothing but what has a tag, the CDN keeps all that has
	// a lifetime.
	said := func(kind, lifetime string) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("CDN-Cache-Control", lifetime)
	}
	switch r.URL.Path {
	case "/":
		said("text/html", "no-store")
		io.WriteString(w, "<!doctype html><title>the shop</title>"+strings.Repeat("<p>much of the same</p>", 1000))
	case "/list":
		said("text/plain", "max-age=60")
		io.WriteString(w, strings.Repeat("much of the same ", 1000))
	case "/tagged":
		said("application/octet-stream", "max-age=60")
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, "tagged")
	case "/digits":
		said("application/octet-stream", "max-age=60")
		io.WriteString(w, "0123456789")
	case "/own":
		said("text/plain", "no-store")
		w.Header().Set("X-Secret", "shown")
		w.Header().Set("X-Hidden", "yes")
		fmt.Fprint(w, r.Method, " token ", r.Header.Get("X-Token"))
	case "/upload":
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	case "/form":
		file, _, err := r.FormFile("file")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		n, _ := io.Copy(io.Discard, file)
		fmt.Fprint(w, n)
	case "/events":
		s.events(w, r)
	case "/ack":
		s.acks <- r.URL.RawQuery
	case "/moved":
		http.Redirect(w, r, "/digits", http.StatusFound)
	case "/broken":
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "not all")
	case "/endless":
		defer close(s.gone)
		for r.Context().Err() == nil {
			w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	default:
		s.echoes.ServeHTTP(w, r)
	}
}

// events sends one, and another when that has been acknowledged.
func (s *corner) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 5 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
		select {
		case <-s.acks:
		case <-r.Context().Done():
			return
		}
	}
}
