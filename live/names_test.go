package live

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A connection is good for the hosts of the certificate that was shown on it
// (RFC 9110 section 15.5.20).
func TestMisdirectedRequests(t *testing.T) {
	for _, tt := range []struct {
		what, named, host string
		says              string // a field
		of                []string
		want              int
	}{
		{"the host that was named", "a.test", "a.test", "", several, 200},
		{"whatever its case and port", "a.test", "A.test:443", "", several, 200},
		{"or its dot", "a.test", "a.test.", "", several, 200},
		{"another of the same certificate", "x.c.test", "y.c.test", "", several, 200},
		{"another certificate's", "a.test", "y.c.test", "", several, 421},
		{"the first's", "a.test", "localhost", "", several, 421},
		{"and its address", "a.test", "127.0.0.1:8443", "", several, 421},
		{"nobody's", "a.test", "elsewhere.test", "", several, 200},
		{"nobody's, with a bad port", "a.test", "y.c.test:", "", several, 421},
		{"of the first one's connection", "localhost", "a.test", "", several, 421},
		{"by a gateway that is trusted", "localhost", "a.test", "X-Forwarded-For", several, 200},
		{"by address: nobody was named", "127.0.0.1", "a.test", "", several, 200},
		{"there is no other certificate", "localhost", "a.test", "", nil, 200},
	} {
		t.Run(tt.what, func(t *testing.T) {
			for _, h2 := range []bool{true, false} {
				want := usualTLS()
				want.Names = tt.of
				l := inH2Lab(t, want, handle(pass), sawIt)
				client := l.client()
				transport := client.Transport.(*http.Transport)
				transport.ForceAttemptHTTP2, transport.TLSClientConfig.ServerName = h2, tt.named
				r, err := http.NewRequest("GET", "https://"+l.address+"/", nil)
				require.NoError(t, err)
				r.Host = tt.host
				if tt.says != "" {
					r.Header.Set(tt.says, "203.0.113.9")
				}
				for range 2 { // the connection stands
					answer, err := client.Do(r)
					require.NoError(t, err)
					require.NoError(t, answer.Body.Close())
					assert.Equal(t, tt.want, answer.StatusCode)
					assert.Equal(t, h2, answer.ProtoMajor == 2)
				}
				refused := int64(0)
				if tt.want == 421 {
					refused = 2
				}
				use := l.node.Use()
				assert.Equal(t, refused, use.Refused["misdirected"])
				assert.Equal(t, refused, use.Reasons["denied"])
			}
		})
	}
}

var several = []string{"a.test", "*.c.test"}
