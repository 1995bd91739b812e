package live

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"trafficlab/topologies"
)

var roles = map[string]func(args []string) error{
	"guard":  func([]string) error { return Guard(os.Stdin, os.Stdout) },
	"node":   nodeRole,
	"runner": runnerRole,
	"plain":  plainRole,
}

func playRole() bool {
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		return false
	}
	if err := roles[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	return true
}

func nodeRole(args []string) error {
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	manifest := flags.String("manifest", "", "")
	place := flags.String("place", "", "")
	began := flags.Int64("began", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return RunNode(context.Background(), *manifest, topologies.Place(*place), *began)
}

// runnerRole starts a system with one node frozen, tells its processes, and
// waits to be killed.
func runnerRole(args []string) error {
	s, err := Start(context.Background(), pairCase(), SystemOptions{Dir: args[0], Temporary: true})
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := s.freeze(s.processes[1]); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(readTree().below(os.Getpid())); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	return nil
}
