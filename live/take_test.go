package live

import (
	"fmt"
	"io"
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
		c := x.Start(&components.Hop{To: "origin", Request: req})
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

// The body of a request is edited in full before anybody is asked, is sent with
// the length that it has then, and can be sent again however long it is.
func TestBodiesRewritten(t *testing.T) {
	var came []string
	origin := func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			came = append(came, fmt.Sprint(len(text), " ", r.ContentLength, " ", r.TransferEncoding))
		}
		if r.URL.Path == "/twice" && len(came) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	h := handle(func(x *exchange, req components.Request) {
		reason := x.Rewrite(200_000, func(text []byte) ([]byte, bool) {
			return append(text, text...), len(text) != 7
		})
		status := 0
		for reason == policy.OK && (status == 0 || status == 503) {
			c := x.Start(&components.Hop{To: "origin", Request: req, Body: true})
			x.Wait(components.Forever, c)
			head, _ := c.Head()
			status = head.Status
		}
		x.Reply(components.Response{Status: 200, Header: components.Header{{Name: "X-Reason", Value: reason.String()}}})
	})
	for name, tt := range map[string]struct {
		path   string
		size   int
		told   bool
		reason policy.Reason
		came   []string
	}{
		"short":              {"/", 10, true, policy.OK, []string{"20 20 []"}},
		"of unknown length":  {"/", 10, false, policy.OK, []string{"20 20 []"}},
		"long, and again":    {"/twice", 200_000, true, policy.OK, []string{"400000 400000 []", "400000 400000 []"}},
		"too long":           {"/", 200_001, true, policy.Denied, nil},
		"too long, not told": {"/", 300_000, false, policy.Denied, nil},
		"not to be edited":   {"/", 7, true, policy.Failed, nil},
	} {
		inLab(t, h, labOptions{origin: origin}, func(l *lab) {
			came = nil
			var body io.Reader = strings.NewReader(strings.Repeat("x", tt.size))
			if !tt.told {
				body = io.MultiReader(body) // hides the length
			}
			r, err := http.NewRequestWithContext(l.Context(), "POST", "http://proxy"+tt.path, body)
			require.NoError(t, err)
			r.Header.Set("Expect", "100-continue")
			answer, err := l.client.Do(r)
			require.NoError(t, err)
			answer.Body.Close()
			require.Equal(t, tt.reason.String(), answer.Header.Get("X-Reason"), name)
			require.Equal(t, tt.came, came, name)
		})
	}
}
