package http1

import (
	"errors"
	"strconv"

	"trafficlab/components"
)

// writer writes messages to a wire by way of a buffer.
type writer struct {
	wire *wire
	text []byte // not yet sent

	// While more is gathered than text has room for.
	wide   *piece // where text lies then
	narrow []byte // where it lay

	chunked bool
	left    int64 // bytes of the body that are still promised; tillEnd: any number
}

var (
	errTooMuch   = errors.New("more body than was promised")
	errTooLittle = errors.New("less body than was promised")
)

// room is how much is gathered before it is sent. More is where that saves a
// system call: behind chunks comes something still, and TLS makes a record of
// each piece.
const room = 4 << 10

func (w *writer) start(line ...string) {
	if w.text == nil {
		w.text = make([]byte, 0, room)
	}
	for _, word := range line {
		w.text = append(w.text, word...)
	}
	w.text = append(w.text, '\r', '\n')
}

// field writes one field. What would not be read as one field is left out, and
// so is what this package says itself.
func (w *writer) field(name, value string) {
	if Passes(name, value) {
		w.add(name, value)
	}
}

// Passes tells whether a field is read as one, and is not about the framing or
// the connection.
func Passes(name, value string) bool {
	return all(name, inToken) && within(value, inValue) && !frames(name)
}

// Trails tells whether a field may stand behind a body.
func Trails(name, value string) bool { return Passes(name, value) && !forbidden(name) }

func (w *writer) add(name, value string) {
	w.text = append(w.text, name...)
	w.text = append(w.text, ':', ' ')
	w.text = append(w.text, value...)
	w.text = append(w.text, '\r', '\n')
}

func (w *writer) list(h components.Header) {
	for i := range h {
		w.field(h[i].Name, h[i].Value)
	}
}

// frames tells whether a field is about the connection, and so not the
// caller's to set.
func frames(name string) bool {
	switch len(name) {
	case len("Host"):
		return fold(name, "host")
	case len("Connection"):
		return fold(name, "connection") || fold(name, "keep-alive")
	case len("Content-Length"):
		return fold(name, "content-length")
	case len("Transfer-Encoding"):
		return fold(name, "transfer-encoding")
	}
	return false
}

// fold compares a name with one of the same length in lower case.
func fold(name, lower string) bool {
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// frame writes how the body will be framed and ends the head. length is of the
// body, Unknown for chunks, tillEnd for none.
func (w *writer) frame(length int64) {
	w.chunked, w.left = false, length
	switch {
	case length == Unknown:
		w.chunked = true
		w.text = append(w.text, "Transfer-Encoding: chunked\r\n"...)
	case length >= 0:
		w.length(length)
	}
	w.text = append(w.text, '\r', '\n')
}

func (w *writer) length(n int64) {
	w.text = append(w.text, "Content-Length: "...)
	w.text = strconv.AppendInt(w.text, n, 10)
	w.text = append(w.text, '\r', '\n')
}

// body writes a piece of the body.
func (w *writer) body(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if w.chunked {
		w.text = strconv.AppendInt(w.text, int64(len(p)), 16)
		w.text = append(w.text, '\r', '\n')
		if err := w.put(p); err != nil {
			return err
		}
		w.text = append(w.text, '\r', '\n')
		return nil
	}
	if w.left >= 0 {
		if int64(len(p)) > w.left {
			return errTooMuch
		}
		w.left -= int64(len(p))
	}
	return w.put(p)
}

// put sends what is gathered with p, or gathers p as well.
func (w *writer) put(p []byte) error {
	switch all := len(w.text) + len(p); {
	case all <= room:
	case all < len(w.wide) && (w.chunked || w.wire.secure):
		w.widen()
	case len(w.text) == 0:
		return w.wire.write(p)
	default:
		err := w.wire.writeBoth(w.text, p)
		w.empty()
		return err
	}
	w.text = append(w.text, p...)
	return nil
}

// widen makes more room, until all is sent.
func (w *writer) widen() {
	if w.wide == nil {
		w.wide, w.narrow = pieces.Get().(*piece), w.text
		w.text = append(w.wide[:0], w.text...)
	}
}

// empty forgets what has been sent.
func (w *writer) empty() {
	if w.wide != nil {
		pieces.Put(w.wide)
		w.wide, w.text, w.narrow = nil, w.narrow, nil
	}
	w.text = w.text[:0]
}

// end writes what comes behind the body, and sends all.
func (w *writer) end(trailer components.Header) error {
	if err := w.close(trailer); err != nil {
		return err
	}
	return w.flush()
}

// close writes what comes behind the body.
func (w *writer) close(trailer components.Header) error {
	if w.chunked {
		w.text = append(w.text, "0\r\n"...)
		for _, f := range trailer {
			if Trails(f.Name, f.Value) {
				w.add(f.Name, f.Value)
			}
		}
		w.text = append(w.text, '\r', '\n')
	} else if w.left > 0 {
		return errTooLittle
	}
	return nil
}

func (w *writer) flush() error {
	if len(w.text) == 0 {
		return nil
	}
	err := w.wire.write(w.text)
	w.empty()
	return err
}
