package main

import (
	"os"

	"github.com/spf13/cobra"

	"trafficlab/live"
)

func guardVerb() *cobra.Command {
	return &cobra.Command{
		Use:    "guard",
		Short:  "Watch over the nodes of a run, and leave none behind",
		Long:   `guard starts nodes as it is told on standard input, and kills them when that ends.`,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: verb(func(*cobra.Command, []string) error {
			return live.Guard(os.Stdin, os.Stdout)
		}),
	}
}
