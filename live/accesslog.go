package live

import (
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"time"

	"trafficlab/components"
)

// accessLog writes one line of JSON for each request that a node answered. A
// nil accessLog writes none.
type accessLog struct {
	mu   sync.Mutex
	to   io.Writer
	line []byte
}

func newAccessLog(to io.Writer) *accessLog {
	if to == nil {
		return nil
	}
	return &accessLog{to: to}
}

// write logs an exchange that came at the given instant of the run and is over
// now. Status 0 is a caller who went away unanswered.
func (l *accessLog) write(x *exchange, req components.Request, came time.Duration) {
	if l == nil {
		return
	}
	took := x.Now() - came
	l.mu.Lock()
	defer l.mu.Unlock()
	b := append(l.line[:0], `{"at":`...)
	b = strconv.AppendFloat(b, came.Seconds(), 'f', 6, 64)
	b = append(b, `,"number":`...)
	b = strconv.AppendUint(b, req.Number, 10)
	b = append(b, `,"attempt":"`...)
	b = strconv.AppendUint(b, req.Attempt, 16)
	b = append(b, `","peer":"`...)
	b = req.Peer.AppendTo(b)
	b = append(b, `","method":`...)
	b = appendJSON(b, req.Method)
	b = append(b, `,"path":`...)
	b = appendJSON(b, req.Path)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(x.status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, x.sent, 10)
	b = append(b, `,"took":`...)
	b = strconv.AppendFloat(b, took.Seconds(), 'f', 6, 64)
	b = append(b, "}\n"...)
	l.line = b
	l.to.Write(b) // a log that cannot be written does not stop a request
}

// appendJSON appends text as a JSON string. Most need no escape.
func appendJSON(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a string always can be
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}
