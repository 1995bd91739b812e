package live

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	collecting "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// watched hosts a topology and returns a way to ask its entry. end closes the
// nodes, first the entry.
func watched(t *testing.T, text string, logs map[string]*bytes.Buffer) (ask func(path string, fields ...string) *http.Response, nodes []*Node, end func()) {
	top, err := topologies.Parse("f", []byte(text))
	require.NoError(t, err)
	c := &scenarios.Case{Variant: scenarios.Variant{Topology: top}}
	network := new(Memory)
	for _, place := range top.Places() {
		o := Options{Addresses: func(p topologies.Place) string { return string(p) }, Dial: network.Dial}
		if log := logs[string(place)]; log != nil {
			o.Access = log
		}
		n, err := NewNode(c, place, o)
		require.NoError(t, err)
		listener, err := network.Listen(string(place))
		require.NoError(t, err)
		go n.Serve(listener)
		n.Begin(time.Now())
		nodes = append(nodes, n)
	}
	transport := &http.Transport{DialContext: network.Dial, DisableCompression: true}
	ask = func(path string, fields ...string) *http.Response {
		r, err := http.NewRequest("GET", "http://"+top.Entry+path, nil)
		require.NoError(t, err)
		for i := 0; i < len(fields); i += 2 {
			r.Header.Add(fields[i], fields[i+1])
		}
		answer, err := transport.RoundTrip(r)
		require.NoError(t, err)
		io.Copy(io.Discard, answer.Body)
		require.NoError(t, answer.Body.Close())
		return answer
	}
	end = func() {
		transport.CloseIdleConnections()
		for _, n := range nodes {
			require.NoError(t, n.Close())
		}
	}
	return ask, nodes, end
}

const secret = "s3cr3t-key"

const shop = `
name: f
entry: gate
nodes:
  gate:
    kind: gateway
    keys: {alice: ` + secret + `}
    auth: {key-in: [header X-Api-Key, query api_key]}
    routes: [{path: /products/*, to: api}, {path: /orders, to: api}]
    %s
  api: {kind: backend, workers: 4, service-time: {constant: 1ms}, response: 300B, %s}
`

