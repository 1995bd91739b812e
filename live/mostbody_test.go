package live

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// A body of a length that was not told breaks its attempt off once it is found
// to be too long; the upstream sees that it is not whole.
func TestBodiesOfUnknownLengthAreBounded(t *testing.T) {
	var whole []int
	var reasons []policy.Reason
	origin := func(_ http.ResponseWriter, r *http.Request) {
		if text, err := io.ReadAll(r.Body); err == nil {
			whole = append(whole, len(text))
		}
	}
	h := handle(func(x *exchange, req components.Request) {
		c := x.Start(&components.Hop{To: "origin", Request: req, Body: true, MostBody: 1000})
		x.Wait(components.Forever, c)
		_, reason := c.Head()
		reasons = append(reasons, reason)
		x.Reply(components.Response{Status: 200})
	})
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		whole, reasons = nil, nil
		for _, size := range []int{1000, 1001, 100_000} {
			body := io.MultiReader(strings.NewReader(strings.Repeat("x", size))) // hides the length
			r, err := http.NewRequestWithContext(l.Context(), "POST", "http://proxy/", body)
			require.NoError(t, err)
			answer, err := l.client.Do(r)
			require.NoError(t, err)
			answer.Body.Close()
		}
		require.Equal(t, []policy.Reason{policy.OK, policy.Denied, policy.Denied}, reasons)
		require.Equal(t, []int{1000}, whole)
	})
}
