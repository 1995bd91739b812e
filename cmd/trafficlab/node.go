package main

import (
	"github.com/spf13/cobra"

	"trafficlab/live"
	"trafficlab/topologies"
)

func nodeVerb() *cobra.Command {
	var manifest, place string
	var began int64
	c := &cobra.Command{
		Use:   "node --manifest FILE --place PLACE",
		Short: "Host one component (used by run and up)",
		Long: `node hosts one component of a system until it is told to end. run and up start
one for each place; the manifest, which they write among the logs, tells it the
system and where everybody listens.`,
		Example: `  trafficlab node --manifest out/crash/runs/live-lb-1/manifest.json --place "api[0]"`,
		Args:    cobra.NoArgs,
		RunE: verb(func(c *cobra.Command, _ []string) error {
			return live.RunNode(c.Context(), manifest, topologies.Place(place), began)
		}),
	}
	c.Flags().StringVar(&manifest, "manifest", "", "the file that tells the system")
	c.Flags().StringVar(&place, "place", "", `the component, such as lb or "api[0]"`)
	c.Flags().Int64Var(&began, "began", 0, "when the run began, in nanoseconds of the monotonic clock (0: it will be told)")
	for _, name := range []string{"manifest", "place"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // there is no such flag
		}
	}
	return c
}
