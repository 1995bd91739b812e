package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"trafficlab/topologies/strict"
)

// status is how a command ends, as the shell sees it. Of several the largest
// stands.
type status int

const (
	met         status = 0
	unmet       status = 1 // an expectation failed
	unusable    status = 2 // bad usage or a bad file; nothing was started
	incomplete  status = 3 // could not be completed, or cannot be trusted
	interrupted status = 130
)

// String says it in words.
func (s status) String() string { return statusWords[s] }

var statusWords = map[status]string{
	met:         "no expectation failed",
	unmet:       "an expectation failed",
	unusable:    "not started",
	incomplete:  "not completed, or not to be trusted",
	interrupted: "interrupted",
}

func (s status) colour() string {
	switch s {
	case met:
		return green
	case unmet:
		return red
	}
	return yellow
}

// ending is an error that knows its status. Quiet if there is no error in it:
// all has been said.
type ending struct {
	status status
	error
}

func (e ending) Error() string {
	if e.error == nil {
		return ""
	}
	return e.error.Error()
}

func (e ending) Unwrap() error { return e.error }

// text is what stands on the terminal. Mistakes in files come as they are:
// editors read file:line:col at the start of a line.
func (e ending) text() string {
	var lines []string
	for _, err := range parts(e.error) {
		var mistakes strict.Problems
		if errors.As(err, &mistakes) {
			lines = append(lines, mistakes.Error())
		} else {
			lines = append(lines, "trafficlab: "+err.Error())
		}
	}
	return strings.Join(lines, "\n")
}

// parts takes joined errors apart.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func statusOf(err error) status {
	var e ending
	switch {
	case err == nil:
		return met
	case errors.As(err, &e):
		return e.status
	}
	return unusable // cobra's own: the command line was not understood
}

// verb makes a verb's work fit cobra: an error that does not say how it ends
// means that the work could not be completed.
func verb(work func(c *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		err := work(c, args)
		var e ending
		if err == nil || errors.As(err, &e) {
			return err
		}
		return ending{incomplete, err}
	}
}
