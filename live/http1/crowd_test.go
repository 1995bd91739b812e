package http1

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components"
)

func from(address string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(address)} }

func TestCrowd(t *testing.T) {
	c := &Crowd{Most: 3, Each: 2}
	require.True(t, c.Enter(from("10.0.0.1")))
	require.True(t, c.Enter(from("::ffff:10.0.0.1")), "the same address in other words")
	require.False(t, c.Enter(from("10.0.0.1")), "a third from there")
	require.True(t, c.Enter(from("10.0.0.2")))
	require.False(t, c.Enter(from("10.0.0.3")), "a fourth in all")
	c.Leave(from("10.0.0.1"))
	require.True(t, c.Enter(from("10.0.0.3")))
	c.Leave(from("10.0.0.1"))
	c.Leave(from("10.0.0.2"))
	c.Leave(from("10.0.0.3"))
	require.Empty(t, c.of, "nobody is remembered who has left")
	require.Zero(t, c.in)
}

// Those beyond wait in the backlog until others leave; one who is done makes
// room for one.
func TestTheCrowdWaitsOutside(t *testing.T) {
	s := &Server{Crowd: &Crowd{Most: 1, Waits: true}, Handler: answering(func(a *Answer, _ *Request) { reply(a, 200, "") })}
	synctest.Test(t, func(t *testing.T) {
		l := newLobby()
		go s.Serve(l)
		defer time.Sleep(time.Minute)
		defer s.Close()
		first, err := l.Dial(t.Context(), "", "")
		require.NoError(t, err)
		entered := make(chan net.Conn, 1)
		go func() {
			second, err := l.Dial(t.Context(), "", "")
			assert.NoError(t, err)
			entered <- second
		}()
		time.Sleep(time.Hour)
		require.Empty(t, entered)
		first.Close()
		second := <-entered
		defer second.Close()
		synctest.Wait()
	})
}

func TestClosingEndsTheWaitForRoom(t *testing.T) {
	s := &Server{Crowd: &Crowd{Most: 1, Waits: true}, Handler: answering(func(*Answer, *Request) {})}
	synctest.Test(t, func(t *testing.T) {
		l := newLobby()
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(l) }()
		conn, err := l.Dial(t.Context(), "", "")
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, s.Close())
		require.Equal(t, ErrClosed, <-ended)
		conn.Close()
	})
}

func TestRequestsOfAConnection(t *testing.T) {
	s := &Server{Requests: 2, Handler: answering(func(a *Answer, _ *Request) { reply(a, 200, "text") })}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		defer g.Close()
		for _, last := range []bool{false, true} {
			g.say(ask)
			answer, text := g.hear("GET")
			require.Equal(t, "text", text)
			require.Equal(t, last, answer.Close)
		}
		g.requireClosed()
	})
}

// Connections that end without a word are counted too.
func TestSilenceIsCounted(t *testing.T) {
	var why []string
	s := &Server{
		HeadTimeout: time.Second, IdleTimeout: time.Minute, Refused: func(e *Error) { why = append(why, e.Reason) },
		Handler: answering(func(a *Answer, _ *Request) { reply(a, 200, "") }),
	}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		defer g.Close()
		g.requireClosed()
		synctest.Wait()
		require.Equal(t, []string{"nobody asked"}, why)
		g = enter()
		defer g.Close()
		g.say(ask)
		g.hear("GET")
		g.requireClosed()
		synctest.Wait()
		require.Equal(t, []string{"nobody asked", "idle"}, why)
		g = enter()
		g.say(ask)
		g.hear("GET")
		g.Close()
		synctest.Wait()
		require.Len(t, why, 2, "who goes away by himself is not counted")
	})
}

// Who is told what of a refusal is the host's to say.
func TestWordsOfRefusals(t *testing.T) {
	var unheard []string
	s := &Server{
		HeadTimeout: time.Second,
		Word: func(e *Error) (_ components.Header, text []byte) {
			return components.Header{{Name: "X-Why", Value: e.Reason}}, []byte("no")
		},
		Unheard: func(who net.Addr, e *Error, took time.Duration) {
			unheard = append(unheard, e.Reason+" "+took.String())
		},
	}
	serving(t, s, func(t *testing.T, enter func() *guest) {
		g := enter()
		defer g.Close()
		go io.WriteString(g, "GET / HT")
		answer, text := g.hear("GET")
		require.Equal(t, 408, answer.StatusCode)
		require.Equal(t, "head too slow", answer.Header.Get("X-Why"))
		require.Equal(t, "no", text)
		require.Equal(t, []string{"head too slow 1s"}, unheard)
	})
}
