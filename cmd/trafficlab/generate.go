package main

import (
	"github.com/spf13/cobra"

	"trafficlab/bench"
)

func generateVerb() *cobra.Command {
	var manifest, to string
	var share bench.Share
	c := &cobra.Command{
		Use:    "generate --manifest FILE --to ADDRESS",
		Short:  "Fire a share of the load of a run",
		Long:   `generate fires its share of a load when the runner, who listens at the address, says so, and sends it the samples.`,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: verb(func(c *cobra.Command, _ []string) error {
			return bench.Generate(c.Context(), manifest, to, share)
		}),
	}
	c.Flags().StringVar(&manifest, "manifest", "", "the file that tells the system")
	c.Flags().StringVar(&to, "to", "", "where the runner listens")
	c.Flags().IntVar(&share.Index, "index", 0, "which share, from 0")
	c.Flags().IntVar(&share.Of, "of", 1, "how many shares there are")
	return c
}
