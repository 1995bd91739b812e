package topologies

import (
	"net/url"

	"trafficlab/topologies/strict"
)

// Trace says how a node takes part in traces (W3C Trace Context): it continues
// the one that a request belongs to, or begins one.
type Trace struct {
	Sample float64 // share of the traces it begins that are recorded
	Export string  // URL of an OpenTelemetry collector (OTLP over HTTP); "": none
}

// CombinedLog is the form of the access log that Apache and NGINX call
// combined.
const CombinedLog = "combined"

// watchFields are of all nodes that trafficlab plays.
var watchFields = []string{"access-log", "server-timing", "trace"}

// watch reads what a node tells those who watch it.
func watch(n *Node, v strict.Value) {
	if form := v.Get("access-log").Word("json", "json", CombinedLog, "off"); form != "json" {
		n.AccessLog = form
	}
	n.ServerTiming = v.Get("server-timing").Bool(false)
	n.Trace = trace(v.Get("trace"))
}

const traceExample = "trace: {sample: 10%, export: http://127.0.0.1:4318}"

func trace(v strict.Value) *Trace {
	if !v.Present() || v.Off() || !v.Fields("sample", "export") {
		return nil
	}
	t := &Trace{Sample: v.Get("sample").Share(1, 0, 1)}
	export := v.Get("export")
	if !export.Present() || export.Off() {
		return t
	}
	t.Export = export.Text("")
	to, err := url.Parse(t.Export)
	if t.Export != "" && (err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" || to.User != nil) {
		export.Wrong("is no URL of a collector", traceExample)
	}
	return t
}
