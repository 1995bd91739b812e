package bench

import (
	"context"
	"io"
	"time"

	"trafficlab/scenarios"
)

// paced is a body that moves no faster than so many bytes a second, from when
// it is first read: a client that sends or reads slowly. Byte n has moved when
// n bytes take that long, as in the simulator.
type paced struct {
	io.ReadCloser
	ctx   context.Context
	sleep func(ctx context.Context, until time.Time) error
	rate  int64
	began time.Time
	moved int64
}

// Read moves a piece and takes its time for it.
func (p *paced) Read(to []byte) (int, error) {
	if p.began.IsZero() {
		p.began = time.Now()
	}
	n, err := p.ReadCloser.Read(to[:min(len(to), pieceOf(p.rate))])
	if n == 0 {
		return n, err
	}
	p.moved += int64(n)
	if gone := p.sleep(p.ctx, p.began.Add(scenarios.Takes(p.moved, p.rate))); gone != nil {
		return n, gone
	}
	return n, err
}

// pieceOf is how many bytes move at once: those of a tenth of a second, within
// reason.
func pieceOf(rate int64) int { return int(min(max(rate/10, 16), 32<<10)) }

// littleRoom is what the kernel is to take for a client that reads slowly.
const littleRoom = 16 << 10
