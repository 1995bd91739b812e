package reports

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestInABrowser opens every page from a file and finds no error, no request
// to any network and nothing wider than the window. With -keep it leaves a
// picture of each.
func TestInABrowser(t *testing.T) {
	browser := chromium(t)
	folder, names := pages(t)
	for _, name := range names {
		for _, view := range views {
			t.Run(fmt.Sprintf("%s/%s-%d", name, view.name, view.width), func(t *testing.T) {
				look(t, browser, filepath.Join(folder, name), view)
			})
		}
	}
}

// view is one way of looking at a page, and the background it must have.
type view struct {
	name  string
	media emulation.SetEmulatedMediaParams
	width int64
	paper string
}

var (
	light = emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}}
	dark  = emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
	views = []view{
		{"light", light, 1280, "rgb(253, 253, 251)"},
		{"light", light, 360, "rgb(253, 253, 251)"},
		{"dark", dark, 1280, "rgb(21, 24, 27)"},
		{"dark", dark, 360, "rgb(21, 24, 27)"},
		{"print", emulation.SetEmulatedMediaParams{Media: "print", Features: dark.Features}, 718, "rgb(255, 255, 255)"},
	}
)

// chromium starts a headless browser, or skips where there is none.
func chromium(t *testing.T) context.Context {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		const missing = "no Chromium on this machine: the reports were not opened in a browser (make deps installs it)"
		if os.Getenv("TRAFFICLAB_ALL") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
		"disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); cancel() })
	require.NoError(t, chromedp.Do(ctx), "start %s", path)
	return ctx
}

// open shows a page in a tab of its own, and what it complains of.
func open(t *testing.T, browser context.Context, file string, v view) (tab context.Context, complaints func() []string) {
	ctx, leave := chromedp.NewContext(browser)
	t.Cleanup(leave)
	complaints = listen(t, ctx)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	enable(t, ctx)
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, v.media)
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(v.width, 800), chromedp.Navigate("file://"+file)))
	return ctx, complaints
}

func look(t *testing.T, browser context.Context, file string, v view) {
	ctx, complaints := open(t, browser, file, v)
	if *keep != "" {
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		require.NoError(t, err)
		name := fmt.Sprintf("%s-%d-%s.png", strings.TrimSuffix(file, ".html"), v.width, v.name)
		require.NoError(t, os.WriteFile(name, picture, 0o644))
	}
	require.Empty(t, complaints())
	scroll, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	require.NoError(t, err)
	require.LessOrEqual(t, scroll, v.width, "the page scrolls sideways")
	paper, err := chromedp.Run(ctx, chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor"))
	require.NoError(t, err)
	require.Equal(t, v.paper, paper)
}

// enable asks for the events that listen hears.
func enable(t *testing.T, ctx context.Context) {
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	for _, domain := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable, runtime.Enable} {
		_, err = chromedp.Call(ctx, domain, cdp.Empty{})
		require.NoError(t, err)
	}
}

// listen gathers what a page ought not to do: errors, and requests to other
// than files and data.
func listen(t *testing.T, tab context.Context) func() []string {
	var mu sync.Mutex
	var found []string
	add := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		found = append(found, fmt.Sprintf(format, args...))
	}
	require.NoError(t, chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			add("exception: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			add("console: %s %v", e.Type, e.Args)
		case *log.EventEntryAdded:
			add("log: %s", e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file://") && !strings.HasPrefix(e.Request.URL, "data:") {
				add("request to %s", e.Request.URL)
			}
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return found
	}
}
