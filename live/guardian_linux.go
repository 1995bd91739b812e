package live

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The guardian is a small process between the runner and the nodes. Whatever
// becomes of the runner, even by SIGKILL, the guardian's standard input then
// ends, and it kills all that descends from it. Whatever becomes of the
// guardian, its children are killed by the kernel, and the runner sees the
// guardian's standard output end.

// order is what the runner asks of the guardian, a line of JSON on its
// standard input: to spawn a process, to send one a signal, or to remove a
// directory at the end of all.
type order struct {
	Name   string
	Args   []string `json:",omitempty"` // of the process to spawn, with its path
	Output string   `json:",omitempty"` // the file its output is added to
	Signal int      `json:",omitempty"`
	Trash  string   `json:",omitempty"` // a directory, to be removed when all has ended
}

// notice is what the guardian tells, a line of JSON on its standard output.
type notice struct {
	Name  string
	PID   int    `json:",omitempty"` // it was spawned
	Error string `json:",omitempty"` // it could not be

	Ended string        `json:",omitempty"` // it ended, how
	CPU   time.Duration `json:",omitempty"` // with the children it waited for
}

// guardian keeps everything in one goroutine: no process ends, for it, while
// it is about to signal it.
type guardian struct {
	out   *json.Encoder
	pids  map[string]int
	names map[int]string
	trash []string
}

// Guard runs the guardian on orders from in, telling out, until in ends. Then
// it kills every process that descends from it and returns.
func Guard(in io.Reader, out io.Writer) error {
	// A parent-death signal follows the thread that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the subreaper: %w", err)
	}
	// Caught and dropped: ignored ones would stay ignored in the children.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)

	g := &guardian{out: json.NewEncoder(out), pids: map[string]int{}, names: map[int]string{}}
	defer g.clean()
	defer g.killAll()
	orders := make(chan order)
	go read(in, orders)
	for {
		select {
		case o, more := <-orders:
			if !more {
				return nil
			}
			g.obey(o)
		case <-ended:
			g.reap()
		}
	}
}

// read decodes values until the stream ends or breaks, which is the same here.
func read[T any](in io.Reader, to chan<- T) {
	defer close(to)
	for lines := json.NewDecoder(in); ; {
		var v T
		if lines.Decode(&v) != nil {
			return
		}
		to <- v
	}
}

func (g *guardian) obey(o order) {
	if o.Trash != "" {
		g.trash = append(g.trash, o.Trash)
		return
	}
	if o.Args == nil {
		if pid, ok := g.pids[o.Name]; ok {
			unix.Kill(pid, syscall.Signal(o.Signal)) // it is our child and not reaped
		}
		return
	}
	pid, err := spawn(o)
	if err != nil {
		g.tell(notice{Name: o.Name, Error: err.Error()})
		return
	}
	g.pids[o.Name], g.names[pid] = pid, o.Name
	g.tell(notice{Name: o.Name, PID: pid})
}

// tell drops what nobody reads any more: the end of the orders follows.
func (g *guardian) tell(n notice) { g.out.Encode(n) }

func spawn(o order) (pid int, err error) {
	out, err := os.OpenFile(o.Output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	return syscall.ForkExec(o.Args[0], o.Args, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys:   &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true},
	})
}

// reap takes leave of every child that has ended, adopted ones too.
func (g *guardian) reap() {
	for {
		var status unix.WaitStatus
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		name, ours := g.names[pid]
		if !ours {
			continue
		}
		delete(g.names, pid)
		delete(g.pids, name)
		g.tell(notice{Name: name, Ended: endOf(status), CPU: time.Duration(usage.Utime.Nano() + usage.Stime.Nano())})
	}
}

// wentWell is the end of a process that has nothing to complain of.
const wentWell = "exit status 0"

func endOf(status unix.WaitStatus) string {
	if status.Signaled() {
		return unix.SignalName(status.Signal())
	}
	return "exit status " + strconv.Itoa(status.ExitStatus())
}

// killAll kills all that descends from the guardian, until there is nothing
// left: a process may have forked before it was killed.
func (g *guardian) killAll() {
	for range 1000 {
		left := readTree().below(os.Getpid())
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(2 * time.Millisecond)
		g.reap()
	}
}

// clean removes what was to end with the processes: nobody may be left to do it.
func (g *guardian) clean() {
	for _, dir := range g.trash {
		os.RemoveAll(dir)
	}
}

// tree is the children of every process of the machine.
type tree map[int][]int

func readTree() tree {
	t := tree{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, file := range files {
		if child, parent, ok := parentOf(file); ok {
			t[parent] = append(t[parent], child)
		}
	}
	return t
}

// below lists the processes that descend from pid, zombies too.
func (t tree) below(pid int) []int {
	var found []int
	for at := []int{pid}; len(at) > 0; at = at[1:] {
		found = append(found, t[at[0]]...)
		at = append(at, t[at[0]]...)
	}
	return found
}

// parentOf reads "pid (name) state parent …"; the name may hold anything.
func parentOf(file string) (pid, parent int, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, false // it has ended
	}
	head, _, _ := strings.Cut(string(text), " ")
	tail := string(text)[strings.LastIndexByte(string(text), ')')+1:]
	fields := strings.Fields(tail)
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, errPID := strconv.Atoi(head)
	parent, errParent := strconv.Atoi(fields[1])
	return pid, parent, errPID == nil && errParent == nil
}
