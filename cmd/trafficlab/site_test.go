package main

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheFolderIsASite: what run and capacity leave can be published as it is.
// Every link of every page is relative, and leads to a page, or a place on
// one, that is there.
func TestTheFolderIsASite(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	for name, text := range map[string]string{
		"small.yaml": `{name: small, question: "How much?", topology: one.yaml, load: {poisson: 100/s, for: 4s, mix: [{get: /}]}, worlds: [sim]}`,
		"one.yaml":   `{name: one, about: "one worker", entry: api, nodes: {api: {kind: backend, workers: 1, queue: 1000, service-time: {exponential: 4ms}}}}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	typed(t, dir, "trafficlab", "run", "small.yaml", "crash", "--world", "sim", "--short", "--json", "--out", out)
	typed(t, dir, "trafficlab", "capacity", "small.yaml", "--world", "sim", "--slo", "p50 < 20ms", "--repeat", "3", "--precision", "20%", "--json", "--out", out)
	server := httptest.NewServer(http.FileServer(http.Dir(out)))
	defer server.Close()

	pages := map[string]string{}
	var read func(path string) string
	read = func(path string) string {
		if page, seen := pages[path]; seen {
			return page
		}
		answer, err := http.Get(server.URL + path)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Equal(t, http.StatusOK, answer.StatusCode, path)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		pages[path] = string(text)
		from, err := url.Parse(path)
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(pages[path], -1) {
			link := html.UnescapeString(found[1])
			if strings.HasPrefix(link, "data:") {
				continue
			}
			to, err := url.Parse(link)
			require.NoError(t, err)
			require.False(t, to.IsAbs() || strings.HasPrefix(link, "/"), "%s links to %s", path, link)
			page := read(from.ResolveReference(to).Path)
			if to.Fragment != "" {
				require.Contains(t, page, `id="`+to.Fragment+`"`, "%s links to %s", path, link)
			}
		}
		return pages[path]
	}
	read("/")
	for _, page := range []string{"/small/report.html", "/crash/report.html", "/small-capacity/report.html"} {
		require.Contains(t, pages, page, "nothing leads there")
	}
}
