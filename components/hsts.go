package components

const hstsField = "Strict-Transport-Security"

// Secured is an answer's header as it goes over TLS: with one policy for the
// browsers, in the place of what upstreams say of themselves (RFC 6797 sections
// 7.1 and 8.1). Answers over plain HTTP must not have it (section 7.2).
func Secured(h Header, policy string) Header {
	return h.Clone().Set(hstsField, policy)
}
