package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// tracing is a node's part in traces: a span for each request it answers, and
// below it one for each attempt, whose id goes on upstream. A nil tracing
// leaves contexts as they are. It is safe for concurrent use.
//
// No span has a query, a header or a body: credentials may be there.
//
// Source: W3C Trace Context; OpenTelemetry, semantic conventions for HTTP.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   oteltrace.Tracer
}

// The environment turns traces on for all nodes of a system, as OpenTelemetry
// has it.
var exportVariables = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// newTracing is nil if neither the node nor the environment asks for traces.
// The node's own collector goes before the environment's.
func newTracing(n *topologies.Node, place topologies.Place) (*tracing, error) {
	byEnvironment := slices.ContainsFunc(exportVariables, func(name string) bool { return os.Getenv(name) != "" })
	if n.Trace == nil && !byEnvironment {
		return nil, nil
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", n.Name), attribute.String("service.instance.id", string(place))))}
	var to []otlptracehttp.Option
	if n.Trace != nil {
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(n.Trace.Sample))))
		if n.Trace.Export != "" {
			to = append(to, otlptracehttp.WithEndpointURL(collector(n.Trace.Export)))
		}
	}
	if len(to) > 0 || byEnvironment {
		exporter, err := otlptracehttp.New(context.Background(), to...)
		if err != nil {
			return nil, fmt.Errorf("export traces: %w", err)
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	provider := sdktrace.NewTracerProvider(options...)
	return &tracing{provider, provider.Tracer("trafficlab")}, nil
}

// collector is the URL that traces are posted to, if only the collector's own
// is told.
func collector(export string) string {
	u, err := url.Parse(export)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return export
	}
	return u.JoinPath("/v1/traces").String()
}

// lastExport bounds the wait for what is still to be exported when a node ends.
const lastExport = time.Second

func (t *tracing) close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastExport)
	defer cancel()
	err := t.provider.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // nobody takes them
	}
	return err
}

// trace is a request's part of its trace. Nil is none.
type trace struct {
	of    *exchange
	by    *tracing
	span  oteltrace.Span
	hops  []hopSpan
	ended bool
}

type hopSpan struct {
	to   topologies.Place
	span oteltrace.Span
}

// begin continues the trace that a request belongs to, or begins one. Checks
// and probes belong to none.
func (t *tracing) begin(x *exchange, req *components.Request) *trace {
	if t == nil || req.Path == components.CheckPath || req.Path == components.ProbePath {
		return nil
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), carrier{&req.Header})
	_, span := t.tracer.Start(ctx, method(req.Method), oteltrace.WithSpanKind(oteltrace.SpanKindServer),
		oteltrace.WithTimestamp(x.Date()), oteltrace.WithAttributes(
			attribute.String("http.request.method", method(req.Method)),
			attribute.String("url.path", req.Path),
			attribute.String("url.scheme", scheme(req.TLS)),
			attribute.String("network.peer.address", req.Peer.String())))
	return &trace{of: x, by: t, span: span}
}

// method is a known method: a span's name is not for callers to choose.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "_OTHER"
}

func scheme(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

// onward begins the span of an attempt, and tells the upstream of it.
func (r *trace) onward(h components.Hop) components.Hop {
	ctx, span := r.by.tracer.Start(oteltrace.ContextWithSpan(context.Background(), r.span), method(h.Request.Method),
		oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithTimestamp(r.of.Date()), oteltrace.WithAttributes(
			attribute.String("http.request.method", method(h.Request.Method)),
			attribute.String("server.address", string(h.To))))
	header := h.Request.Header.Clone().Del("traceparent").Del("tracestate")
	propagation.TraceContext{}.Inject(ctx, carrier{&header})
	h.Request.Header = header
	r.hops = append(r.hops, hopSpan{h.To, span})
	return h
}

// tell ends the spans with what the component says of the request.
func (r *trace) tell(n *Node, a *components.Account) {
	if r == nil {
		return
	}
	began := *n.began.Load()
	tries := slices.Clone(a.Tries)
	for _, hop := range r.hops {
		i := slices.IndexFunc(tries, func(t components.Try) bool { return t.To == hop.to })
		if i < 0 { // a fetch of keys, say
			hop.span.End()
			continue
		}
		finish(hop.span, tries[i].Status, tries[i].Reason, began.Add(tries[i].Ended))
		tries = slices.Delete(tries, i, i+1)
	}
	r.hops = nil
	if a.Route != "" {
		r.span.SetName(r.name(a.Route))
		r.span.SetAttributes(attribute.String("http.route", a.Route))
	}
	if a.Consumer != "" {
		r.span.SetAttributes(attribute.String("enduser.id", a.Consumer))
	}
	if a.Cache != "" {
		r.span.SetAttributes(attribute.String("trafficlab.cache", a.Cache))
	}
	finish(r.span, a.Status, a.Reason, began.Add(a.Ended))
	r.ended = true
}

// name is a route with its method, which it may say itself.
func (r *trace) name(route string) string {
	if strings.Contains(route, " ") {
		return route
	}
	return method(r.of.method) + " " + route
}

// finish ends a span. What a client did wrong is no error of the server.
func finish(span oteltrace.Span, status int, reason policy.Reason, at time.Time) {
	span.SetAttributes(attribute.String("trafficlab.reason", reason.String()))
	if status > 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if status >= 500 || status == 0 {
		span.SetAttributes(attribute.String("error.type", reason.String()))
		span.SetStatus(codes.Error, reason.String())
	}
	span.End(oteltrace.WithTimestamp(at))
}

// end ends what no component has told the end of.
func (r *trace) end() {
	if r == nil || r.ended {
		return
	}
	for _, hop := range r.hops {
		hop.span.End()
	}
	r.span.End()
	r.ended = true
}

// id names the trace.
func (r *trace) id() string {
	if r == nil {
		return ""
	}
	return r.span.SpanContext().TraceID().String()
}

// carrier reads and writes the fields of Trace Context. Several traceparents
// are none (section 3.2), several tracestates one.
type carrier struct{ header *components.Header }

func (c carrier) Get(name string) string {
	value := c.header.Values(name)
	if name == "traceparent" && strings.Contains(value, ",") {
		return ""
	}
	return value
}

func (c carrier) Set(name, value string) { *c.header = c.header.Set(name, value) }

func (c carrier) Keys() []string {
	var names []string
	for _, f := range *c.header {
		names = append(names, f.Name)
	}
	return names
}
