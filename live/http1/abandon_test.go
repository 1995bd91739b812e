package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A request whose body is still being read when its handler returns, and ends
// well nevertheless, does no harm to the next one on its connection.
func TestReadingThatEndsLate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := 0
	s := &Server{Pace: Pace{Idle: time.Minute}, HeadTimeout: time.Minute, IdleTimeout: time.Minute, Handler: answering(func(a *Answer, q *Request) {
		body := a.Body()
		text, err := io.ReadAll(body)
		if err != nil {
			return // the connection breaks
		}
		if served++; served == 1 { // as if the reader had not come back yet
			body.mu.Lock()
			time.AfterFunc(20*time.Millisecond, body.mu.Unlock)
		}
		reply(a, http.StatusOK, string(text))
	})}
	go s.Serve(l)
	defer s.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 3 {
		text := strings.Repeat("x", 100_000)
		q, err := http.NewRequest("POST", "http://a/", strings.NewReader(text))
		require.NoError(t, err)
		q.ContentLength = -1
		go q.Write(conn)
		answer, err := http.ReadResponse(in, q)
		require.NoError(t, err)
		got, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Len(t, got, len(text))
		require.False(t, answer.Close)
	}
}
