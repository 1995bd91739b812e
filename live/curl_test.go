package live

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
)

// wares is what the depot has.
var wares = sync.OnceValue(func() []byte { return components.Filler(100_000) })

// depot is the origin that curl and h2load ask.
func depot(w http.ResponseWriter, r *http.Request) {
	written := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	switch r.URL.Path {
	case "/file":
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", written, bytes.NewReader(wares()))
	case "/text":
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write(wares())
	case "/streamed":
		for range 10 {
			w.Write(wares()[:1000])
			w.(http.Flusher).Flush()
		}
	case "/large":
		size, _ := strconv.Atoi(r.URL.RawQuery)
		for range size >> 20 {
			w.Write(make([]byte, 1<<20))
		}
	case "/trailers":
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "text")
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "4")
	case "/hinted":
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "text")
	case "/refused":
		http.Error(w, "not you", http.StatusForbidden)
	default:
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%s %s %d %x %v %v", r.Method, r.RequestURI, n, sum.Sum(nil)[:4], r.TransferEncoding, err)
	}
}

const besideDepot = `
name: chain
entry: edge
nodes:
  edge: {kind: cdn, %s compress: [br, zstd, gzip], cache: {collapse: true}, max-body: 60MB, to: gateway}
  gateway: {kind: gateway, max-body: 60MB, routes: [{path: /small, to: origin, max-body: 1KiB}, {path: /*, to: origin}]}
  origin: {kind: external, to: "http://ORIGIN"}
`

// program is one that another project has made.
type program struct {
	*testing.T
	path string
	dir  string // where it works
}

func installed(t *testing.T, name string) program {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return program{t, path, t.TempDir()}
}

// run returns what it says and the status that it exits with.
func (p program) run(args ...string) (said string, status int) {
	p.Helper()
	c := exec.CommandContext(p.Context(), p.path, args...)
	c.Dir = p.dir
	text, err := c.CombinedOutput()
	if _, ended := err.(*exec.ExitError); !ended {
		require.NoError(p, err)
	}
	return string(text), c.ProcessState.ExitCode()
}

