package components

import (
	"strings"

	"trafficlab/components/policy"
)

// The error types of Proxy-Status (RFC 9209 section 2.3) that components use.
const (
	destinationUnavailable = "destination_unavailable"
	connectionRefused      = "connection_refused"
	connectionTerminated   = "connection_terminated"
	connectionTimeout      = "connection_timeout"
	connectionLimitReached = "connection_limit_reached"
	httpResponseTimeout    = "http_response_timeout"
	httpRequestDenied      = "http_request_denied"
	proxyInternalError     = "proxy_internal_error"
)

// circuitOpen tells a refusal by circuit breakers from one for want of healthy
// upstreams.
const circuitOpen = destinationUnavailable + `; details="circuit open"`

// reasonOfError says what a failure was, where its status alone does not.
var reasonOfError = map[string]policy.Reason{
	connectionLimitReached: policy.Shed,
	connectionRefused:      policy.Refused,
	connectionTerminated:   policy.Reset,
	connectionTimeout:      policy.Timeout,
	httpResponseTimeout:    policy.Timeout,
}

// ReasonOf turns an answer into the reason that stands for it, the same at
// every caller: by its status, and for failures by the error that Proxy-Status
// names.
func ReasonOf(status int, h Header) policy.Reason {
	if status < 400 {
		return policy.OK
	}
	return reasonOfFailure(status, h)
}

func reasonOfFailure(status int, h Header) policy.Reason {
	switch {
	case status == 429:
		return policy.Limited
	case status < 500:
		return policy.Denied
	}
	said := h.Get("Proxy-Status")
	if reason, known := reasonOfError[proxyError(said)]; known {
		return reason
	}
	if strings.HasSuffix(said, circuitOpen) {
		return policy.Open
	}
	return policy.Failed
}

// proxyError is the error parameter of a Proxy-Status field, or "".
func proxyError(status string) string {
	_, after, found := strings.Cut(status, "error=")
	if !found {
		return ""
	}
	if end := strings.IndexAny(after, ";, \t"); end >= 0 {
		after = after[:end]
	}
	return after
}
