package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"trafficlab/topologies"
)

// guard is the runner's side of the guardian.
type guard struct {
	command *exec.Cmd
	in      io.WriteCloser
	notices chan notice

	mu     sync.Mutex
	orders *json.Encoder
}

// startGuard starts the guardian in a session of its own, so that Ctrl-C
// reaches the runner alone. What it says of itself goes to the log.
func startGuard(binary, log string) (*guard, error) {
	said, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start the guardian: %w", err)
	}
	defer said.Close()
	command := exec.Command(binary, "guard")
	command.Stderr = said
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, errIn := command.StdinPipe()
	out, errOut := command.StdoutPipe()
	if err := errors.Join(errIn, errOut, command.Start()); err != nil {
		return nil, fmt.Errorf("start the guardian: %w", err)
	}
	g := &guard{command: command, in: in, notices: make(chan notice), orders: json.NewEncoder(in)}
	go read(out, g.notices)
	return g, nil
}

func (g *guard) spawn(place topologies.Place, args []string, output string) error {
	return g.order(order{Name: string(place), Args: args, Output: output})
}

func (g *guard) signal(place topologies.Place, s syscall.Signal) error {
	return g.order(order{Name: string(place), Signal: int(s)})
}

// trash has a directory removed when all processes have ended, whatever becomes
// of the runner.
func (g *guard) trash(dir string) error { return g.order(order{Trash: dir}) }

func (g *guard) order(o order) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.orders.Encode(o); err != nil {
		return fmt.Errorf("order the guardian: %w", err)
	}
	return nil
}

// end lets the guardian kill what is left, and waits for it.
func (g *guard) end() error {
	g.in.Close()
	late := time.AfterFunc(stopTime, func() { g.command.Process.Kill() })
	defer late.Stop()
	if err := g.command.Wait(); err != nil {
		return fmt.Errorf("end the guardian: %w", err)
	}
	return nil
}

// deathCries begin what a Go program says when it breaks; a long account of
// its goroutines follows.
var deathCries = []string{"panic: ", "fatal error: ", "SIG"}

// lastLines is the end of a file, indented, or what stands from the last death
// cry in it.
func lastLines(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return "  (it said nothing)"
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	from := max(0, len(all)-n)
	for i, line := range all {
		if slices.ContainsFunc(deathCries, func(cry string) bool { return strings.HasPrefix(line, cry) }) {
			from = i
		}
	}
	return "  " + strings.Join(all[from:min(len(all), from+n)], "\n  ")
}
