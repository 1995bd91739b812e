package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"trafficlab/scenarios"
	"trafficlab/topologies"
	"trafficlab/topologies/strict"
)

func checkVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE-or-NAME…",
		Short: "Find every mistake in scenarios and topologies, and start nothing",
		Long: `check reads scenarios (and the topologies they name) and topologies, and prints
every mistake as file:line:col: path: what is wrong (what would be right).`,
		Example: `  trafficlab check mine.yaml
  trafficlab check scenarios/*.yaml topologies/*.yaml`,
		Args:              named("which file? (\"trafficlab list\" shows the names of those shipped)"),
		ValidArgsFunction: completeFiles(scenarios.Shipped, topologies.Shipped),
		RunE: verb(func(c *cobra.Command, args []string) error {
			t := newTerminal(c.OutOrStdout())
			var wrong []error
			for _, name := range args {
				what, err := checked(name)
				if err != nil {
					wrong = append(wrong, err)
					continue
				}
				t.line("%s: %s", name, what)
			}
			if len(wrong) > 0 {
				return ending{unusable, errors.Join(wrong...)}
			}
			return nil
		}),
	}
}

// named asks for at least one argument, by a question that helps.
func named(question string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s: %s", c.Name(), question)
		}
		return nil
	}
}

// checked loads a file for what it is and says what that is.
func checked(name string) (string, error) {
	if isTopology(name) {
		t, err := topologies.Load(name, "")
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("a sound topology of %s", count(len(t.Places()), "place")), nil
	}
	s, err := scenarios.Open(name, scenarios.Options{})
	if err != nil {
		return "", err
	}
	what := fmt.Sprintf("a sound scenario of %s, %s each", count(len(s.Variants), "variant"), count(s.Repeat, "repetition"))
	for _, stream := range s.Variants[0].Load.Streams {
		if stream.Replay != nil {
			what += "; " + stream.Words()
		}
	}
	return what, nil
}

// Every topology has nodes, and no scenario has.
var nodes = regexp.MustCompile(`(?m)^["']?nodes["']?\s*:`)

func isTopology(name string) bool {
	if !topologies.IsFile(name) {
		return slices.Contains(topologies.Shipped(), name) && !slices.Contains(scenarios.Shipped(), name)
	}
	text, err := strict.Load(name)
	return err == nil && nodes.Match(text)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
