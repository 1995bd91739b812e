package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"trafficlab/bench"
	"trafficlab/bench/measure"
	"trafficlab/reports"
	"trafficlab/scenarios"
)

const (
	reportName = "report.html"
	indexName  = "index.html"
	planName   = "plan.json" // marks a folder of stored runs

	capacityName = "capacity.json" // what was found, beside its page
)

func reportVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR…",
		Short: "Draw reports again from stored runs",
		Long: `report reads the runs stored in a scenario's folder, or in all those of a folder
such as out, and writes report.html, and for several index.html.`,
		Example: `  trafficlab report out/slow-replica
  trafficlab report out`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: verb(func(c *cobra.Command, args []string) error {
			t := newTerminal(c.OutOrStdout())
			for _, dir := range args {
				if err := vacantPage(dir, indexName); err != nil && !isStore(dir) {
					return ending{unusable, err}
				}
				if err := redraw(t, dir); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

// redraw draws the report of one scenario, or those of all below.
func redraw(t *terminal, dir string) error {
	if isStore(dir) {
		s, r, err := bench.Fold(dir)
		if err != nil {
			return err
		}
		if err := writeReport(dir, s, r); err != nil {
			return err
		}
		t.line("Report: %s", filepath.Join(dir, reportName))
		return nil
	}
	inside := stores(dir)
	if len(inside) == 0 {
		return ending{unusable, fmt.Errorf("report %s: there are no stored runs in it", dir)}
	}
	known := map[string]reports.IndexEntry{}
	for _, name := range inside {
		s, r, err := bench.Fold(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := writeReport(filepath.Join(dir, name), s, r); err != nil {
			return err
		}
		known[name] = entryOf(name, s, r)
		t.line("Report: %s", filepath.Join(dir, name, reportName))
	}
	if err := writeIndex(dir, known); err != nil {
		return err
	}
	t.line("All reports: %s", filepath.Join(dir, indexName))
	return nil
}

func entryOf(name string, s *scenarios.Scenario, r *measure.Result) reports.IndexEntry {
	return reports.IndexEntry{Link: name + "/" + reportName, Scenario: s, Result: r}
}

// writeIndex writes the page that leads to all reports of a folder: those
// known, and those that earlier runs left.
func writeIndex(dir string, known map[string]reports.IndexEntry) error {
	var entries []reports.IndexEntry
	for _, name := range stores(dir) {
		entry, ok := known[name]
		if !ok {
			s, r, err := bench.Glance(filepath.Join(dir, name))
			if err != nil {
				continue // left by another version, or damaged: not ours to mend
			}
			entry = entryOf(name, s, r)
		}
		entries = append(entries, entry)
	}
	slices.SortStableFunc(entries, inOrderOfReading)
	capacities := capacitiesIn(dir)
	return writePage(filepath.Join(dir, indexName), func(w io.Writer) error { return reports.WriteIndex(w, entries, capacities) })
}

// capacitiesIn lists the searches for capacity whose pages are in a folder's
// folders, by name.
func capacitiesIn(dir string) []reports.CapacityEntry {
	entries, _ := os.ReadDir(dir) // a folder that cannot be read has none
	var all []reports.CapacityEntry
	for _, e := range entries {
		var c measure.Capacity
		text, err := os.ReadFile(filepath.Join(dir, e.Name(), capacityName))
		if err == nil && json.Unmarshal(text, &c) == nil && drawnByUs(filepath.Join(dir, e.Name(), reportName)) {
			all = append(all, reports.CapacityEntry{Link: e.Name() + "/" + reportName, Capacity: &c})
		}
	}
	return all
}

// inOrderOfReading puts the shipped scenarios first, as they are listed, and
// then the user's own by name.
func inOrderOfReading(a, b reports.IndexEntry) int {
	shipped := scenarios.Shipped()
	order := func(e reports.IndexEntry) int {
		if i := slices.Index(shipped, e.Scenario.Name); i >= 0 {
			return i
		}
		return len(shipped)
	}
	return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.Link, b.Link))
}

func writeReport(dir string, s *scenarios.Scenario, r *measure.Result) error {
	return writePage(filepath.Join(dir, reportName), func(w io.Writer) error { return reports.Write(w, s, r) })
}

// writePage writes a file at once: who looks meanwhile sees the old one.
func writePage(path string, draw func(io.Writer) error) error {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	defer os.Remove(part.Name()) // unless it has been renamed
	if err = fill(part, draw); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	return nil
}

func fill(f *os.File, draw func(io.Writer) error) error {
	defer f.Close()
	w := bufio.NewWriter(f)
	if err := draw(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	return f.Close()
}

// vacantPage refuses a folder in which a page of that name is somebody else's.
func vacantPage(dir, name string) error {
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && info.Mode().IsRegular() && drawnByUs(path):
		return nil
	case err != nil:
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	return fmt.Errorf("write %s: it is there already and no page of trafficlab; choose another folder, or move it", path)
}

// ourMark stands in the head of every page that reports draws.
const ourMark = `<meta name="generator" content="trafficlab">`

func drawnByUs(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 1<<10)
	n, _ := io.ReadFull(f, head)
	return bytes.Contains(head[:n], []byte(ourMark))
}

// stores lists the folders of stored runs in a folder.
func stores(dir string) []string {
	entries, _ := os.ReadDir(dir) // a folder that cannot be read has none
	var names []string
	for _, e := range entries {
		if isStore(filepath.Join(dir, e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names
}

func isStore(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, planName))
	return err == nil
}
