package live

import (
	"context"
	"net"
	"strings"
	"sync"
	"syscall"
)

// Memory is a network inside the process, for nodes hosted in it: its pipes
// live in a synctest bubble. An address nobody listens on refuses connections.
// The zero Memory is ready; it is safe for concurrent use.
type Memory struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
}

// Listen takes an address, any string that no one else listens on.
func (m *Memory) Listen(address string) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: "memory", Addr: memoryAddr(address), Err: syscall.EADDRINUSE}
	}
	if m.listeners == nil {
		m.listeners = map[string]*memoryListener{}
	}
	l := &memoryListener{network: m, address: address, arrivals: make(chan net.Conn), closed: make(chan struct{})}
	m.listeners[address] = l
	return l, nil
}

// Dial connects to an address: what Options.Dial wants.
func (m *Memory) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	l := m.listener(address)
	if l == nil {
		return nil, refusal(address, syscall.ECONNREFUSED)
	}
	near, far := net.Pipe()
	select {
	case l.arrivals <- memoryConn{far, memoryAddr(address), memoryAddr("127.0.0.1:1")}:
		return memoryConn{near, memoryAddr("127.0.0.1:1"), memoryAddr(address)}, nil
	case <-l.closed:
		return nil, refusal(address, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, refusal(address, ctx.Err())
	}
}

// listener finds who listens on an address, or on its host: clients of URLs
// without a port add the usual one.
func (m *Memory) listener(address string) *memoryListener {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.listeners[address]; l != nil {
		return l
	}
	return m.listeners[strings.TrimSuffix(address, ":80")]
}

func refusal(address string, cause error) error {
	return &net.OpError{Op: "dial", Net: "memory", Addr: memoryAddr(address), Err: cause}
}

type memoryListener struct {
	network  *Memory
	address  string
	arrivals chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.arrivals:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.address)
		l.network.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.address) }

// memoryConn is one end of a pipe, with addresses that look like loopback's.
type memoryConn struct {
	net.Conn
	local, remote net.Addr
}

func (c memoryConn) LocalAddr() net.Addr  { return c.local }
func (c memoryConn) RemoteAddr() net.Addr { return c.remote }

type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }
