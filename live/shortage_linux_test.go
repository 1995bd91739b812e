package live

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
	"trafficlab/live/http1"
	"trafficlab/topologies"
)

// A port that somebody has taken since it was found free ends the start, with
// the place and the port in the error, and no process is left.
func TestOccupiedPorts(t *testing.T) {
	for name, port := range map[string]func(seat) string{
		"its own": func(s seat) string { return s.Address },
		"admin":   func(s seat) string { return s.Admin },
	} {
		t.Run(name, func(t *testing.T) {
			o := SystemOptions{Dir: t.TempDir()}
			s, err := prepare(pairCase(), o)
			require.NoError(t, err)
			taken := port(s.manifest.Seats["api[1]"])
			other, err := net.Listen("tcp", taken)
			require.NoError(t, err)
			defer other.Close()
			err = s.start(t.Context(), o)
			require.ErrorContains(t, err, "api[1]")
			require.ErrorContains(t, err, taken)
			require.ErrorContains(t, err, "address already in use")
			require.NoError(t, s.Stop())
			require.Empty(t, readTree().below(s.guard.command.Process.Pid))
			for place, seat := range s.manifest.Seats {
				if place != "api[1]" {
					l, err := net.Listen("tcp", seat.Address)
					require.NoError(t, err, "the port of %s is free again", place)
					require.NoError(t, l.Close())
				}
			}
		})
	}
}

// Without the program to run nodes with, nothing is started.
func TestMissingBinary(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := Start(t.Context(), pairCase(), SystemOptions{Dir: t.TempDir(), Binary: gone})
	require.ErrorContains(t, err, gone)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// short is a listener whose process is out of descriptors for a while.
type short struct {
	net.Listener
	once sync.Once
}

func (l *short) Accept() (net.Conn, error) {
	var lack error
	l.once.Do(func() { lack = &net.OpError{Op: "accept", Err: syscall.EMFILE} })
	if lack != nil {
		return nil, lack
	}
	return l.Listener.Accept()
}

// A node that runs out of descriptors says so in what it counts, and serves on
// when it has some again.
func TestOutOfDescriptors(t *testing.T) {
	require.Equal(t, measure.OutOfFiles, http1.OutOfFiles.Reason)
	n, err := NewNode(pairCase(), "api[0]", Options{Addresses: func(topologies.Place) string { return "" }})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go n.Serve(&short{Listener: l})
	defer n.Close()
	status, err := get(t, "http://"+l.Addr().String(), http.DefaultClient)
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.EqualValues(t, 1, n.Use().Refused[measure.OutOfFiles])
}
