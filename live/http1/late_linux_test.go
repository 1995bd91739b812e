package http1

import (
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who has got through to the kernel before a listener closes is heard.
func TestLateComersAreHeard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Write([]byte("here"))
	require.NoError(t, err)

	late := lateAt(l)
	require.NoError(t, l.Close())
	heard := 0
	late.takeAll(func(conn net.Conn) {
		defer conn.Close()
		var said [4]byte
		_, err := io.ReadFull(conn, said[:])
		require.NoError(t, err)
		require.Equal(t, "here", string(said[:]))
		heard++
	})
	require.Equal(t, 1, heard)
	_, err = net.Dial("tcp", l.Addr().String())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}
