package live

import (
	"io"

	"trafficlab/components"
	"trafficlab/components/policy"
)

// Take implements components.Taker.
func (x *exchange) Take(c components.Call, limit int64) (components.Body, policy.Reason) {
	from := c.(*call)
	from.taken = true
	conn := from.arrival()
	defer conn.Release()
	if x.out != nil {
		defer x.out.Unguard()
		if !x.out.Guard(conn) {
			from.Cancel()
		}
	}
	text, reason := readUpTo(conn, limit)
	if reason != policy.OK && (isClosed(x.gone) || from.letDown()) {
		reason = policy.Canceled
	}
	if reason != policy.OK {
		conn.Close()
		return components.Body{}, reason
	}
	return components.Body{Size: int64(len(text)), Bytes: text}, policy.OK
}

// Rewrite implements components.Rewriter.
func (x *exchange) Rewrite(limit int64, edit func([]byte) ([]byte, bool)) policy.Reason {
	if x.body == nil {
		return policy.OK
	}
	text, reason := readUpTo(x.body.reader(0, x.node), limit)
	switch {
	case x.in.Refused() != nil:
		return policy.Denied
	case reason == policy.Reset:
		return policy.Canceled
	case reason != policy.OK:
		return reason
	}
	text, ok := edit(text)
	if !ok {
		return policy.Failed
	}
	x.body = rewritten(text, x.in)
	return policy.OK
}

// readUpTo reads a body to its end, unless it is longer than limit.
func readUpTo(from io.Reader, limit int64) (text []byte, reason policy.Reason) {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := from.Read(buffer[:])
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
}
