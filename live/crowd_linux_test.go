package live

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// What clients ask for.
const (
	oneHost = "shop.test"
	onePath = "/products/1"
)

// products is JSON of about so many bytes, such as a shop answers.
func products(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("small large red green blue light heavy steel cotton oak garden kitchen travel winter summer lamp chair table bag coat")
	text := []byte("[")
	for i := 0; ; i++ {
		one := fmt.Sprintf(`{"id":%d,"name":"%s %s %s","price":%d.%02d,"stock":%d,"tags":["%s","%s"],"rating":%.1f}`,
			1000+i, words[random.IntN(len(words))], words[random.IntN(len(words))], words[random.IntN(len(words))],
			random.IntN(500), random.IntN(100), random.IntN(1000), words[random.IntN(len(words))], words[random.IntN(len(words))], 5*random.Float64())
		if len(text)+len(one)+2 > size {
			return append(append(text[:len(text)-min(i, 1)], ']'), bytes.Repeat([]byte(" "), size-len(text)-1+min(i, 1))...)
		}
		text = append(append(text, one...), ',')
	}
}

// canned is an answer that an origin gives to every request.
type canned struct {
	Header string // whole lines
	Body   []byte
}

// serve answers until the benchmark ends, and counts.
func (c *canned) serve(b *testing.B, asked *atomic.Int64) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { l.Close() })
	text := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", c.Header, len(c.Body), c.Body)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go repeat(conn, text, asked)
		}
	}()
	return l.Addr().String()
}

// repeat answers requests without bodies with the same text.
func repeat(conn net.Conn, text []byte, asked *atomic.Int64) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) > 2 {
			continue
		}
		asked.Add(1)
		if _, err := conn.Write(text); err != nil {
			return
		}
	}
}

// crowd is the clients of one proxy: a closed loop. They keep their connections
// from round to round.
type crowd struct {
	to      string
	task    *task
	trust   *tls.Config
	persons [clients]*person
	shared  [clients / sharers]*http.Transport
}

// How many they are. Over HTTP/2 some share a connection.
const (
	clients = 16
	sharers = 4
)

func newCrowd(to string, t *task, trust *tls.Config) *crowd {
	c := &crowd{to: to, task: t, trust: trust}
	for i := range c.shared {
		c.shared[i] = &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: trust.Clone()}
	}
	return c
}

// ask sends a round of requests.
func (c *crowd) ask() (err error) {
	ended := make(chan error, clients)
	for i := range clients {
		go func() { ended <- c.repeat(i, c.task.round/clients) }()
	}
	for range clients {
		err = errors.Join(err, <-ended)
	}
	return err
}

// repeat has one of them ask n times.
func (c *crowd) repeat(i, n int) error {
	for range n {
		ask := c.one
		if c.task.H2 {
			ask = c.share
		}
		if err := ask(i); err != nil {
			return err
		}
	}
	return nil
}

func (c *crowd) one(i int) (err error) {
	p := c.persons[i]
	if p == nil {
		if p, err = c.dial(); err != nil {
			return err
		}
	}
	err = p.get()
	if err != nil || c.task.Anew {
		p.conn.Close()
		p = nil
	}
	c.persons[i] = p
	return err
}

// close hangs up.
func (c *crowd) close() {
	for _, p := range c.persons {
		if p != nil {
			p.conn.Close()
		}
	}
	for _, s := range c.shared {
		if s != nil {
			s.CloseIdleConnections()
		}
	}
}

// share asks over HTTP/2.
func (c *crowd) share(i int) error {
	q, err := http.NewRequest("GET", "https://"+c.to+onePath, nil)
	if err != nil {
		return err
	}
	q.Host = oneHost
	a, err := c.shared[i/sharers].RoundTrip(q)
	if err != nil {
		return err
	}
	size, err := io.Copy(io.Discard, a.Body)
	a.Body.Close()
	if err != nil || a.ProtoMajor != 2 || a.StatusCode != 200 || size != int64(len(c.task.answer.Body)) {
		return fmt.Errorf("answer %s %s of %d bytes: %v", a.Proto, a.Status, size, err)
	}
	return nil
}

// person is one client on one connection.
type person struct {
	conn net.Conn
	in   *bufio.Reader
	text []byte // of the request
	want int    // bytes of the answer's body; 0: any number
}

func (c *crowd) dial() (*person, error) {
	conn, err := net.Dial("tcp", c.to)
	if err != nil {
		return nil, err
	}
	if c.trust != nil {
		conn = tls.Client(conn, c.trust)
	}
	p := &person{conn: conn, in: bufio.NewReaderSize(conn, 8<<10), want: len(c.task.answer.Body)}
	p.text = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n%s\r\n", onePath, oneHost, c.task.say)
	if c.task.Gzip {
		p.want = 0
	}
	return p, nil
}

// get asks and reads the answer to its end.
func (p *person) get() error {
	if _, err := p.conn.Write(p.text); err != nil {
		return err
	}
	line, err := p.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answer %q", line)
	}
	length := -1
	for {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if name := len("Content-Length"); len(line) > name && line[name] == ':' && bytes.EqualFold(line[:name], []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[name+1:]))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return p.chunks()
	}
	if _, err := p.in.Discard(length); err != nil {
		return err
	}
	if p.want > 0 && length != p.want {
		return fmt.Errorf("an answer of %d bytes", length)
	}
	return nil
}

// chunks reads a body that comes in chunks.
func (p *person) chunks() error {
	for {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := p.in.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}
