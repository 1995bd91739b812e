// Command trafficlab tries out what stands between clients and servers: the
// same system and the same load, with and without a proxy, balancer, gateway
// or cache, in calm and in bad weather, live and simulated. One file a verb;
// wiring and printing only.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(int(trafficlab(os.Args[1:]))) }

// trafficlab runs one command line.
func trafficlab(args []string) status {
	// A reader that goes away (| head) is no reason to leave a run half done:
	// with the signal taken, writing to it is an error like any other.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	log.SetOutput(io.Discard) // net/http's, a line for each odd answer: those are counted
	out := &output{File: os.Stdout}
	root := root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(os.Stderr)
	err := root.ExecuteContext(context.Background())
	if err == nil && out.err != nil {
		err = ending{incomplete, fmt.Errorf("print the result: %w", cause(out.err))}
	}
	if text := complaint(err); text != "" {
		fmt.Fprintln(os.Stderr, text)
	}
	return statusOf(err)
}

// output is standard output, which remembers that it could not be written. A
// reader that has gone away has seen enough.
type output struct {
	*os.File
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	if err != nil && o.err == nil && !errors.Is(err, syscall.EPIPE) {
		o.err = err
	}
	return n, err
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "trafficlab",
		Short: "Measure what a proxy, balancer, gateway or cache does, live and simulated",
		Long: `trafficlab runs a scenario (a system, a load, what goes wrong, what to compare)
with real processes on this machine and in a simulator, and writes one report.

A name stands for what is shipped inside the program (see "trafficlab list");
anything with a slash or .yaml is a file.

Exit status:
  0    no expectation failed (those undecided are named)
  1    an expectation failed
  2    bad usage or a bad file; nothing was started
  3    the run could not be completed or cannot be trusted
  130  interrupted`,
		Example: `  trafficlab run slow-replica
  trafficlab run slow-replica --world sim --repeat 20
  trafficlab up gateway-lb`,
		Version:       versionName(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetVersionTemplate(versionLine())
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, c.CommandPath())
	})
	c.AddCommand(runVerb(), calibrateVerb(), checkVerb(), planVerb(), capacityVerb(), compareVerb(), aaVerb(), upVerb(), reportVerb(), listVerb(),
		initVerb(), nodeVerb(), guardVerb(), generateVerb(), versionVerb())
	c.SetHelpCommand(helpVerb())
	return c
}

// complaint is what to say of an error, or nothing.
func complaint(err error) string {
	var e ending
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.text()
	}
	return "trafficlab: " + strings.TrimSpace(err.Error())
}
