package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"trafficlab": main})
}

// The scripts tell the command's story as a user types it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    exits,
			"interrupt": pressing(os.Interrupt),
			"hangup":    pressing(syscall.SIGHUP),
			"killed":    killed,
			"childless": childless,
		},
		Condition: func(name string) (bool, error) {
			if name == "live" {
				return linux, nil
			}
			return false, fmt.Errorf("unknown condition %s", name)
		},
	})
}

// exits runs a command that is to end with the given status, or one of
// several: "0,3".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N[,N…] command…")
	}
	got := strconv.Itoa(exitCode(ts.Exec(args[1], args[2:]...)))
	if !slices.Contains(strings.Split(args[0], ","), got) {
		ts.Fatalf("%s exited %s, not %s", strings.Join(args[1:], " "), got, args[0])
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// pressing runs a command, sends it the signal (os.Interrupt is Ctrl-C) when a
// line of its standard error holds the given word, and wants it to end with 130.
// Its standard output is kept in the file "output".
func pressing(signal os.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) { interrupt(ts, signal, neg, args) }
}

func interrupt(ts *testscript.TestScript, signal os.Signal, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt word command…")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	output, err := os.Create(ts.MkAbs("output"))
	ts.Check(err)
	defer output.Close()

	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Stdout = ts.MkAbs("."), output
	cmd.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"))
	errs, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	overdue := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer overdue.Stop()

	lines := bufio.NewScanner(io.TeeReader(errs, tsLog{ts}))
	for lines.Scan() {
		if strings.Contains(lines.Text(), args[0]) {
			ts.Check(cmd.Process.Signal(signal))
			break
		}
	}
	io.Copy(tsLog{ts}, errs)
	if got := exitCode(cmd.Wait()); got != int(interrupted) {
		ts.Fatalf("interrupted, but exited %d", got)
	}
}

// killed runs a command and kills it as soon as the given path is there, unless
// it has come to its end by then.
func killed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: killed path command…")
	}
	program, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(program, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	ts.Check(cmd.Start())
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Lstat(ts.MkAbs(args[0])); err == nil {
			cmd.Process.Kill()
		}
		select {
		case err := <-over:
			ts.Logf("ended: %v", err)
			return
		case <-tick.C:
		}
	}
}

type tsLog struct{ ts *testscript.TestScript }

func (l tsLog) Write(p []byte) (int, error) {
	l.ts.Logf("%s", p)
	return len(p), nil
}

// childless wants every node and guardian gone within two seconds.
func childless(ts *testscript.TestScript, neg bool, _ []string) {
	path, err := exec.LookPath("trafficlab")
	ts.Check(err)
	var alive []string
	for range 40 {
		if alive = children(path); len(alive) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("still there: %s", strings.Join(alive, "; "))
}

// children lists the processes of the program that host a node or guard them.
// Other scripts run the program meanwhile, but no other starts a system.
func children(program string) []string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		if target, _ := os.Readlink(exe); target != program {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(exe), "cmdline"))
		words := strings.Split(string(line), "\x00")
		if len(words) > 1 && (words[1] == "node" || words[1] == "guard") {
			found = append(found, strings.Join(words, " "))
		}
	}
	return found
}