// TestCurl does what scripts do with curl, through a CDN and a gateway: over
// HTTP/1.1 without and with TLS, and over HTTP/2.
func TestCurl(t *testing.T) {
	for name, way := range map[string]struct{ node, scheme, option string }{
		"http/1.1":          {"", "http", "--http1.1"},
		"http/1.1 over TLS": {"tls: {self-signed: true},", "https", "--http1.1"},
		"http/2":            {"tls: {self-signed: true},", "https", "--http2"},
	} {
		t.Run(name, func(t *testing.T) {
			curl := installed(t, "curl")
			c := onSockets(t, fmt.Sprintf(besideDepot, way.node), http.HandlerFunc(depot))
			base := way.scheme + "://localhost:" + c.port()
			usual := []string{"-sS", "-m", "30", way.option, "--resolve", "localhost:" + c.port() + ":127.0.0.1"}
			if c.pki != nil {
				usual = append(usual, "--cacert", c.file)
			}
			whole := string(wares())
			large := 50 << 20
			if testing.Short() { // which is for the race detector
				large = 5 << 20
			}
			upload := components.Filler(int64(large))
			digest := sha256.Sum256(upload)
			write := func(name string, text []byte) {
				require.NoError(t, os.WriteFile(filepath.Join(curl.dir, name), text, 0o600))
			}
			write("upload", upload)
			write("part", []byte(whole[:40_000]))
			h2 := way.option == "--http2"
			for _, tt := range []struct {
				what   string
				args   []string // "/..." are targets at the chain
				status int      // of curl
				want   string   // in what it says
				h1     bool     // HTTP/1.1 only
				first  bool     // it says so before all else
				again  bool     // if not, then soon: curl may go with the last byte, before it is stored
			}{
				{what: "a large upload", args: []string{"-T", "upload", "/put"}, want: fmt.Sprintf("PUT /put %d %x [] <nil>", large, digest[:4])},
				{what: "one of a length that is not told", args: []string{"-T", "upload", "-H", "Content-Length:", "-H", "Transfer-Encoding: chunked", "/put"}, want: fmt.Sprintf("PUT /put %d %x [chunked] <nil>", large, digest[:4]), h1: true},
				{what: "a large download", args: []string{"-o", "large", "-w", "%{size_download}", "/large?" + strconv.Itoa(large)}, want: strconv.Itoa(large)},
				{what: "a form", args: []string{"-F", "a=b", "-w", " %{http_code}", "/form"}, want: "POST /form 1"},
				{what: "the body is asked for", args: []string{"-v", "-H", "Expect: 100-continue", "--expect100-timeout", "20", "-d", "text", "/"}, want: "HTTP/1.1 100 Continue", h1: true},
				{what: "and comes then", args: []string{"-H", "Expect: 100-continue", "--expect100-timeout", "20", "-d", "text", "/"}, want: "POST / 4 "},
				{what: "or is not asked for", args: []string{"-H", "Expect: 100-continue", "--expect100-timeout", "20", "-d", "text", "-w", " %{http_code} %{size_upload}", "/refused"}, want: "not you\n 403 0", h1: true},
				{what: "an upload that is too long by its length", args: []string{"-T", "upload", "-w", " %{http_code}", "/small"}, want: " 413"},
				{what: "and without one", args: []string{"-T", "upload", "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-w", " %{http_code}", "/small"}, want: " 413", h1: true},
				{what: "trailers, to who takes them", args: []string{"-i", "-H", "TE: trailers", "/trailers"}, want: "X-Sum: 4", h1: true}, // curl does not show those of HTTP/2
				{what: "hints before the answer", args: []string{"-i", "/hinted"}, want: " 103"},
				{what: "a head", args: []string{"-I", "/file"}, want: "ontent-"},
				{what: "a part", args: []string{"-r", "2-4", "-w", " %{http_code} %header{content-range}", "/file"}, want: whole[2:5] + " 206 bytes 2-4/100000"},
				{what: "the last of it", args: []string{"-r", "-3", "-w", " %{http_code} %header{content-range}", "/file"}, want: whole[len(whole)-3:] + " 206 bytes 99997-99999/100000"},
				{what: "a part out of reach", args: []string{"-r", "100000-", "-w", " %{http_code} %header{content-range}", "/file"}, want: " 416 bytes */100000"},
				{what: "parts are not kept", args: []string{"-o", "fetched", "-w", "%header{x-cache}", "/file"}, want: "miss"},
				{what: "but the whole is", args: []string{"-o", "again", "-w", "%header{x-cache} %header{age}", "/file"}, want: "hit ", again: true},
				{what: "several parts are all of it", args: []string{"-r", "0-1,4-5", "-o", "several", "-w", "%{http_code} %{size_download}", "/file"}, want: "200 100000"},
				{what: "a download goes on", args: []string{"-C", "-", "-o", "part", "-w", "%{http_code} %{size_download}", "/file"}, want: "206 60000"},
				{what: "not if not changed since", args: []string{"-z", "Thu, 02 Jan 2020 00:00:00 GMT", "-w", "%{http_code} %{size_download}", "/file"}, want: "304 0"},
				{what: "but if changed since", args: []string{"-z", "Tue, 31 Dec 2019 00:00:00 GMT", "-o", "since", "-w", "%{http_code} %{size_download}", "/file"}, want: "200 100000"},
				{what: "a tag is noted", args: []string{"--etag-save", "tag", "-o", "tagged", "-w", "%{http_code}", "/file"}, want: "200"},
				{what: "and shown", args: []string{"--etag-compare", "tag", "-w", "%{http_code} %{size_download}", "/file"}, want: "304 0"},
				{what: "packed, by what the CDN likes best", args: []string{"--compressed", "-o", "unpacked", "-w", "%header{content-encoding} %header{vary}", "/text"}, want: "br Accept-Encoding"},
				{what: "as zstd", args: []string{"-H", "Accept-Encoding: zstd", "--compressed", "-o", "unpacked-zstd", "-w", "%header{content-encoding}", "/text"}, want: "zstd"},
				{what: "as gzip", args: []string{"-H", "Accept-Encoding: gzip", "--compressed", "-o", "unpacked-gzip", "-w", "%header{content-encoding}", "/text"}, want: "gzip"},
				{what: "as it is", args: []string{"-o", "plain", "-w", "%header{content-encoding}.%{size_download}", "/text"}, want: ".100000"},
				{what: "HTTP/1.0 gets no chunks", args: []string{"--http1.0", "-o", "old", "-w", "%{http_version} %{http_code} %{size_download}.%header{transfer-encoding}.%header{connection}", "/streamed"}, want: "1.1 200 10000..close", h1: true},
				{what: "nor hints", args: []string{"--http1.0", "-D", "-", "-o", "-", "/hinted"}, first: true, want: "HTTP/1.1 200 OK", h1: true},
				{what: "one connection for all", args: []string{"-o", "1", "-w", "%{num_connects},", "/file", "-o", "2", "/text", "-o", "3", "/streamed", "-o", "4", "/refused"}, want: "1,0,0,0,"},
				{what: "OPTIONS of the server", args: []string{"-X", "OPTIONS", "--request-target", "*", "-w", "%{http_code}", "/"}, want: "OPTIONS *", h1: true},
				{what: "OPTIONS that go no further", args: []string{"-X", "OPTIONS", "-H", "Max-Forwards: 0", "-w", "%{http_code} %header{allow}", "/"}, want: "204 GET, HEAD"},
				{what: "OPTIONS that go on", args: []string{"-X", "OPTIONS", "-H", "Max-Forwards: 2", "/"}, want: "OPTIONS / 0 "},
				{what: "TRACE", args: []string{"-X", "TRACE", "-w", "%{http_code}", "/"}, want: "405"},
				{what: "a tunnel to anywhere", args: []string{"-p", "-x", "PROXY", "--proxy-cacert", c.authorityFile(), "-w", "%{http_connect}", "http://localhost:1/"}, status: 56, want: "501", h1: true},
				{what: "a target in full", args: []string{"-x", "PROXY", "--proxy-cacert", c.authorityFile(), "http://shop.test/a?b=c"}, want: "GET /a?b=c 0 ", h1: true},
				{what: "a path as it was written", args: []string{"--path-as-is", "-w", " %{http_code}", "/a%2Fb//c?d=%zz;e"}, want: "GET /a%2Fb//c?d=%zz;e 0 "},
			} {
				if tt.h1 && h2 {
					continue
				}
				args := append([]string{}, usual...)
				for _, arg := range tt.args {
					if strings.HasPrefix(arg, "/") && arg != c.authorityFile() {
						arg = base + arg
					}
					args = append(args, strings.ReplaceAll(arg, "PROXY", base))
				}
				said, status := curl.run(args...)
				for tries := 0; tt.again && tries < 20 && !strings.Contains(said, tt.want); tries++ {
					said, status = curl.run(args...)
				}
				assert.Equal(t, tt.status, status, "%s: %s", tt.what, said)
				assert.Contains(t, said, tt.want, tt.what)
				assert.True(t, !tt.first || strings.HasPrefix(said, tt.want), tt.what)
			}
			for _, name := range []string{"part", "several", "again", "since", "tagged", "unpacked", "unpacked-zstd", "unpacked-gzip", "plain", "1", "2"} {
				text, err := os.ReadFile(filepath.Join(curl.dir, name))
				require.NoError(t, err)
				assert.True(t, string(text) == whole, name)
			}
		})
	}
}

// authorityFile is where curl finds who signed, or nothing.
func (c *chain) authorityFile() string {
	if c.pki == nil {
		return "/dev/null"
	}
	return c.file
}