// A scrape has the figures by route, consumer and upstream, as text and, with
// native histograms, as protocol buffers.
func TestScrape(t *testing.T) {
	ask, nodes, end := watched(t, fmt.Sprintf(shop, "", ""), nil)
	for range 3 {
		require.Equal(t, 200, ask("/products/1", "X-Api-Key", secret).StatusCode)
	}
	require.Equal(t, 401, ask("/orders").StatusCode)
	require.Equal(t, 404, ask("/nowhere", "X-Api-Key", secret).StatusCode)
	end() // and all accounts are in
	admin := (&admin{node: nodes[0]}).handler()

	plain := scrape(t, admin, "")
	count := func(name string, labels ...string) float64 { return find(t, plain, name, labels...).Counter.GetValue() }
	require.EqualValues(t, 3, count("trafficlab_route_requests_total", "route", "/products/*"))
	require.EqualValues(t, 1, count("trafficlab_route_errors_total", "route", "/orders", "reason", "denied"))
	require.EqualValues(t, 1, count("trafficlab_route_errors_total", "route", "none", "reason", "denied"))
	require.EqualValues(t, 3, count("trafficlab_consumer_requests_total", "consumer", "alice"))
	require.EqualValues(t, 3, count("trafficlab_upstream_requests_total", "upstream", "api"))
	require.EqualValues(t, 3, count("trafficlab_requests_total", "reason", "ok"))
	took := find(t, plain, "trafficlab_route_duration_seconds", "route", "/products/*").Histogram
	require.EqualValues(t, 3, took.GetSampleCount())
	require.Len(t, took.Bucket, 17, "and one without end")
	require.GreaterOrEqual(t, took.GetSampleSum(), .003)

	native := scrape(t, admin, string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	for _, of := range [][3]string{{"route", "/products/*"}, {"consumer", "alice"}, {"upstream", "api"}} {
		h := find(t, native, "trafficlab_"+of[0]+"_duration_seconds", of[0], of[1]).Histogram
		require.NotEmpty(t, h.PositiveSpan, of[0])
		require.EqualValues(t, 3, h.GetSampleCount())
	}
}

func scrape(t *testing.T, of http.Handler, accept string) map[string]*dto.MetricFamily {
	r := httptest.NewRequest("GET", "http://localhost/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	of.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
	require.NotContains(t, w.Body.String(), secret)
	d := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	families := map[string]*dto.MetricFamily{}
	for {
		f := new(dto.MetricFamily)
		err := d.Decode(f)
		if err == io.EOF {
			return families
		}
		require.NoError(t, err)
		families[f.GetName()] = f
	}
}

func find(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) *dto.Metric {
	require.Contains(t, families, name)
	want := model.LabelSet{}
	for i := 0; i < len(labels); i += 2 {
		want[model.LabelName(labels[i])] = model.LabelValue(labels[i+1])
	}
	for _, m := range families[name].Metric {
		has := model.LabelSet{}
		for _, l := range m.Label {
			has[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
		}
		if want.Equal(has) {
			return m
		}
	}
	t.Fatalf("there is no %s of %v", name, want)
	return nil
}

func TestLabelsAreBounded(t *testing.T) {
	f := newFamily("consumer", "", "")
	for i := range 3 * mostValues {
		f.note(fmt.Sprint("c", i), policy.OK, time.Millisecond)
	}
	f.note("c1", policy.Failed, time.Millisecond)
	require.Len(t, f.series, mostValues+1)
	var m dto.Metric
	require.NoError(t, f.series[others].requests.Write(&m))
	require.EqualValues(t, 2*mostValues, m.Counter.GetValue())
	require.NoError(t, f.errors.WithLabelValues("c1", "failed").Write(&m))
	require.EqualValues(t, 1, m.Counter.GetValue())
}

// The lines of both forms, but for what differs from run to run.
func TestLinesOfTheAccessLog(t *testing.T) {
	changing := regexp.MustCompile(`\d\d/\w{3}/\d{4}:[\d:]{8} |"(at|took)":[\d.]+`)
	for form, want := range map[string]string{
		"json": `{"at":0,"number":9223372036854775809,"attempt":"0","peer":"127.0.0.1","method":"GET","path":"/products/1","status":200,"bytes":300,"took":0,"reason":"ok","route":"/products/*","consumer":"alice","upstream":"api"}
{"at":0,"number":9223372036854775810,"attempt":"0","peer":"127.0.0.1","method":"GET","path":"/orders","status":401,"bytes":29,"took":0,"reason":"denied","route":"/orders"}
`,
		"combined": `127.0.0.1 - alice [+0000] "GET /products/1 HTTP/1.1" 200 300 "http://a/b" "curl \"x\" \\ \xc3\xa9"
127.0.0.1 - - [+0000] "GET /orders HTTP/1.1" 401 29 "-" "Go-http-client/1.1"
`,
		"off": "",
	} {
		var log bytes.Buffer
		ask, _, end := watched(t, fmt.Sprintf(shop, "access-log: "+form, ""), map[string]*bytes.Buffer{"gate": &log})
		require.Equal(t, 200, ask("/products/1?api_key="+secret, "Referer", "http://u:"+secret+"@a/b?token="+secret,
			"User-Agent", `curl "x" \ é`).StatusCode)
		require.Equal(t, 401, ask("/orders?api_key="+secret+"x", "Authorization", "Bearer "+secret).StatusCode)
		end()
		got := changing.ReplaceAllStringFunc(log.String(), func(s string) string {
			if name, _, found := strings.Cut(s, ":"); found && s[0] == '"' {
				return name + ":0"
			}
			return ""
		})
		require.Equal(t, want, got, form)
		require.NotContains(t, log.String(), secret)
	}
}

func TestBareURLs(t *testing.T) {
	for url, want := range map[string]string{
		"": "", "/a?b=c": "/a", "https://a.example/b#c": "https://a.example/b",
		"https://u:p@a.example:1/b@c": "https://a.example:1/b@c", "https://u:p@a": "https://a",
	} {
		require.Equal(t, want, bare(url))
	}
}

// receiver is an OpenTelemetry collector.
type receiver struct {
	mu    sync.Mutex
	text  bytes.Buffer // all that came
	spans map[string][]*otlp.Span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	var came collecting.ExportTraceServiceRequest
	if q.URL.Path != "/v1/traces" || proto.Unmarshal(body, &came) != nil {
		w.WriteHeader(400)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.WriteString(came.String())
	for _, of := range came.ResourceSpans {
		service := of.Resource.Attributes[0].Value.GetStringValue()
		for _, scope := range of.ScopeSpans {
			r.spans[service] = append(r.spans[service], scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// A trace goes on through all nodes, a span an answer and one an attempt, each
// the parent of the next; its spans come to the collector and tell no secret.
func TestSpans(t *testing.T) {
	for _, by := range []string{"file", "environment"} {
		got := &receiver{spans: map[string][]*otlp.Span{}}
		server := httptest.NewServer(got)
		export := "trace: {export: '" + server.URL + "'}"
		if by == "environment" {
			export = "trace: off"
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
		}
		ask, _, end := watched(t, fmt.Sprintf(shop, export, export), nil)
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		require.Equal(t, 200, ask("/products/1?api_key="+secret, "Traceparent", parent, "Tracestate", "a=b").StatusCode)
		require.Equal(t, 401, ask("/orders", "X-Api-Key", secret+"x").StatusCode)
		require.Equal(t, 200, ask("/healthz").StatusCode)
		end()
		server.Close()

		require.Len(t, got.spans["gate"], 3)
		require.Len(t, got.spans["api"], 1)
		of := map[string]*otlp.Span{}
		for _, s := range got.spans["gate"] {
			of[s.Kind.String()+" "+s.Name] = s
		}
		up, answer, refused := of["SPAN_KIND_CLIENT GET"], of["SPAN_KIND_SERVER GET /products/*"], of["SPAN_KIND_SERVER GET /orders"]
		further := got.spans["api"][0]
		for _, s := range []*otlp.Span{up, answer, refused, further} {
			require.NotNil(t, s, "%v", of)
			require.LessOrEqual(t, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
		for _, s := range []*otlp.Span{answer, up, further} {
			require.Equal(t, "0af7651916cd43dd8448eb211c80319c", fmt.Sprintf("%x", s.TraceId))
			require.Equal(t, "a=b", s.TraceState)
		}
		require.Equal(t, "b7ad6b7169203331", fmt.Sprintf("%x", answer.ParentSpanId))
		require.Equal(t, answer.SpanId, up.ParentSpanId)
		require.Equal(t, up.SpanId, further.ParentSpanId)
		require.Empty(t, refused.ParentSpanId)
		require.NotEqual(t, answer.TraceId, refused.TraceId)
		require.Contains(t, got.text.String(), "enduser.id")
		require.NotContains(t, got.text.String(), secret)
	}
}

// What an upstream is told for what came (W3C Trace Context).
func TestTraceContext(t *testing.T) {
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, tt := range []struct {
		name         string
		trace        string
		came         []string // traceparents, then maybe a tracestate
		state        string
		same         bool   // the trace goes on
		flags, after string // flags and tracestate sent on
	}{
		{"continued, sampled", "{sample: 0%}", []string{"00-" + id + "-" + span + "-01"}, "a=1,b=2", true, "01", "a=1,b=2"},
		{"continued, not sampled", "{sample: 100%}", []string{"00-" + id + "-" + span + "-00"}, "", true, "00", ""},
		{"begun, sampled", "{sample: 100%}", nil, "", false, "01", ""},
		{"begun, not sampled", "{sample: 0%}", nil, "", false, "00", ""},
		{"of a later version", "{}", []string{"cc-" + id + "-" + span + "-01-what"}, "", true, "01", ""},
		{"malformed", "{}", []string{"00-" + id + "-" + span}, "a=1", false, "01", ""},
		{"in capitals", "{}", []string{"00-" + strings.ToUpper(id) + "-" + span + "-01"}, "", false, "01", ""},
		{"all noughts", "{}", []string{"00-" + strings.Repeat("0", 32) + "-" + span + "-01"}, "", false, "01", ""},
		{"two of them", "{}", []string{"00-" + id + "-" + span + "-01", "00-" + id + "-" + span + "-01"}, "", false, "01", ""},
	} {
		top, err := topologies.Parse("f", []byte("name: f\nentry: a\nnodes:\n  a: {kind: reverse-proxy, to: b, trace: "+tt.trace+"}\n  b: {kind: backend}\n"))
		require.NoError(t, err)
		by, err := newTracing(top.Nodes[0], "a")
		require.NoError(t, err)
		var in components.Header
		for _, parent := range tt.came {
			in = in.Add("Traceparent", parent)
		}
		if tt.state != "" {
			in = in.Add("Tracestate", tt.state)
		}
		x := &exchange{node: &Node{clock: Standard{}}}
		r := by.begin(x, &components.Request{Method: "GET", Path: "/", Header: in})
		var sent []string
		for range 2 { // tries
			hop := components.Hop{To: "b", Request: components.Request{Method: "GET", Header: in}}
			hop = r.onward(hop)
			parent := hop.Request.Header.Values("traceparent")
			require.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-`+tt.flags+`$`, parent, tt.name)
			require.Equal(t, tt.same, strings.Contains(parent, id), tt.name)
			require.NotContains(t, parent, span, tt.name)
			require.Equal(t, tt.after, hop.Request.Header.Values("tracestate"), tt.name)
			sent = append(sent, parent)
		}
		require.NotEqual(t, sent[0], sent[1], "a span id for each hop")
		require.Equal(t, strings.Join(tt.came, ", "), in.Values("Traceparent"), "the request keeps its own: %s", tt.name)
		r.end()
		require.NoError(t, by.close())
	}
	by, err := newTracing(&topologies.Node{}, "a")
	require.NoError(t, err)
	require.Nil(t, by, "off")
}
