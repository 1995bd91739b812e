package live

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/topologies"
)

// Clients that are not Go's: curl and nghttp2's h2load.
func TestOtherClientsOverTLS(t *testing.T) {
	l := inH2Lab(t, usualTLS(), handle(pass), sawIt)
	run := func(name string, args ...string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		text, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
		require.NoError(t, err, string(text))
		return string(text)
	}
	for option, want := range map[string]string{"--http2": "2 200", "--http1.1": "1.1 200", "--tls-max": "2 200"} {
		args := []string{"-sS", "--cacert", l.file, "-w", " %{http_version} %{http_code}", "-o", "-", option}
		if option == "--tls-max" {
			args = append(args, "1.2")
		}
		text := run("curl", append(args, "--resolve", "localhost:"+l.port()+":127.0.0.1", "https://localhost:"+l.port()+"/a?b")...)
		assert.Equal(t, "seen "+want, text, option)
	}
	// curl does not show trailers of HTTP/2.
	seen := run("nghttp", "-v", "-H", "te: trailers", "-H", "accept-encoding: identity", "https://"+l.address+"/")
	assert.Contains(t, seen, "x-done: yes")
	text := run("h2load", "-n", "2000", "-c", "4", "-m", "10", "https://"+l.address+"/")
	assert.Contains(t, text, "Application protocol: h2")
	assert.Contains(t, text, "2000 succeeded, 0 failed")
}

// TestH2load asks a CDN and a gateway for what is stored, what is not, and
// what takes a body, over both versions: every request is answered, in full.
func TestH2load(t *testing.T) {
	h2load := installed(t, "h2load")
	body := filepath.Join(h2load.dir, "body")
	require.NoError(t, os.WriteFile(body, components.Filler(20_000), 0o600))
	requests := "300"
	if testing.Short() {
		requests = "30"
	}
	for _, node := range []string{"", "tls: {self-signed: true},"} {
		c := onSockets(t, fmt.Sprintf(besideDepot, node), http.HandlerFunc(depot))
		base := "http://" + c.address("edge")
		if node != "" {
			base = "https://" + c.address("edge")
		}
		for _, version := range [][]string{{"--h1"}, {}} { // without the word, what TLS agrees on
			if node == "" && len(version) == 0 {
				continue
			}
			for _, args := range [][]string{{"/file"}, {"/streamed"}, {"-H", "accept-encoding: br", "/text"}, {"-d", body, "/post"}, {"/refused"}} {
				target := base + args[len(args)-1]
				said, status := h2load.run(append(append([]string{"-n", requests, "-c", "3", "-m", "5", target}, version...), args[:len(args)-1]...)...)
				require.Zero(t, status, said)
				require.Contains(t, said, requests+" total, "+requests+" started, "+requests+" done,", target)
				require.Contains(t, said, " 0 errored, 0 timeout", target)
				if args[0] == "/refused" {
					require.Contains(t, said, "0 2xx, 0 3xx, "+requests+" 4xx, 0 5xx")
				} else {
					require.Contains(t, said, requests+" 2xx, 0 3xx, 0 4xx, 0 5xx", said)
				}
			}
		}
	}
}

// TestCurlShowsACertificate, over both versions; without one it is not let in.
func TestCurlShowsACertificate(t *testing.T) {
	curl := installed(t, "curl")
	want := usualTLS()
	want.Clients = &topologies.Clients{}
	l := inH2Lab(t, want, handle(func(x *exchange, req components.Request) {
		x.Reply(components.Response{Status: 200, Body: components.Body{Bytes: []byte(req.Identity)}})
	}), sawIt)
	badge, err := l.issue("cart", l.dir, x509.ExtKeyUsageClientAuth, "cart.test")
	require.NoError(t, err)
	for _, version := range []string{"--http1.1", "--http2"} {
		usual := []string{"-sS", "-m", "30", version, "--resolve", "localhost:" + l.port() + ":127.0.0.1", "--cacert", l.file, "https://localhost:" + l.port() + "/"}
		said, status := curl.run(append([]string{"--cert", badge.Chain, "--key", badge.Key}, usual...)...)
		require.Zero(t, status, said)
		require.Equal(t, "cart.test", said)
		said, status = curl.run(usual...)
		require.NotZero(t, status, said)
		require.NotContains(t, said, "cart.test")
	}
}
