package live

import (
	"container/heap"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Alarm rings by the process's timerfd.
func (Precise) Alarm(at time.Time) (<-chan time.Time, func() bool) {
	bell, err := theBell()
	if err != nil {
		return Standard{}.Alarm(at)
	}
	a := bell.add(at)
	return a.ring, func() bool { return bell.remove(a) }
}

// theBell is the one bell of the process: every sleeper waits in its heap for
// one timerfd, which a single goroutine reads through the network poller.
var theBell = sync.OnceValues(newBell)

type bell struct {
	file  *os.File // of fd; kept so that it is not closed by the collector
	fd    int
	epoch time.Time // the instant of zero on CLOCK_MONOTONIC

	mu      sync.Mutex
	waiting alarms
	set     time.Time // the instant the timer is set to; zero: it is not
}

type alarm struct {
	at    time.Time
	ring  chan time.Time
	index int // in the heap, or -1
}

func newBell() (*bell, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	epoch, err := monotonicEpoch()
	if err != nil {
		return nil, err
	}
	b := &bell{file: os.NewFile(uintptr(fd), "timerfd"), fd: fd, epoch: epoch}
	go b.run()
	return b, nil
}

// monotonicEpoch is when CLOCK_MONOTONIC was zero. The clock is the same for
// all processes of the machine, and the one inside a time.Time. Of several
// readings it believes the quickest: a thread may lose its processor in one.
func monotonicEpoch() (epoch time.Time, err error) {
	least := time.Duration(math.MaxInt64)
	for range 5 {
		var clock unix.Timespec
		before := time.Now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &clock); err != nil {
			return epoch, fmt.Errorf("read the monotonic clock: %w", err)
		}
		if took := time.Since(before); took < least {
			least, epoch = took, before.Add(took/2-time.Duration(clock.Nano()))
		}
	}
	return epoch, nil
}

// OnMonotonic is an instant on CLOCK_MONOTONIC, to tell another process.
func OnMonotonic(at time.Time) (time.Duration, error) {
	epoch, err := monotonicEpoch()
	return at.Sub(epoch), err
}

// Monotonic is the instant of CLOCK_MONOTONIC that another process told.
func Monotonic(at time.Duration) (time.Time, error) {
	epoch, err := monotonicEpoch()
	return epoch.Add(at), err
}

func (b *bell) run() {
	var count [8]byte
	for {
		if _, err := b.file.Read(count[:]); err != nil {
			panic(fmt.Sprintf("read the timer: %v", err)) // a sleeper must not sleep for ever
		}
		b.strike()
	}
}

// strike rings every alarm that is due and sets the timer to the next.
func (b *bell) strike() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for len(b.waiting) > 0 && !b.waiting[0].at.After(now) {
		a := heap.Pop(&b.waiting).(*alarm)
		a.ring <- now // has room
	}
	b.set = time.Time{}
	b.wind()
}

// wind sets the timer if the first alarm is earlier than what it is set to. It
// never sets it later: a strike too many costs less than a call for each alarm
// given up.
func (b *bell) wind() {
	if len(b.waiting) == 0 {
		return
	}
	first := b.waiting[0].at
	if !b.set.IsZero() && !first.Before(b.set) {
		return
	}
	b.set = first
	since := max(first.Sub(b.epoch), 1) // zero would disarm it
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(since))}
	if err := unix.TimerfdSettime(b.fd, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		panic(fmt.Sprintf("set the timer: %v", err))
	}
}

func (b *bell) add(at time.Time) *alarm {
	a := &alarm{at: at, ring: make(chan time.Time, 1), index: -1}
	b.mu.Lock()
	defer b.mu.Unlock()
	heap.Push(&b.waiting, a)
	b.wind()
	return a
}

func (b *bell) remove(a *alarm) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.index < 0 {
		return false
	}
	heap.Remove(&b.waiting, a.index)
	return true
}

// alarms is a heap by instant.
type alarms []*alarm

func (h alarms) Len() int           { return len(h) }
func (h alarms) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *alarms) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.index = -1
	return a
}
