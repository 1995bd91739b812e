package live

import (
	"io"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/live/http1"
)

// Take implements components.Taker.
func (x *exchange) Take(c components.Call, limit int64) (components.Body, policy.Reason) {
	from := c.(*call)
	from.taken = true
	conn := from.trip.Conn()
	defer conn.Release()
	if x.out != nil {
		defer x.out.Unguard()
		if !x.out.Guard(conn) {
			from.Cancel()
		}
	}
	text, reason := readUpTo(conn, limit)
	if isClosed(x.gone) && reason != policy.OK {
		reason = policy.Canceled
	}
	if reason != policy.OK {
		conn.Close()
		return components.Body{}, reason
	}
	return components.Body{Size: int64(len(text)), Bytes: text}, policy.OK
}

// readUpTo reads a body to its end, unless it is longer than limit.
func readUpTo(conn *http1.Conn, limit int64) (text []byte, reason policy.Reason) {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for !conn.Ended() {
		n, err := conn.Read(buffer[:])
		text = append(text, buffer[:n]...)
		switch {
		case int64(len(text)) > limit:
			return nil, policy.Denied
		case err == io.EOF:
			return text, policy.OK
		case err != nil:
			return nil, policy.Reset
		}
	}
	return text, policy.OK
}
