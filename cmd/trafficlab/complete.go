package main

import "github.com/spf13/cobra"

// completeFiles completes shipped names and YAML files.
func completeFiles(shelves ...func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, shelf := range shelves {
			names = append(names, shelf()...)
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}

// mustComplete offers the words of a flag. It can only fail on a flag that is
// not there.
func mustComplete(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
}
