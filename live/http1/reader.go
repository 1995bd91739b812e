package http1

import (
	"bufio"
	"bytes"
)

// Limits bound what a Reader takes. The zero value of each field stands for its
// default.
type Limits struct {
	Line   int   // bytes of one line: the request line or a field; 16 KiB
	Head   int   // bytes of a head; 64 KiB
	Fields int   // number of fields; 128
	Body   int64 // bytes of a body; any number
}

func (l Limits) withDefaults() Limits {
	if l.Line == 0 {
		l.Line = 16 << 10
	}
	if l.Head == 0 {
		l.Head = 64 << 10
	}
	if l.Fields == 0 {
		l.Fields = 128
	}
	return l
}

// mostBlank is how many empty lines may come before a request (RFC 9112 section
// 2.2): old clients send one behind a body.
const mostBlank = 2

// Reader reads messages from a connection. What an error of the connection
// interrupts amid a head can be taken up again: a deadline is no end.
type Reader struct {
	in     *bufio.Reader
	limits Limits
	asks   bool   // requests come, not answers
	slow   func() // called once when a head does not come in one piece; may be nil

	// Of the head under way.
	spill []byte // what did not fit into the buffer; nil: everything did
	start int    // of the line under way
	at    int    // up to here no end of the line was found
	skip  int    // length of the empty lines before it
	lines int
	waits bool // slow has been called
}

// NewReader reads from a connection by way of r.
func NewReader(r *bufio.Reader, l Limits) *Reader {
	return &Reader{in: r, limits: l.withDefaults()}
}

// Begun tells whether some of the next message has come.
func (r *Reader) Begun() bool { return r.in.Buffered() > 0 || r.spill != nil }

// gather reads until a whole head is there, and returns it with the number of
// its fields.
func (r *Reader) gather() (head string, fields int, err error) {
	for {
		whole, wrong := r.look()
		if wrong != nil {
			return "", 0, wrong
		}
		if whole {
			head, fields = r.take()
			return head, fields, nil
		}
		if r.slow != nil && !r.waits && r.Begun() {
			r.waits = true
			r.slow()
		}
		if _, err := r.in.Peek(r.in.Buffered() + 1); err != nil {
			return "", 0, err
		}
	}
}

// look goes on with what is in the buffer.
func (r *Reader) look() (whole bool, wrong *Error) {
	if r.spill == nil {
		window := r.window()
		for !whole && wrong == nil {
			end := bytes.IndexByte(window[r.at:], '\n')
			if end < 0 {
				r.at = len(window)
				break
			}
			r.at += end + 1
			whole, wrong = r.line(window[:r.at])
		}
		if whole || wrong != nil {
			return whole, wrong
		}
		if len(window) == r.in.Size() {
			r.spill = append(make([]byte, 0, 2*len(window)), window...)
			r.in.Discard(len(window))
			window = r.spill
		}
		return false, r.measure(window)
	}
	for !whole && wrong == nil && r.in.Buffered() > 0 {
		window := r.window()
		end := bytes.IndexByte(window, '\n')
		if end >= 0 {
			window = window[:end+1]
		}
		r.spill = append(r.spill, window...)
		r.in.Discard(len(window))
		if end >= 0 {
			whole, wrong = r.line(r.spill)
		} else {
			wrong = r.measure(r.spill)
		}
	}
	return whole, wrong
}

func (r *Reader) window() []byte {
	window, _ := r.in.Peek(r.in.Buffered()) // that much is there
	return window
}

// line looks at a line that ends where the text does.
func (r *Reader) line(text []byte) (last bool, wrong *Error) {
	line := text[r.start:]
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return false, errBareLF
	}
	if len(line) == 2 {
		if r.lines > 0 {
			return true, nil
		}
		r.skip += 2
		r.start = r.skip
		if !r.asks || r.skip > 2*mostBlank {
			return false, r.malformed()
		}
		return false, nil
	}
	if wrong := r.measure(text); wrong != nil {
		return false, wrong
	}
	if r.lines == 0 && r.asks {
		// At once: who speaks another protocol will never end this head.
		if _, _, _, wrong := requestLine(string(line[:len(line)-2])); wrong != nil {
			return false, wrong
		}
	}
	r.lines++
	r.start = len(text)
	return false, nil
}

// measure checks what has come of a head against the limits.
func (r *Reader) measure(text []byte) *Error {
	if r.lines == 0 && len(text) > r.skip {
		if first := text[r.skip]; r.asks && first != '\r' && classes[first]&inToken == 0 {
			return errMethod
		} else if !r.asks && first != 'H' {
			return errStatusLine
		}
	}
	switch {
	case len(text)-r.start > r.limits.Line && r.lines == 0 && r.asks:
		return errLineTooLong
	case len(text)-r.start > r.limits.Line:
		return errFieldTooLong
	case len(text) > r.limits.Head:
		return errHeadTooLong
	case r.lines > r.limits.Fields:
		return errManyFields
	}
	return nil
}

func (r *Reader) malformed() *Error {
	if r.asks {
		return errRequestLine
	}
	return errStatusLine
}

// take returns the head that has been looked at, and begins anew behind it.
func (r *Reader) take() (head string, fields int) {
	if r.spill == nil {
		head = string(r.window()[r.skip:r.at])
		r.in.Discard(r.at)
	} else {
		head = string(r.spill[r.skip:])
	}
	fields = r.lines - 1
	r.spill, r.start, r.at, r.skip, r.lines, r.waits = nil, 0, 0, 0, 0, false
	return head, fields
}
