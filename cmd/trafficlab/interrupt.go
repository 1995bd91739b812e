package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// interruptible is a context that the first Ctrl-C ends, as does SIGTERM or a
// terminal that is closed (unless nohup says otherwise). A second one leaves
// at once: what was started dies with its guardian. saying tells what happens
// then; stop takes the signals back.
func interruptible(c *cobra.Command, saying string) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(c.Context())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-done:
			return
		}
		fmt.Fprintln(c.ErrOrStderr(), "\n"+saying+" (Ctrl-C once more leaves at once)")
		cancel()
		select {
		case <-signals:
			fmt.Fprintln(c.ErrOrStderr())
			os.Exit(int(interrupted))
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
