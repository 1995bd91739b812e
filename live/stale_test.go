package live

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// An upstream that closes its connections without a word, after so many answers
// or as soon as they are idle for about as long as requests are apart, loses no
// request that may be repeated, though the node itself tries only once.
func TestNothingIsLostToStaleConnections(t *testing.T) {
	for name, closes := range map[string]struct {
		after int
		idle  time.Duration
	}{"after some answers": {5, time.Second}, "when idle": {1 << 30, 2 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			var conns atomic.Int64
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					conns.Add(1)
					go echoing(conn, 1+rand.IntN(closes.after), closes.idle)
				}
			}()
			top, err := topologies.Parse("f", []byte("name: f\nentry: lb\nnodes:\n  lb: {kind: load-balancer, to: origin, retry: {tries: 1}}\n"+
				"  origin: {kind: external, to: \"http://"+l.Addr().String()+"\"}\n"))
			require.NoError(t, err)
			n, err := NewNode(&scenarios.Case{Variant: scenarios.Variant{Topology: top}}, "lb", Options{})
			require.NoError(t, err)
			defer n.Close()
			door, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			go n.Serve(door)
			n.Begin(time.Now())

			var clients sync.WaitGroup
			for k := range 8 {
				clients.Go(func() {
					client := &http.Client{Transport: new(http.Transport)}
					defer client.CloseIdleConnections()
					for i := range 150 {
						token := fmt.Sprintf("/%d/%d", k, i)
						method, body := "GET", ""
						if i%3 == 0 {
							method, body = "PUT", token
						}
						r, err := http.NewRequest(method, "http://"+door.Addr().String()+token, strings.NewReader(body))
						if !assert.NoError(t, err) {
							return
						}
						answer, err := client.Do(r)
						if !assert.NoError(t, err, token) {
							return
						}
						text, err := io.ReadAll(answer.Body)
						answer.Body.Close()
						if !assert.NoError(t, err) || !assert.Equal(t, 200, answer.StatusCode, "%s: %s", token, text) || !assert.Equal(t, token+body, string(text)) {
							return
						}
						time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
					}
				})
			}
			clients.Wait()
			require.Greater(t, conns.Load(), int64(30), "connections were closed and made anew")
		})
	}
}

// echoing answers so many requests with their targets and bodies, unless no
// further one comes for a time.
func echoing(conn net.Conn, times int, idle time.Duration) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i := range times {
		if i > 0 {
			conn.SetReadDeadline(time.Now().Add(idle))
		}
		if _, err := in.Peek(1); err != nil {
			return
		}
		conn.SetReadDeadline(time.Time{})
		q, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		text := q.RequestURI + string(body)
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
}
