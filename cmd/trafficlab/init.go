package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"trafficlab/scenarios"
	"trafficlab/topologies"
)

func initVerb() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented scenario to start from, and its topology",
		Long: `init writes a scenario with a comment on every field, and beside it the topology
that it runs on, both ready to run and to be changed.`,
		Example: `  trafficlab init mine.yaml     writes mine.yaml and mine-topology.yaml
  trafficlab run mine.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: verb(func(c *cobra.Command, args []string) error {
			file := "my-scenario.yaml"
			if len(args) > 0 {
				file = args[0]
			}
			if !topologies.IsFile(file) || filepath.Ext(file) == "" {
				return ending{unusable, fmt.Errorf("init %s: a scenario's file ends in .yaml", file)}
			}
			return start(c, file, force)
		}),
	}
	c.Flags().BoolVarP(&force, "force", "f", false, "write over files that are there")
	return c
}

// start writes both files or, if one is there already, neither.
func start(c *cobra.Command, file string, force bool) error {
	stem := strings.TrimSuffix(file, filepath.Ext(file))
	second := stem + "-topology.yaml"
	_, topology, err := topologies.Find(starter, "")
	if err != nil {
		return err
	}
	if err := vacant(force, file, second); err != nil {
		return ending{unusable, err}
	}
	if err := os.WriteFile(file, []byte(beginning(filepath.Base(stem), filepath.Base(second))), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, cause(err))
	}
	if err := os.WriteFile(second, topology, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", second, cause(err))
	}
	t := newTerminal(c.OutOrStdout())
	t.line("Wrote %s and %s. Next:", file, second)
	t.line("  trafficlab check %s", quoted(file))
	t.line("  trafficlab run %s --world sim", quoted(file))
	return nil
}

// starter is the topology that scenarios.Init names.
const starter = "lb"

var simple = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// beginning is the scenario to start from, under the name of its file and on the
// topology beside it.
func beginning(name, topology string) string {
	text := strings.Replace(scenarios.Init, "\ntopology: "+starter+"\n", "\ntopology: "+topology+"\n", 1)
	if simple.MatchString(name) {
		text = strings.Replace(text, "\nname: my-scenario\n", "\nname: "+name+"\n", 1)
	}
	return text
}

func vacant(force bool, files ...string) error {
	for _, file := range files {
		if _, err := os.Lstat(file); err == nil && !force {
			return fmt.Errorf("%s is there already (--force writes over it)", file)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write %s: %w", file, cause(err))
		}
	}
	return nil
}
