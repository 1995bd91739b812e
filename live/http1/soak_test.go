package http1

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An origin that closes its connections without a word, now and then, after an
// answer: no request is lost by that, and none gets another's answer.
func TestNothingIsLostOrMixedUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go fickle(conn, 1+n%7)
		}
	}()
	r := newRelayTo(t, &recorder{address: l.Addr().String()})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := range 200 {
				token := fmt.Sprintf("/%d/%d", c, i)
				q, err := http.NewRequest([]string{"GET", "PUT"}[i%2], "http://"+r.address+token, nil)
				if err == nil && i%2 == 1 {
					q.Body = io.NopCloser(strings.NewReader(token)) // of unknown length
					q.ContentLength = int64([]int{-1, len(token)}[i/2%2])
				}
				if !assert.NoError(t, err) {
					return
				}
				answer, err := client.Do(q)
				if !assert.NoError(t, err, token) {
					return
				}
				text, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				assert.NoError(t, err)
				want := token
				if i%2 == 1 {
					want += token
				}
				if !assert.Equal(t, want, string(text)) {
					return
				}
			}
		})
	}
	clients.Wait()
}

// fickle answers so many requests with their targets and bodies, and closes.
func fickle(conn net.Conn, times int) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range times {
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
