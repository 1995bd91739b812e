package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (make build).
var version string

func versionVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, as reports carry it",
		Example: "  trafficlab version",
		Args:    cobra.NoArgs,
		RunE: verb(func(c *cobra.Command, _ []string) error {
			fmt.Fprint(c.OutOrStdout(), versionLine())
			return nil
		}),
	}
}

// versionName is the linker's word, or what go install knows of itself.
func versionName() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionLine() string {
	return fmt.Sprintf("trafficlab %s, %s %s/%s\n", versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
