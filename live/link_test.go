package live

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// linked is an echo on a real socket, and the ways from lb to it with faults.
type linked struct {
	*testing.T
	*Links
	address string
	came    chan net.Conn // the far ends
	began   time.Time
}

func linkUp(t *testing.T, strains ...scenarios.Strain) *linked {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &scenarios.Case{Seed: 1, Variant: scenarios.Variant{Topology: &topologies.Topology{
		Entry: "lb", Nodes: []*topologies.Node{
			{Name: "lb", Kind: topologies.LoadBalancer, Replicas: 1, To: []string{"api"}},
			{Name: "api", Kind: topologies.Backend, Replicas: 1},
		},
	}}}
	for _, s := range strains {
		c.Variant.Faults = append(c.Variant.Faults, scenarios.Fault{At: 100 * time.Millisecond, For: 300 * time.Millisecond, On: []topologies.Place{"lb > api"}, Link: s})
	}
	at := func(topologies.Place) string { return l.Addr().String() }
	k := &linked{T: t, Links: LinksFrom(c, "lb", at, Precise{}, new(net.Dialer).DialContext), address: l.Addr().String(), came: make(chan net.Conn, 9)}
	t.Cleanup(func() { l.Close(); k.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			k.came <- conn
		}
	}()
	return k
}

func (k *linked) start() {
	k.began = time.Now()
	k.Begin(k.began)
}

// wait waits for an instant of the run.
func (k *linked) wait(at time.Duration) { SleepUntil(k.Context(), k.began.Add(at)) }

func (k *linked) at() time.Duration { return time.Since(k.began) }

// pair is a connection and its far end.
func (k *linked) pair() (near, far net.Conn) {
	near, err := k.Dial(k.Context(), "tcp", k.address)
	require.NoError(k, err)
	far = <-k.came
	k.Cleanup(func() { near.Close(); far.Close() })
	for _, c := range []net.Conn{near, far} {
		c.SetReadDeadline(time.Now().Add(10 * time.Second)) // and the test fails
	}
	return near, far
}

func (k *linked) read(c net.Conn, n int) []byte {
	p := make([]byte, n)
	_, err := io.ReadFull(c, p)
	require.NoError(k, err)
	return p
}

func (k *linked) write(c net.Conn, text string) {
	_, err := io.WriteString(c, text)
	require.NoError(k, err)
}

const ms = time.Millisecond

func steadily(d time.Duration) topologies.Distribution {
	return topologies.Distribution{Law: "constant", Mean: d}
}

func TestLinksHoldUpWhatPasses(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Delay: steadily(30 * ms)}, scenarios.Strain{Delay: steadily(20 * ms), Only: scenarios.Back})
	near, far := k.pair()
	k.start()
	k.write(near, "calm")
	k.read(far, 4)
	require.Less(t, k.at(), 100*ms, "before the fault nothing is held")
	k.wait(110 * ms)
	sent := k.at()
	k.write(near, "request")
	k.read(far, 7)
	require.GreaterOrEqual(t, k.at()-sent, 30*ms)
	sent = k.at()
	k.write(far, "answer")
	k.read(near, 6)
	require.GreaterOrEqual(t, k.at()-sent, 50*ms)
	sent = k.at()
	k.pair()
	require.GreaterOrEqual(t, k.at()-sent, 80*ms, "a way there and one back")
	k.write(near, "the end")
	require.NoError(t, near.Close())
	k.read(far, 7)
	_, err := far.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err, "what was under way comes before the end")
}

func TestLinksOfLittleBandwidth(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Bandwidth: 1 << 20})
	near, far := k.pair()
	k.start()
	k.wait(110 * ms)
	sent := k.at()
	go near.Write(make([]byte, 128<<10))
	k.read(far, 128<<10)
	require.GreaterOrEqual(t, k.at()-sent, 124*ms)
}

func TestLinksResetConnections(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Cut: scenarios.Reset})
	near, far := k.pair()
	k.start()
	for _, end := range []net.Conn{near, far} {
		_, err := end.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.GreaterOrEqual(t, k.at(), 100*ms)
	}
	near, far = k.pair()
	_, err := near.Write([]byte("use"))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = far.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	k.wait(410 * ms)
	near, far = k.pair()
	k.write(near, "well")
	k.read(far, 4)
}

func TestLinksRefuseConnections(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Cut: scenarios.Refuse})
	near, far := k.pair()
	k.start()
	k.wait(110 * ms)
	_, err := k.Dial(t.Context(), "tcp", k.address)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Empty(t, k.came)
	k.write(near, "those that stand go on")
	k.read(far, 22)
}

func TestHolesInLinksSwallow(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Cut: scenarios.BlackHole, Only: scenarios.There})
	near, far := k.pair()
	k.start()
	k.wait(110 * ms)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*ms, errNoConnect)
	defer cancel()
	_, err := k.Dial(ctx, "tcp", k.address)
	require.ErrorIs(t, err, errNoConnect)
	require.Empty(t, k.came, "nobody there has heard of it")
	sent := k.at()
	k.write(near, "request")
	k.write(far, "the other way is free")
	k.read(near, 21)
	require.Less(t, k.at(), 400*ms)
	k.read(far, 7)
	require.GreaterOrEqual(t, k.at()-sent, 600*ms, "sent again after 200 ms, in vain, and after 400 more")
}

func TestLinksForgetConnections(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Cut: scenarios.HalfOpen})
	near, far := k.pair()
	k.start()
	k.wait(110 * ms)
	k.write(near, "nobody hears")
	k.write(far, "nor is heard")
	newer, there := k.pair()
	k.write(newer, "as ever")
	k.read(there, 7)
	far.SetReadDeadline(k.began.Add(390 * ms))
	_, err := far.Read(make([]byte, 1))
	require.True(t, isTimeout(err), err)
	far.SetReadDeadline(time.Time{})
	_, err = near.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET, "who still sends is told when the time is over")
	require.GreaterOrEqual(t, k.at(), 400*ms)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestLinksLoseMessages(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Loss: .99, Only: scenarios.There})
	near, far := k.pair()
	k.start()
	k.wait(110 * ms)
	sent := k.at()
	k.write(near, "request")
	k.read(far, 7)
	require.GreaterOrEqual(t, k.at()-sent, 200*ms)
}

func TestOtherLinksAreAsTheyWere(t *testing.T) {
	k := linkUp(t, scenarios.Strain{Loss: .1})
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	near, err := k.Dial(t.Context(), "tcp", other.Addr().String())
	require.NoError(t, err)
	defer near.Close()
	require.IsType(t, new(net.TCPConn), near)
	c := &scenarios.Case{Variant: scenarios.Variant{Topology: &topologies.Topology{Entry: "lb"},
		Faults: []scenarios.Fault{{For: time.Second, On: []topologies.Place{"lb > api"}, Link: scenarios.Strain{Loss: .1}}}}}
	for _, from := range []topologies.Place{"lb[0]", "api", topologies.Outside} {
		require.Nil(t, LinksFrom(c, from, nil, Precise{}, nil), from)
	}
}
