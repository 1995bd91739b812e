package live

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/topologies"
)

// h2cOnly is a client that knows that HTTP/2 is spoken.
func h2cOnly(t *testing.T) *http.Client {
	speaks := new(http.Protocols)
	speaks.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: speaks}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// conversation is an origin that answers each line as it comes, as calls of
// gRPC do that stream both ways.
func conversation(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("X-Te", r.Header.Get("Te"))
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	in := bufio.NewReader(r.Body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		io.WriteString(w, "heard "+line)
		w.(http.Flusher).Flush()
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", r.Trailer.Get("X-Last"))
}

// A request is still being sent while its answer has long begun, over two nodes
// and both ways.
func TestConversationsOverHTTP2(t *testing.T) {
	speaks := new(http.Protocols)
	speaks.SetUnencryptedHTTP2(true)
	origin := &http.Server{Handler: http.HandlerFunc(conversation), Protocols: speaks}
	places := map[topologies.Place]net.Listener{}
	for _, p := range []topologies.Place{"a", "proxy", "origin"} {
		at, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		places[p] = at
	}
	go origin.Serve(places["origin"])
	defer origin.Close()
	h2c := &topologies.HTTP2{Streams: 10, Header: 4 << 10}
	shape := &topologies.Topology{Name: "lab", Entry: "a", Nodes: []*topologies.Node{
		{Name: "a", Kind: topologies.ReverseProxy, To: []string{"proxy"}, Upstream: &topologies.Upstream{HTTP2: true}, H2C: h2c},
		{Name: "proxy", Kind: topologies.ReverseProxy, To: []string{"origin"}, Upstream: &topologies.Upstream{HTTP2: true}, H2C: h2c},
		{Name: "origin", Kind: topologies.Backend},
	}}
	for place, to := range map[topologies.Place]topologies.Place{"a": "proxy", "proxy": "origin"} {
		h := handle(func(x *exchange, req components.Request) { passTo(x, req, to) })
		node, err := hostHandler(h, shape, place, Options{Addresses: func(p topologies.Place) string { return places[p].Addr().String() }})
		require.NoError(t, err)
		go node.Serve(places[place])
		defer node.Close()
	}
	send, hear := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+places["a"].Addr().String()+"/", send)
	require.NoError(t, err)
	r.Header.Set("Te", "trailers")
	r.Trailer = http.Header{"X-Last": {"7"}}
	answer, err := h2cOnly(t).Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, "trailers", answer.Header.Get("X-Te"))
	in := bufio.NewReader(answer.Body)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		_, err := io.WriteString(hear, line)
		require.NoError(t, err)
		heard, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "heard "+line, heard)
	}
	require.NoError(t, hear.Close())
	_, err = in.ReadString('\n')
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, "7", answer.Trailer.Get("Grpc-Status"))
}

// From the entry to the backends by HTTP/2: without TLS, and agreed on in the
// handshake.
func TestSystemsOfHTTP2(t *testing.T) {
	for what, secure := range map[string]*topologies.TLS{
		"without TLS": nil,
		"over TLS":    {SelfSigned: true, HTTP2: &topologies.HTTP2{Streams: 100, Header: 64 << 10}, Clients: &topologies.Clients{}},
	} {
		t.Run(what, func(t *testing.T) {
			c := pairCase()
			lb, api := c.Variant.Topology.Node("lb"), c.Variant.Topology.Node("api")
			lb.Upstream, lb.Connections = &topologies.Upstream{HTTP2: true}, 1
			if api.TLS = secure; secure == nil {
				api.H2C = &topologies.HTTP2{Streams: 100, Header: 64 << 10}
			}
			s := started(t, c)
			s.Begin()
			address, _ := s.Entry()
			for range 20 {
				status, err := get(t, address+"/x", client(s))
				require.NoError(t, err)
				require.Equal(t, 200, status)
			}
			uses, err := s.Use()
			require.NoError(t, err)
			assert.EqualValues(t, 10, uses[1].Requests)
			assert.EqualValues(t, 10, uses[2].Requests)
		})
	}
}

// Who is asked over HTTP/2 without TLS speaks both, on one port: with clients
// that are not Go's, and with HTTP/1.1.
func TestOtherClientsWithoutTLS(t *testing.T) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	shape := &topologies.Topology{Name: "lab", Entry: "proxy", Nodes: []*topologies.Node{
		{Name: "proxy", Kind: topologies.Backend, H2C: &topologies.HTTP2{Streams: 100, Header: 4 << 10}},
	}}
	node, err := hostHandler(handle(func(x *exchange, _ components.Request) {
		x.Reply(components.Response{Status: 200, Body: components.Body{Bytes: []byte("text")}})
	}), shape, "proxy", Options{Addresses: func(topologies.Place) string { return "" }})
	require.NoError(t, err)
	go node.Serve(at)
	defer node.Close()
	run := func(name string, args ...string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		text, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
		require.NoError(t, err, string(text))
		return string(text)
	}
	address := "http://" + at.Addr().String() + "/"
	for option, want := range map[string]string{"--http2-prior-knowledge": "2 200", "--http1.1": "1.1 200", "--http1.0": "1.1 200", "--http2": "1.1 200"} {
		assert.Equal(t, "text "+want, run("curl", "-sS", "-w", " %{http_version} %{http_code}", option, address), option)
	}
	assert.Contains(t, run("h2load", "-n", "2000", "-c", "4", "-m", "10", address), "2000 succeeded, 0 failed")
	conn, err := net.Dial("tcp", at.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "PRI / HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	text, _ := io.ReadAll(conn)
	assert.False(t, strings.Contains(string(text), "200 OK"), "%q", text)
}

// Origins that are not Go's.
func TestOtherServersOfHTTP2(t *testing.T) {
	path, err := exec.LookPath("nghttpd")
	if err != nil {
		t.Skip("nghttpd is not installed")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := exec.CommandContext(ctx, path, "--no-tls", "-a", "127.0.0.1", "-d", "../topologies/testdata", "--echo-upload", "--trailer", "x-sum: 7", address[strings.LastIndexByte(address, ':')+1:])
	require.NoError(t, server.Start())
	defer server.Wait()
	defer cancel()
	shape := &topologies.Topology{Name: "lab", Entry: "proxy", Nodes: []*topologies.Node{
		{Name: "proxy", Kind: topologies.ReverseProxy, To: []string{"origin"}, Upstream: &topologies.Upstream{HTTP2: true},
			H2C: &topologies.HTTP2{Streams: 10, Header: 4 << 10}},
		{Name: "origin", Kind: topologies.External, URL: "http://" + address},
	}}
	node, err := hostHandler(handle(pass), shape, "proxy", Options{})
	require.NoError(t, err)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go node.Serve(at)
	defer node.Close()
	client := h2cOnly(t)
	ask := func(method, path, body string) (int, string, http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+at.Addr().String()+path, io.MultiReader(strings.NewReader(body)))
		require.NoError(t, err)
		r.Header.Set("Te", "trailers")
		answer, err := client.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text), answer.Trailer
	}
	until(t, "nghttpd listens", func() bool {
		status, _, _ := ask("GET", "/tls.yaml", "")
		return status == 200
	})
	_, _, trailer := ask("GET", "/tls.yaml", "")
	assert.Equal(t, "7", trailer.Get("X-Sum"))
	status, text, _ := ask("POST", "/echo", strings.Repeat("text", 100_000))
	assert.Equal(t, 200, status)
	assert.Len(t, text, 400_000)
	status, _, _ = ask("GET", "/none", "")
	assert.Equal(t, 404, status)
}
