package live

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// An answer's body is there in full, or there is a reason why it is not.
func TestBodiesTakenInFull(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/chunked":
			w.Write([]byte(strings.Repeat("x", 600)))
			w.(http.Flusher).Flush()
			w.Write([]byte(strings.Repeat("x", 400)))
		case "/breaks":
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/long":
			w.Write([]byte(strings.Repeat("x", 1001)))
		default:
			w.Write([]byte(strings.Repeat("x", 1000)))
		}
	}
	h := handle(func(x *exchange, req components.Request) {
		c := x.Start(components.Hop{To: "origin", Request: req})
		x.Wait(components.Forever, c)
		body, reason := x.Take(c, 1000)
		x.Reply(components.Response{Status: 200, Header: components.Header{{Name: "X-Reason", Value: reason.String()}}, Body: body})
	})
	inLab(t, h, labOptions{origin: origin}, func(l *lab) {
		for path, want := range map[string]policy.Reason{
			"/": policy.OK, "/chunked": policy.OK, "/breaks": policy.Reset, "/long": policy.Denied,
		} {
			for range 2 {
				answer, text := l.ask("GET", path, "")
				require.Equal(t, want.String(), answer.Header.Get("X-Reason"), path)
				if want == policy.OK {
					require.Equal(t, strings.Repeat("x", 1000), text)
					require.EqualValues(t, 1000, answer.ContentLength)
				}
			}
		}
	})
}
