package components

import (
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

func TestHeader(t *testing.T) {
	h := Header{{"Accept", "a"}, {"X-A", "1"}, {"accept", "b"}}
	require.Equal(t, "a", h.Get("ACCEPT"))
	require.Equal(t, "a, b", h.Values("Accept"))
	require.Empty(t, h.Get("Accepted"))
	require.True(t, h.Has("x-a"))
	require.Equal(t, Header{{"Accept", "c"}, {"X-A", "1"}}, h.Clone().Set("Accept", "c"))
	require.Equal(t, Header{{"X-A", "1"}}, h.Clone().Del("accept"))
	require.Equal(t, Header{{"Accept", "a"}, {"X-A", "1"}, {"accept", "b"}}, h, "clones share nothing")
}

func TestReasonOf(t *testing.T) {
	for _, tt := range []struct {
		status int
		proxy  string
		want   policy.Reason
	}{
		{200, "", policy.OK},
		{304, "", policy.OK},
		{404, "", policy.Denied},
		{429, "trafficlab; error=http_request_denied", policy.Limited},
		{401, "trafficlab; error=http_request_denied", policy.Denied},
		{500, "", policy.Failed},
		{503, "trafficlab; error=connection_limit_reached", policy.Shed},
		{503, "trafficlab; error=destination_unavailable", policy.Failed},
		{502, "trafficlab; error=connection_refused", policy.Refused},
		{502, "far; error=connection_terminated; details=x", policy.Reset},
		{504, "far;error=connection_timeout, near", policy.Timeout},
		{504, "trafficlab; error=http_response_timeout", policy.Timeout},
		{503, "trafficlab; error=", policy.Failed},
	} {
		var h Header
		if tt.proxy != "" {
			h = Header{{"Proxy-Status", tt.proxy}}
		}
		require.Equal(t, tt.want, ReasonOf(tt.status, h), "%d %s", tt.status, tt.proxy)
	}
}
