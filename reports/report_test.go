package reports

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	update = flag.Bool("update", false, "write the golden pages anew")
	keep   = flag.String("keep", "", "a folder in which to leave the pages, to be looked at")
)

// pages are the reports of the invented results and their index, as files.
func pages(t *testing.T) (folder string, names []string) {
	folder = *keep
	if folder == "" {
		folder = t.TempDir()
	}
	var entries []IndexEntry
	for _, invent := range []func(*testing.T) IndexEntry{
		func(t *testing.T) IndexEntry { s, r := pickers(t); return IndexEntry{"crash.html", s, r} },
		func(t *testing.T) IndexEntry { s, r := systemsCompared(t); return IndexEntry{"hops.html", s, r} },
	} {
		e := invent(t)
		var b bytes.Buffer
		require.NoError(t, Write(&b, e.Scenario, e.Result))
		require.NoError(t, os.WriteFile(filepath.Join(folder, e.Link), b.Bytes(), 0o644))
		entries, names = append(entries, e), append(names, e.Link)
	}
	var b bytes.Buffer
	require.NoError(t, WriteIndex(&b, entries))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "index.html"), b.Bytes(), 0o644))
	return folder, append(names, "index.html")
}

func TestPages(t *testing.T) {
	pages(t)
}
