package components

import (
	"strconv"
	"time"
)

// forwardedMethods are those that any proxy hands on.
const forwardedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// Answers of our own, made once: their headers are shared and never edited in
// place.
var (
	healthy  = local(200, "", "ok")
	draining = local(503, "", "draining: no new work, please")

	brokenInside = local(500, "", "something broke inside")

	lastStop         = Response{Status: 204, Header: Header{{"Allow", forwardedMethods}}, ours: true}
	badPath          = local(400, httpRequestDenied, "the path has dot segments")
	unauthorized     = withField(local(401, httpRequestDenied, "no valid API key in X-Api-Key"), "WWW-Authenticate", `ApiKey header="X-Api-Key"`)
	noCredentials    = local(401, httpRequestDenied, "nothing shows who asks")
	badCredentials   = local(401, httpRequestDenied, "the credentials are not good")
	notAllowed       = local(403, httpRequestDenied, "no rule lets this consumer ask this")
	notFound         = local(404, httpRequestDenied, "no route leads here")
	methodNotAllowed = local(405, httpRequestDenied, "the route does not take this method")
	// CONNECT asks for a tunnel to anywhere, TRACE for the request as the
	// backend sees it, secrets and all.
	notForwarded    = withField(local(405, httpRequestDenied, "this method is not forwarded"), "Allow", forwardedMethods)
	bodyTooSlow     = local(408, httpRequestDenied, "the body did not come in time")
	bodyTooLong     = local(413, httpRequestDenied, "the body is longer than the route takes")
	urlTooLong      = local(414, httpRequestDenied, "the path and the query are longer than the route takes")
	notJSON         = local(400, httpRequestDenied, "the body is no JSON text")
	notTheKind      = withField(local(415, httpRequestDenied, "the route takes bodies of JSON alone, without a coding"), "Accept-Encoding", "identity")
	tooManyRequests = local(429, httpRequestDenied, "rate limit exceeded")

	noBackend     = local(503, destinationUnavailable, "no backend is up")
	noTally       = local(503, proxyInternalError, "what the rate limit has counted is out of reach")
	noKeys        = local(503, proxyInternalError, "the keys that tokens are checked by are out of reach")
	allOpen       = local(503, circuitOpen, "the circuit breaker of every backend is open")
	queueFull     = local(503, connectionLimitReached, "the queue is full")
	waitedTooLong = local(503, connectionLimitReached, "no worker in time")
	tooLate       = local(504, httpResponseTimeout, "the deadline passed in the queue")
	refused       = local(502, connectionRefused, "the backend refused the connection")
	terminated    = local(502, connectionTerminated, "the backend broke the connection off")
	notEditable   = local(502, proxyInternalError, "the backend's answer cannot be edited as the route asks")
	noConnection  = local(504, connectionTimeout, "no connection to the backend in time")
	noResponse    = local(504, httpResponseTimeout, "no answer from the backend in time")
	nothingStored = local(504, httpRequestDenied, "only-if-cached, and nothing fresh is stored")
)

// local is an answer with a line of text. An empty err means no Proxy-Status.
func local(status int, err, text string) Response {
	header := Header{{"Content-Type", "text/plain; charset=utf-8"}}
	if err != "" {
		header = header.Add("Proxy-Status", "trafficlab; error="+err)
	}
	body := []byte(text + "\n")
	return Response{Status: status, Header: header, Body: Body{Size: int64(len(body)), Bytes: body}, ours: true}
}

// withField is r with one more field, in a header of its own.
func withField(r Response, name, value string) Response {
	r.Header = r.Header.Clone().Add(name, value)
	return r
}

// retryLater is the refusal of a request that would be admitted after wait.
func retryLater(wait time.Duration) Response {
	return withField(tooManyRequests, "Retry-After", strconv.Itoa(inSeconds(wait)))
}
