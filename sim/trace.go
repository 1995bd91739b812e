package sim

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"trafficlab/components"
	"trafficlab/components/policy"
	"trafficlab/scenarios"
)

// Trace plays a case until the first n requests from an instant on have their
// outcomes, and writes the story of each: where it waited, who was asked, why
// it was asked again, how it ended. The same case gives the same bytes.
func Trace(ctx context.Context, c *scenarios.Case, costs Costs, from time.Duration, n int, out io.Writer) error {
	w, err := newWorld(c, costs, site(c, costs))
	if err != nil {
		return fmt.Errorf("trace %s: %w", c.Scenario, err)
	}
	w.tracer = &tracer{from: from, most: n, of: map[uint64]*story{}, told: map[*frame]string{}}
	if err := w.play(ctx); err != nil {
		return fmt.Errorf("trace %s: %w", c.Scenario, err)
	}
	return w.tracer.write(out)
}

// tracer keeps the stories of some requests.
type tracer struct {
	from        time.Duration
	most, ended int
	all         []*story
	of          map[uint64]*story
	told        map[*frame]string // of what each waits for
}

// story is what befell one request, line by line.
type story struct {
	title string
	began time.Duration
	lines []deed
	ended bool
}

// deed is what somebody did at an instant.
type deed struct {
	at        time.Duration
	who, what string
}

// over tells whether all that was asked for is told. There may be no tracer.
func (t *tracer) over() bool { return t != nil && t.ended == t.most }

// leave forgets a frame that is over.
func (t *tracer) leave(f *frame) { delete(t.told, f) }

// open begins the story of an arrival, if there is room for one more.
func (t *tracer) open(a *scenarios.Arrival) {
	if a.At >= t.from && len(t.all) < t.most {
		s := &story{title: fmt.Sprintf("%s: %s %s at %s", title(a.Number), a.Method, a.Path, a.At), began: a.At}
		t.all, t.of[a.Number] = append(t.all, s), s
	}
}

// title names a request.
func title(number uint64) string {
	if i, closed := scenarios.ClientOf(number); closed {
		return fmt.Sprintf("request %d of client %d", uint32(number), i)
	}
	return fmt.Sprintf("request %d", number)
}

// traced tells whether there is a story that a request belongs to. It is
// asked everywhere and costs next to nothing without a tracer.
func (w *world) traced(number uint64) bool { return w.tracer != nil && w.tracer.of[number] != nil }

// note adds a line to the story of a request that is traced.
func (w *world) note(number uint64, who, format string, args ...any) {
	s := w.tracer.of[number]
	s.lines = append(s.lines, deed{w.clock.now - s.began, who, fmt.Sprintf(format, args...)})
}

// noteAsk tells of an attempt.
func (w *world) noteAsk(c *call) {
	w.note(c.request.Number, c.who(), "asks %s%s", c.pool.to.name, c.which())
}

// which tells a retry or a hedge from a first attempt.
func (c *call) which() string {
	if c.from.call == nil || c.request.Attempt == c.from.call.request.Attempt {
		return ""
	}
	for other := c.from.calls; other != nil; other = other.next {
		if other != c && !other.fired {
			return ", a hedge"
		}
	}
	return ", another try"
}

// teller is steps that can say what they wait for; "" is nothing that is not
// told already.
type teller interface{ Waiting() string }

// notePark tells what a frame waits for, unless that is what it told last.
func (w *world) notePark(f *frame) {
	what := ""
	if t, ok := f.steps.(teller); ok {
		what = t.Waiting()
	}
	if what == "" || what == w.tracer.told[f] {
		return
	}
	w.tracer.told[f] = what
	if !f.waitsForSignal() && f.until != components.Forever {
		what = fmt.Sprintf("%s for %s", what, f.until-w.clock.now)
	}
	w.note(f.call.request.Number, string(f.place.name), "%s", what)
}

func (f *frame) waitsForSignal() bool {
	return slices.ContainsFunc(f.on, func(e components.Event) bool {
		_, is := e.(*signal)
		return is
	})
}

// noteEnd ends the story of a request.
func (w *world) noteEnd(c *call, latency time.Duration) {
	how := c.reason.String()
	if c.reason == policy.OK {
		how = fmt.Sprintf("has %d", c.status)
		if word := c.header.Get("X-Cache"); word != "" {
			how += " (" + word + ")"
		}
	}
	w.note(c.request.Number, "client", "%s after %s", how, latency)
	if s := w.tracer.of[c.request.Number]; !s.ended {
		s.ended = true
		w.tracer.ended++
	}
}

// who is the name of a call's caller.
func (c *call) who() string {
	if c.from == nil {
		return "client"
	}
	return string(c.from.place.name)
}

func (t *tracer) write(out io.Writer) error {
	var text strings.Builder
	for _, s := range t.all {
		fmt.Fprintln(&text, s.title)
		wide := 0
		for _, l := range s.lines {
			wide = max(wide, len(l.who))
		}
		for _, l := range s.lines {
			fmt.Fprintf(&text, "  %12s  %-*s  %s\n", "+"+l.at.String(), wide, l.who, l.what)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
