package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"trafficlab/bench/measure"
)

// suites is the file that CI reads: JUnit XML, of which every reader knows
// these elements. A scenario is a suite; an expectation of a variant in a world
// is a case.
type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Class   string  `xml:"classname,attr"`
	Name    string  `xml:"name,attr"`
	Failure *reason `xml:"failure"`
	Error   *reason `xml:"error"`
	Skipped *reason `xml:"skipped"`
}

type reason struct {
	Message string `xml:"message,attr"`
}

// add makes a suite of what a scenario came to; r is nil if it came to nothing.
func (s *suites) add(scenario string, r *measure.Result, broke error) {
	made := suite{Name: scenario}
	if r != nil {
		for _, c := range r.Checks {
			made.add(caseOf(r, c))
		}
	}
	whole := testcase{Class: scenario, Name: "run"}
	switch {
	case broke != nil:
		whole.Error = &reason{broke.Error()}
	case r == nil || r.Partial:
		whole.Error = &reason{"it was interrupted before all repetitions were made"}
	default:
		if doubt := doubtOf(r, "", ""); doubt != "" {
			whole.Error = &reason{doubt}
		}
	}
	made.add(whole)
	s.Suites = append(s.Suites, made)
}

func (s *suite) add(c testcase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// caseOf is an expectation: what cannot be trusted is an error whatever it came
// to, and what is undecided is skipped.
func caseOf(r *measure.Result, c measure.Check) testcase {
	e := c.Expectation
	made := testcase{Class: r.Scenario + "." + c.World, Name: fmt.Sprintf("%s: %s %s", c.Variant, e.Metric, e.Text)}
	said := &reason{expectation(c)}
	switch doubt := doubtOf(r, c.World, c.Variant); {
	case doubt != "":
		made.Error = &reason{doubt}
	case c.Met == measure.NotMet:
		made.Failure = said
	case c.Met == measure.Undecided:
		made.Skipped = &reason{"undecided: " + said.Message}
	}
	return made
}

// doubtOf is the severe warning of a variant in a world, or of the whole result
// if both are empty; or nothing.
func doubtOf(r *measure.Result, world, variant string) string {
	for _, w := range r.Warnings {
		if w.Severe && w.World == world && w.Variant == variant {
			return w.Text
		}
	}
	return ""
}

// write puts the suites into a file.
func (s *suites) write(path string) error {
	return writePage(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, xml.Header); err != nil {
			return err
		}
		e := xml.NewEncoder(w)
		e.Indent("", "  ")
		if err := e.Encode(s); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n")
		return err
	})
}

// mayWrite finds out before anything starts whether a file can be written.
func mayWrite(path string) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write %s: it is there and no file", path)
	}
	return writable(filepath.Dir(path))
}
