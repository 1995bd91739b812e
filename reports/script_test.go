package reports

import (
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestTheScript points at charts, steps through them and hides series, as a
// reader would.
func TestTheScript(t *testing.T) {
	browser := chromium(t)
	folder, _ := pages(t)
	tab, complaints := open(t, browser, filepath.Join(folder, "small.html"), views[0])
	_, err := chromedp.Run(tab, chromedp.Evaluate[bool](`
		window.chart = document.querySelector("#latency svg[role=img]");
		window.box = document.querySelector(".tip-box");
		window.key = name => chart.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
		window.said = () => box.hidden ? "" : [...box.children].map(line => line.textContent).join(" | ");
		window.hover = mark => {
			const frame = mark.getBoundingClientRect();
			chart.dispatchEvent(new PointerEvent("pointermove", {clientX: frame.x + frame.width / 2, clientY: frame.y + frame.height / 2, bubbles: true}));
		};
		window.entry = document.querySelector("#latency .legend button");
		window.drawn = of => [...chart.querySelectorAll("[data-s=\"" + of + "\"]")].filter(piece => getComputedStyle(piece).display != "none").length > 0;
		true`))
	require.NoError(t, err)
	for _, tt := range []struct {
		what, script string
		want         any
	}{
		{"nothing is said at first", `said()`, ""},
		{"a chart can be reached by the keyboard", `chart.focus(); document.activeElement == chart`, true},
		{"a step", `key("ArrowRight"), said()`, "50% of successes | one 5 ms (4.75 ms to 5.25 ms) | two 2.5 ms (2.38 ms to 2.62 ms)"},
		{"which one is told", `box.querySelector("strong").textContent.startsWith("one")`, true},
		{"and on", `key("ArrowRight"), box.firstChild.textContent`, "90% of successes"},
		{"to the end, and no further", `key("End"), key("ArrowRight"), box.querySelector("strong").textContent`, "two 10 ms (9.5 ms to 10.5 ms)"},
		{"away", `key("Escape"), said()`, ""},
		{"pointing", `hover(chart.querySelectorAll(".marks rect")[1]), box.querySelector("strong").textContent`, "one 10 ms (9.5 ms to 10.5 ms)"},
		{"what is said is in the window", `(f => f.left >= 0 && f.right <= innerWidth)(box.getBoundingClientRect())`, true},
		{"pointing elsewhere", `chart.dispatchEvent(new PointerEvent("pointerleave", {pointerType: "mouse"})), said()`, ""},
		{"a series is drawn", `drawn(1) && drawn(2) && entry.getAttribute("aria-pressed") == "true"`, true},
		{"hidden", `entry.click(), !drawn(1) && drawn(2) && entry.getAttribute("aria-pressed") == "false"`, true},
		{"and passed over", `key("Home"), said()`, "50% of successes | two 2.5 ms (2.38 ms to 2.62 ms)"},
		{"its name stays", `entry.querySelector("path").style.display + entry.textContent.trim()`, "one"},
		{"only here", `[...document.querySelectorAll("#time svg[role=img] [data-s]")].every(piece => piece.style.display == "")`, true},
		{"and shown again", `entry.click(), drawn(1)`, true},
		{"a file is inside the page", `document.querySelector("a[download$=csv]").click(), location.pathname.endsWith("small.html")`, true},
	} {
		got, err := chromedp.Run(tab, chromedp.Evaluate[any](tt.script))
		require.NoError(t, err, tt.what)
		require.Equal(t, tt.want, got, tt.what)
	}
	require.Empty(t, complaints())
}
